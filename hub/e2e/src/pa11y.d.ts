/** The part of pa11y that is used here; the package has no types of its own. */
declare module 'pa11y' {
  import type { Browser, Page } from 'puppeteer-core';

  export interface Issue {
    code: string;
    message: string;
    selector: string;
    type: 'error' | 'warning' | 'notice';
  }

  export default function pa11y(
    url: string,
    options: {
      browser: Browser;
      page: Page;
      /** Look at the page as it is, without opening the address. */
      ignoreUrl: true;
      standard: 'WCAG2AA';
      runners: ['htmlcs'];
      /** CSS selector of what is left out, with everything in it. */
      hideElements: string;
    },
  ): Promise<{ issues: Issue[] }>;
}
