/** Who sees and hears whom. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { received, seesAndHears } from './media';
import { Room } from './room';
import { APART, MEETING, seatAt } from './seats';

/** These people see and hear one another. */
export async function meet(rooms: Room[], within_ms = 20_000): Promise<void> {
  await Promise.all(rooms.map((room) => seesAndHears(room.page, others(room, rooms), within_ms)));
}

/** These people see and hear one another, and nobody else is in a receive slot of theirs. */
export async function together(rooms: Room[], within_ms = 20_000): Promise<void> {
  await meet(rooms, within_ms);
  for (const room of rooms) {
    const { audio } = await received(room.page);
    assert.deepEqual(Object.keys(audio).sort(), others(room, rooms).sort());
  }
}

/** Conciliator, client and delegate of the test's room, in a separate session. */
export async function apart(browser: Browser): Promise<Room[]> {
  const rooms: Room[] = [];
  for (const seat of [0, 1, 2]) rooms.push(await Room.enter(await seatAt(browser, seat), MEETING));
  const [conciliator] = rooms;
  assert.ok(conciliator);
  await conciliator.press('start');
  await conciliator.press('admit-all');
  await conciliator.press('open-activating');
  await Promise.all(rooms.map((room) => room.isIn(APART)));
  await together(rooms);
  return rooms;
}

function others(room: Room, rooms: Room[]): string[] {
  return rooms.map((r) => r.me).filter((id) => id !== room.me);
}
