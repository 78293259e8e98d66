/**
 * Two people whose network lets nothing through but the relay: over UDP, over TCP, over TLS
 * (R-MEET-45). `signaling/tests/browser` serves them and plays this story.
 */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { together } from './meet';
import { path, relayOnly, type Transport } from './path';
import { Room } from './room';
import { JOINED, MEETING, seatAt } from './seats';
import { storyInRoom } from './story';

// The relay's certificate is made for the test.
await storyInRoom(async (browser) => {
  for (const transport of ['udp', 'tcp', 'tls'] as const) await meetOver(browser, transport);
}, ['--ignore-certificate-errors']);

async function meetOver(browser: Browser, transport: Transport): Promise<void> {
  const pages = [await seatAt(browser, 0), await seatAt(browser, 1)];
  const rooms: Room[] = [];
  for (const page of pages) {
    await relayOnly(page, transport);
    rooms.push(await Room.enter(page, MEETING));
  }
  const [conciliator, client] = rooms;
  assert.ok(conciliator && client);
  if (transport === 'udp') {
    await conciliator.press('start');
    await conciliator.admit(client.me);
  }
  await Promise.all(rooms.map((room) => room.isIn(JOINED)));
  await together(rooms);
  for (const room of rooms) {
    const way = await path(room.page);
    // Behind the relay the test's network translates addresses, so the candidate may be `prflx`.
    assert.equal(way?.relay, transport, JSON.stringify(way));
    // Browsers offer the slower cipher first, and say what they can in random order.
    assert.equal(way.cipher, 'SRTP_AEAD_AES_128_GCM');
    console.log(JSON.stringify({ transport, way }));
  }
  // A reload makes a new allocation with credentials of the new welcome.
  await client.page.reload();
  await together([conciliator, await Room.inside(client.page)]);
  for (const page of pages) await page.context().close();
}
