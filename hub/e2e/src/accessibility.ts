/**
 * Two referees of accessibility that look at a page in the state it is in: axe, and pa11y with
 * HTML_CodeSniffer. They find different things; a page passes if neither finds anything.
 */
import AxeBuilder from '@axe-core/playwright';
import pa11y from 'pa11y';
import type { Page } from 'playwright-core';
import puppeteer, { type Browser as Second } from 'puppeteer-core';
import { devtools } from './browser';

/** WCAG 2.1 A and AA violations of the page, one line each. */
export async function accessibility(page: Page): Promise<string[]> {
  const path = new URL(page.url()).pathname;
  return [...(await axe(page)), ...(await codeSniffer(page))].map((line) => `${path}: ${line}`);
}

async function axe(page: Page): Promise<string[]> {
  const result = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'])
    .analyze();
  return result.violations.map((v) => `axe: ${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`);
}

/** pa11y speaks puppeteer: a second driver looks at the very same page of the same browser. */
async function codeSniffer(page: Page): Promise<string[]> {
  const browser = await puppeteer.connect({ browserURL: devtools(page), defaultViewport: null });
  try {
    const { issues } = await pa11y(page.url(), {
      browser,
      page: await samePage(browser, page),
      ignoreUrl: true,
      standard: 'WCAG2AA',
      runners: ['htmlcs'],
      // What nobody perceives at this moment may still lack its words.
      hideElements: '[hidden]',
    });
    return issues.filter((i) => i.type === 'error').map((i) => `pa11y: ${i.code}: ${i.message}: ${i.selector}`);
  } finally {
    await browser.disconnect();
  }
}

/** The page as the second driver sees it. Its size is the first driver's alone: two of them would fight over it. */
async function samePage(browser: Second, page: Page) {
  const session = await page.context().newCDPSession(page);
  const { targetInfo } = await session.send('Target.getTargetInfo');
  await session.detach();
  for (const target of browser.targets()) {
    if (target.type() !== 'page') continue;
    const second = await target.createCDPSession();
    const { targetInfo: other } = await second.send('Target.getTargetInfo');
    await second.detach();
    const found = other.targetId === targetInfo.targetId ? await target.page() : null;
    if (found !== null) return Object.assign(found, { setViewport: () => Promise.resolve() });
  }
  throw new Error('the second driver does not see the page');
}
