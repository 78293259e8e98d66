/** Debian's Chromium with fake devices; everybody has an own context, as on an own computer. */
import { createServer } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { artefact } from './places';

export type Size = { width: number; height: number };
export const DESK: Size = { width: 1280, height: 800 };
export const PHONE: Size = { width: 390, height: 780 };

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Ten pictures a second: six people share the cores of one machine.
  '--use-fake-device-for-media-stream=fps=10',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
];

export async function launch(more: string[] = []): Promise<Browser> {
  const port = await freePort();
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [...FLAGS, ...more, `--remote-debugging-port=${port}`],
  });
  devtoolsPorts.set(browser, port);
  return browser;
}

const devtoolsPorts = new Map<Browser, number>();

/** Where another driver reaches the browser of a page. */
export function devtools(page: Page): string {
  const browser = page.context().browser();
  return `http://127.0.0.1:${browser ? devtoolsPorts.get(browser) : undefined}`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** A page of an own context. What the page complains about is collected in `complaints`. */
export async function newPage(browser: Browser, url: string, who: string, size: Size = DESK): Promise<Page> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: size,
    locale: 'it-IT',
    timezoneId: 'Europe/Rome',
    permissions: ['camera', 'microphone'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => complaints.push(`${who}: ${error.message}`));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) complaints.push(`${who}: ${message.text()}`);
  });
  return page;
}

/** Script errors and violations of the CSP on any page; the story ends with none. */
export const complaints: string[] = [];

let step = 0;

/** A numbered picture of the page, at its size and, on request, at a phone's. */
export async function picture(page: Page, name: string, options: { phone?: boolean } = {}): Promise<void> {
  step += 1;
  const number = String(step).padStart(2, '0');
  await page.screenshot({ path: await artefact(`${number}-${name}.png`), fullPage: true });
  const size = page.viewportSize() ?? DESK;
  if (!options.phone || size.width <= PHONE.width) return;
  await page.setViewportSize(PHONE);
  await page.screenshot({ path: await artefact(`${number}-${name}-390.png`), fullPage: true });
  await page.setViewportSize(size);
}

/** What everybody saw when the story stopped. */
export async function lastPictures(browser: Browser): Promise<void> {
  const pages = browser.contexts().flatMap((context) => context.pages());
  for (const [at, page] of pages.entries()) {
    await page.screenshot({ path: await artefact(`stopped-${at + 1}.png`), fullPage: true }).catch(() => undefined);
  }
}
