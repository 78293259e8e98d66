/** Who sees and hears whom. */
import assert from 'node:assert/strict';
import { received, seesAndHears } from './media';
import type { Room } from './room';

/** These people see and hear one another. */
export async function meet(rooms: Room[]): Promise<void> {
  await Promise.all(rooms.map((room) => seesAndHears(room.page, others(room, rooms))));
}

/** These people see and hear one another, and nobody else is in a receive slot of theirs. */
export async function together(rooms: Room[]): Promise<void> {
  await meet(rooms);
  for (const room of rooms) {
    const { audio } = await received(room.page);
    assert.deepEqual(Object.keys(audio).sort(), others(room, rooms).sort());
  }
}

function others(room: Room, rooms: Room[]): string[] {
  return rooms.map((r) => r.me).filter((id) => id !== room.me);
}
