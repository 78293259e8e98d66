/**
 * Three people whose network changes its addresses, and fails for ten and for thirty seconds, media
 * and socket at once. Everybody is back by themselves in the session where they were.
 * `signaling/tests/browser` serves them over a link that it can cut, and plays this story.
 */
import assert from 'node:assert/strict';
import { ownId, received } from './media';
import { apart, together } from './meet';
import type { Room } from './room';
import { APART, lines, network } from './seats';
import { storyInRoom } from './story';

const CHANGES = 10;
/** Far more than it takes on an idle machine; the figures are printed. */
const BACK_WITHIN_MS = 90_000;

await storyInRoom(async (browser) => {
  const rooms = await apart(browser);
  await changes(rooms);
  await outage(rooms, 10);
  await outage(rooms, 30);
});

/** The way of the media becomes another one again and again: how long nothing comes. */
async function changes(rooms: Room[]): Promise<void> {
  const gaps: number[] = [];
  for (let n = 0; n < CHANGES; n++) {
    await network('su');
    const from = Date.now();
    await Promise.all(
      rooms.map(async (room) => {
        await hears(room);
        gaps.push(Date.now() - from);
      }),
    );
    await rooms[0]?.page.waitForTimeout(1_500);
  }
  gaps.sort((a, b) => a - b);
  const at = (share: number) => gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * share))];
  console.log(JSON.stringify({ network_change_ms: { p50: at(0.5), p95: at(0.95), of: gaps.length } }));
  await together(rooms);
}

/** Waits until voices that came after this moment are heard. */
async function hears(room: Room): Promise<void> {
  // What is on its way still comes by the old one.
  await room.page.waitForTimeout(50);
  const count = async () => Object.values((await received(room.page)).audio).reduce((sum, n) => sum + n, 0);
  const before = await count();
  for (const end = Date.now() + 30_000; (await count()) <= before + 2; ) {
    if (Date.now() > end) throw new Error('nothing is heard any more');
    await room.page.waitForTimeout(20);
  }
}

/** No network at all, neither for media nor for the socket; then everybody is back by themselves. */
async function outage(rooms: Room[], seconds: number): Promise<void> {
  const [first, second] = rooms;
  assert.ok(first && second);
  const seats = rooms.map((room) => room.me);
  await network('giu');
  for (const line of lines) line.cut();
  await Promise.all(rooms.map((room) => lost(room, 'visible')));
  await first.page.waitForTimeout(seconds * 1_000);
  for (const line of lines) line.mend();
  await network('su');
  const from = Date.now();
  await together(rooms, BACK_WITHIN_MS);
  const media = Date.now() - from;
  await Promise.all(rooms.map((room) => lost(room, 'hidden')));
  console.log(JSON.stringify({ outage_s: seconds, media_back_ms: media, socket_back_ms: Date.now() - from }));
  for (const [n, room] of rooms.entries()) {
    await room.isIn(APART);
    assert.equal(await ownId(room.page), seats[n]);
  }
  const said = `Di nuovo qui dopo ${seconds} secondi.`;
  await first.say(said);
  await second.open('chat');
  await second.page.getByTestId('chat-line').filter({ hasText: said }).waitFor();
}

/** Waits until the page says that the line is lost, or does not say so any more. */
function lost(room: Room, state: 'visible' | 'hidden'): Promise<void> {
  const words = room.page.getByTestId('link-state').filter({ hasText: 'Collegamento interrotto' });
  return words.waitFor({ state, timeout: 40_000 });
}
