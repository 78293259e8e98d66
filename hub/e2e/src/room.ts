/** The room page as a person uses it. */
import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import { ownId } from './media';

export class Room {
  private constructor(readonly page: Page, readonly me: string) {}

  /** Accepts the notice of confidentiality and goes in (to the lobby, or as conciliator inside). */
  static async enter(page: Page, meeting: string): Promise<Room> {
    await page.goto(`/stanza/${meeting}`);
    return Room.accept(page);
  }

  /** From the entrance, that the page shows, into the room. */
  static async accept(page: Page): Promise<Room> {
    await page.getByTestId('accept').check();
    await page.getByTestId('enter').click();
    return Room.inside(page);
  }

  /** The page after a reload: no question is asked again. */
  static async inside(page: Page): Promise<Room> {
    await page.getByTestId('room').waitFor();
    await page.waitForFunction(() => {
      const { accordo } = window as unknown as { accordo: { pc: RTCPeerConnection | null; state: { session: string | null } } };
      return accordo.state.session !== null && accordo.pc?.connectionState === 'connected';
    });
    return new Room(page, await ownId(page));
  }

  press(test: string): Promise<void> {
    return this.page.getByTestId(test).click();
  }

  /** Waits until the banner names this session. */
  async isIn(name: string): Promise<void> {
    await this.page.getByTestId('session-name').filter({ hasText: name }).waitFor();
  }

  async open(panel: 'people' | 'chat' | 'files' | 'document' | 'log' | 'settings'): Promise<void> {
    const control = this.page.getByTestId(`control-${panel}`);
    if ((await control.getAttribute('aria-expanded')) !== 'true') await control.click();
  }

  async say(text: string): Promise<void> {
    await this.open('chat');
    await this.page.getByTestId('chat-text').fill(text);
    await this.page.getByTestId('chat-send').click();
    await this.page.getByTestId('chat-line').filter({ hasText: text }).waitFor();
  }

  async chatLines(): Promise<string[]> {
    await this.open('chat');
    return this.page.getByTestId('chat-line').locator('p').allTextContents();
  }

  /** Waits until the chat of the present session is exactly this. */
  async reads(lines: string[]): Promise<void> {
    await this.open('chat');
    const last = this.page.getByTestId('chat-line').nth(lines.length - 1);
    await last.waitFor();
    assert.deepEqual(await this.chatLines(), lines);
    await this.uncover();
  }

  /** On a phone a panel covers the faces, and faces nobody sees are not sent. */
  async uncover(): Promise<void> {
    const width = this.page.viewportSize()?.width ?? 0;
    const close = this.page.getByTestId('panel-close');
    if (width < 700 && (await close.isVisible())) await close.click();
  }

  /** Waits until a message over the page says so. */
  async told(text: string): Promise<void> {
    const toast = this.page.getByTestId('toast').filter({ hasText: text }).first();
    await toast.waitFor();
    await toast.getByRole('button').click();
  }

  /** Waits until a screen reader was told so. */
  async hears(text: string): Promise<void> {
    await this.page.getByTestId('announcements').locator('p').filter({ hasText: text }).first().waitFor({ state: 'attached' });
  }

  /** Waits until line and media are whole. */
  async linked(): Promise<void> {
    await this.page.getByTestId('link-state').filter({ hasText: /^Collegato$/ }).waitFor();
  }

  /** Waits until a control is on or off. */
  async pressed(test: string, on: boolean): Promise<void> {
    await this.page.locator(`[data-testid=${test}][aria-pressed=${on}]`).waitFor();
  }

  /** The row of a person in the list of people. */
  of(other: Room): Locator {
    return this.page.locator(`[data-testid=person][data-participant="${other.me}"]`);
  }

  /** Lets somebody in who waits. */
  async admit(participant: string): Promise<void> {
    await this.open('people');
    await this.page.locator(`[data-testid=person][data-participant="${participant}"]`).getByTestId('admit').click();
  }

  /** What "Altro" offers for a person. */
  async more(other: Room, act: string): Promise<void> {
    await this.open('people');
    const row = this.of(other);
    if ((await row.locator('details[open]').count()) === 0) await row.getByTestId('person-more').click();
    await row.getByTestId(act).click();
  }

  /** The face of a person. */
  tile(other: Room): Locator {
    return this.page.locator(`[data-testid=tile-camera][data-participant="${other.me}"]`);
  }
}
