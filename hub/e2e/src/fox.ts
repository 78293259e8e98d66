/**
 * A person in Debian's Firefox, driven over WebDriver BiDi, with Firefox's own fake devices.
 * Playwright cannot drive a Firefox that it did not build.
 */
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import type { Watched } from './media';
import { artefact } from './places';

const WITHIN_MS = 30_000;

const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'media.gmp-manager.updateEnabled': false,
  'intl.accept_languages': 'it',
};

export class Fox {
  /** Script errors and violations of the CSP. */
  readonly complaints: string[] = [];

  private constructor(
    private readonly browser: Browser,
    readonly page: Page,
  ) {}

  static async launch(): Promise<Fox> {
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: process.env['FIREFOX'] ?? '/usr/bin/firefox-esr',
      headless: true,
      extraPrefsFirefox: PREFERENCES,
    });
    const page = await browser.newPage();
    page.setDefaultTimeout(WITHIN_MS);
    await page.setViewport({ width: 1280, height: 800 });
    const fox = new Fox(browser, page);
    page.on('pageerror', (error) => fox.complaints.push(`firefox: ${String(error)}`));
    page.on('console', (message) => {
      if (message.text().includes('Content-Security-Policy')) fox.complaints.push(`firefox: ${message.text()}`);
    });
    return fox;
  }

  /** For what is read of any browser's media. */
  get watched(): Watched {
    return {
      evaluate: (read) => this.page.evaluate(read as () => Promise<never>),
      waitForTimeout: (ms) => new Promise((done) => setTimeout(done, ms)),
    };
  }

  /** Accepts the notice of confidentiality and goes in; resolves with the own id. */
  async enter(server: string, meeting: string, seat: number): Promise<string> {
    await this.browser.setCookie({ name: 'seat', value: String(seat), domain: new URL(server).hostname, path: '/' });
    await this.page.goto(`${server}/stanza/${meeting}`);
    await this.press('accept');
    await this.press('enter');
    return this.inside();
  }

  /** Waits until the page is in the room and its media are connected. */
  async inside(): Promise<string> {
    await this.sees('room');
    // Not `waitForFunction`: it looks from a realm of its own, where the page's hook is absent.
    for (const end = Date.now() + WITHIN_MS; ; ) {
      const { me, session, connection } = await this.page.evaluate(() => {
        type Hook = { pc: RTCPeerConnection | null; state: { me: string; session: string | null } };
        const hook = (window as unknown as { accordo?: Hook }).accordo;
        const { pc } = hook ?? {};
        const connection = [pc?.signalingState, pc?.iceGatheringState, pc?.iceConnectionState, pc?.connectionState];
        return { me: hook?.state.me ?? '', session: hook?.state.session ?? null, connection };
      });
      if (session !== null && connection.at(-1) === 'connected') return me;
      if (Date.now() > end) throw new Error(`Firefox does not get into the room: ${session}, ${connection.join(' ')}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  async press(test: string): Promise<void> {
    const control = await this.page.waitForSelector(`[data-testid="${test}"]`, { visible: true });
    await control?.evaluate((element) => (element as HTMLElement).click());
  }

  async sees(test: string, text = ''): Promise<void> {
    await this.page.waitForFunction(
      (wanted, words) => [...document.querySelectorAll(`[data-testid="${wanted}"]`)].some((e) => e.textContent?.includes(words)),
      { polling: 100 },
      test,
      text,
    );
  }

  async isIn(session: string): Promise<void> {
    await this.sees('session-name', session);
  }

  async pressed(test: string, on: boolean): Promise<void> {
    await this.page.waitForSelector(`[data-testid="${test}"][aria-pressed="${on}"]`);
  }

  async say(text: string): Promise<void> {
    await this.openChat();
    const field = await this.page.waitForSelector('[data-testid="chat-text"]', { visible: true });
    await field?.type(text);
    await this.press('chat-send');
    await this.sees('chat-line', text);
  }

  async reads(text: string): Promise<void> {
    await this.openChat();
    await this.sees('chat-line', text);
  }

  /** What of the camera leaves the browser, per layer. */
  layers(): Promise<{ rid: string; packets: number; width: number }[]> {
    return this.page.evaluate(async () => {
      const { pc } = (window as unknown as { accordo: { pc: RTCPeerConnection } }).accordo;
      const layers: { rid: string; packets: number; width: number }[] = [];
      for (const stat of (await pc.getStats()).values()) {
        if (stat.type !== 'outbound-rtp' || stat.kind !== 'video' || !stat.rid) continue;
        layers.push({ rid: stat.rid, packets: stat.packetsSent, width: stat.frameWidth ?? 0 });
      }
      return layers;
    });
  }

  async picture(name: string): Promise<void> {
    await this.page.screenshot({ path: await artefact(`firefox-${name}.png`) });
  }

  close(): Promise<void> {
    return this.browser.close();
  }

  private async openChat(): Promise<void> {
    const control = await this.page.waitForSelector('[data-testid="control-chat"]', { visible: true });
    const open = await control?.evaluate((element) => element.getAttribute('aria-expanded'));
    if (open !== 'true') await this.press('control-chat');
  }
}
