/** Minutes and signatures: the portal's page in the room's side panel, or by itself. */
import type { FrameLocator, Locator, Page } from 'playwright-core';
import type { Hub } from './hub';
import { newCode } from './portal';
import type { Room } from './room';

const STEPS = ['sign-identify', 'sign-conditions', 'sign-contacts', 'sign-check', 'sign-request', 'sign-submit'] as const;
type Step = (typeof STEPS)[number];

export class Minutes {
  constructor(
    readonly page: Page,
    readonly frame: Pick<FrameLocator, 'getByTestId' | 'locator'>,
  ) {}

  static async open(room: Room): Promise<Minutes> {
    await room.open('document');
    return new Minutes(room.page, room.page.frameLocator('[data-testid=panel-frame]'));
  }

  /** The page of its own, outside a room. */
  static async at(page: Page, address: string): Promise<Minutes> {
    await page.goto(address);
    return new Minutes(page, page);
  }

  async write(outcome: string, text: string): Promise<void> {
    await this.frame.locator('#esito').selectOption(outcome);
    await this.frame.getByTestId('minutes-save').click();
    await this.frame.locator('#testo').fill(text);
    await this.frame.locator('[data-save-status]').filter({ hasText: /salvat/i }).waitFor();
  }

  show(): Promise<void> {
    return this.frame.getByTestId('minutes-show').click();
  }

  async freeze(): Promise<void> {
    this.page.once('dialog', (dialog) => void dialog.accept());
    await this.frame.getByTestId('minutes-freeze').click();
    await this.status('sent');
  }

  /** Waits until the process is at this point. */
  async status(key: string): Promise<void> {
    await this.frame.locator(`[data-testid=process-status][data-status="${key}"]`).waitFor();
  }

  /** Waits until so many have signed, as this person sees it. */
  async signed(count: number): Promise<void> {
    await this.frame.locator('[data-step=signed]').nth(count - 1).waitFor();
  }

  /**
   * Takes every step up to the signature; `before` each one, for a picture. `done` shows that it is
   * given: the own part says so, unless there is another copy to go on with.
   */
  async sign(hub: Hub, before: (step: Step | 'identity-provider') => Promise<void>, done?: Locator): Promise<void> {
    const own = this.frame.getByTestId('own-step');
    const signed = done ?? own.getByText('Hai firmato il documento.');
    let code = '';
    for (;;) {
      const step = await this.next(own, signed);
      if (step === null) return;
      await before(step);
      const button = own.getByTestId(step);
      switch (step) {
        case 'sign-identify':
          await button.click();
          await this.frame.locator('button[value=authorize]').waitFor();
          await before('identity-provider');
          await this.frame.locator('button[value=authorize]').click();
          break;
        case 'sign-conditions':
          // The theme draws the box in the label.
          for (const box of await own.locator('.form-check > label').all()) await box.click({ position: { x: 8, y: 12 } });
          await button.click();
          break;
        case 'sign-request': {
          const known = await hub.outbox('');
          await button.click();
          code = await newCode(hub, known, (message) => message.text.includes('firma'));
          break;
        }
        case 'sign-submit':
          await own.locator('#codice').fill(code);
          await button.click();
          break;
        default:
          await button.click();
      }
      await this.leaves(own, step);
    }
  }

  /** Types a wrong code where the right one is asked for; waits until the page says so. */
  async mistype(): Promise<void> {
    const own = this.frame.getByTestId('own-step');
    await own.locator('#codice').fill('000000');
    await own.getByTestId('sign-submit').click();
    await own.locator('#codice-errore').waitFor();
  }

  /** The next thing to do; `null` once the person has signed. */
  private async next(own: Locator, done: Locator): Promise<Step | null> {
    const any = STEPS.map((step) => own.getByTestId(step)).reduce((all, one) => all.or(one));
    await any.or(done).first().waitFor();
    if (await done.first().isVisible()) return null;
    for (const step of STEPS) if (await own.getByTestId(step).isVisible()) return step;
    return null;
  }

  private async leaves(own: Locator, step: Step): Promise<void> {
    if (step === 'sign-request') return void (await own.getByTestId('sign-submit').waitFor());
    await own.getByTestId(step).waitFor({ state: 'detached' });
  }
}
