/** The room page as a person uses it. */
import type { Page } from 'playwright-core';
import { ownId } from './media';

export class Room {
  private constructor(readonly page: Page, readonly me: string) {}

  /** Accepts the notice of confidentiality and goes in (to the lobby, or as conciliator inside). */
  static async enter(page: Page, meeting: string): Promise<Room> {
    await page.goto(`/stanza/${meeting}`);
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

  async open(panel: 'people' | 'chat' | 'document' | 'settings'): Promise<void> {
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

  /** Announcements made to a screen reader so far. */
  announcements(): Promise<string[]> {
    return this.page.getByTestId('announcements').locator('p').allTextContents();
  }
}
