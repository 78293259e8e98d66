/**
 * What stands around the play of a story: the browser, the pictures, the referees, the end. One
 * process plays one story.
 */
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { accessibility } from './accessibility';
import { complaints, DESK, lastPictures, launch, newPage, picture, type Size } from './browser';
import { Hub } from './hub';
import { forgetPictures } from './places';
import { signIn } from './portal';
import { lines } from './seats';

/** Far more than any story at a hub takes on two idle cores. */
const LIMIT_MS = 8 * 60_000;

/** What the referees of accessibility found so far; a story ends with nothing. */
const violations: string[] = [];

/** A picture of the page, on a phone as well, and the referees' judgement. */
export async function look(page: Page, name: string): Promise<void> {
  await picture(page, name, { phone: true });
  await inspect(page);
}

/** The referees' judgement alone. */
export async function inspect(...pages: Page[]): Promise<void> {
  for (const page of pages) violations.push(...(await accessibility(page)));
}

/** A story of the room that `signaling/tests/browser` serves. `flags` are for the browser. */
export async function storyInRoom(play: (browser: Browser) => Promise<void>, flags: string[] = []): Promise<void> {
  await forgetPictures();
  try {
    await perform(play, flags);
  } finally {
    for (const line of lines) line.close();
  }
}

/** What a story at a hub of its own has at hand. */
export interface AtHub {
  hub: Hub;
  browser: Browser;
  /** Somebody at an own computer, whom the hub does not know yet. */
  visitor(name: string, size?: Size): Promise<Page>;
  /** A signed-in person at an own computer. */
  person(username: string, size?: Size): Promise<Page>;
}

export interface Setting {
  /** Of the body that the story plays at. */
  host?: string;
  /** For the browser. */
  flags?: string[];
}

/** A story at a hub of its own. */
export async function storyAtHub(play: (stage: AtHub) => Promise<void>, setting: Setting = {}): Promise<void> {
  await forgetPictures();
  const hub = await Hub.start(setting.host);
  const limit = setTimeout(() => {
    hub.kill();
    console.error('the story did not come to its end');
    process.exit(1);
  }, LIMIT_MS);
  try {
    await perform((browser) => {
      const visitor = (name: string, size: Size = DESK) => newPage(browser, hub.url, name, size);
      const person = async (username: string, size?: Size) => {
        const page = await visitor(username, size);
        await signIn(page, hub, username);
        return page;
      };
      return play({ hub, browser, visitor, person });
    }, setting.flags);
  } finally {
    clearTimeout(limit);
    await hub.stop();
  }
}

async function perform(play: (browser: Browser) => Promise<void>, flags: string[] = []): Promise<void> {
  const browser = await launch(flags);
  try {
    await play(browser);
    assert.deepEqual(violations, []);
    assert.deepEqual(complaints, []);
  } catch (error) {
    await lastPictures(browser);
    throw error;
  } finally {
    await browser.close();
  }
}
