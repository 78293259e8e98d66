/**
 * Three people on bad lines: losses with delay and jitter, then a narrow uplink. Voices come before
 * pictures, and nobody is thrown out. `signaling/tests/browser` serves them over a link that it can
 * spoil, and plays this story.
 */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { type Figures, figures } from './figures';
import { apart, together } from './meet';
import type { Room } from './room';
import { APART, type Line, shape } from './seats';
import { storyInRoom } from './story';

/** Of the audio that people hear, at most so much may be made up. */
const CONCEALED = { lossy: 0.25, narrow: 0.15 };
/** Before the figures of a condition are read, everything gets used to it. */
const SETTLE_MS = 8_000;
const MEASURE_S = 12;

await storyInRoom(play);

async function play(browser: Browser): Promise<void> {
  const rooms = await apart(browser);
  const clean = await under('clean', rooms, {}, {});
  const lossy = { loss: 0.05, delay_ms: 80, jitter_ms: 40 };
  for (const seen of await under('lossy', rooms, lossy, lossy)) {
    assert.ok(seen.concealed <= CONCEALED.lossy, `concealed ${seen.concealed}`);
    assert.ok(seen.frames_per_s > 0, 'faces still move');
  }
  const narrow = { bits_per_second: 300_000, queue_ms: 400, delay_ms: 20 };
  for (const [n, seen] of (await under('narrow', rooms, narrow, { delay_ms: 20 })).entries()) {
    assert.ok(seen.concealed <= CONCEALED.narrow, `concealed ${seen.concealed}`);
    const before = clean[n];
    assert.ok(before);
    const lower = seen.width < before.width || seen.frames_per_s < before.frames_per_s * 0.9;
    assert.ok(lower, 'pictures get smaller or fewer, not voices');
  }
  await shape({}, {});
  await together(rooms);
}

/** Everybody's figures under a condition. */
async function under(name: string, rooms: Room[], up: Line, down: Line): Promise<Figures[]> {
  await shape(up, down);
  await rooms[0]?.page.waitForTimeout(SETTLE_MS);
  const seen = await Promise.all(rooms.map((room) => figures(room.page, MEASURE_S)));
  for (const of of seen) console.log(JSON.stringify({ condition: name, ...of }));
  await Promise.all(rooms.map((room) => room.isIn(APART)));
  return seen;
}
