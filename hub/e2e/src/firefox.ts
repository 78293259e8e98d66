/**
 * The main story of the room with two browsers: the conciliator in Chromium, the client in Firefox.
 * They see and hear each other, write, go into a separate session and back, and survive a reload.
 * `signaling/tests/browser` serves them and plays this story.
 */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { Fox } from './fox';
import { received, seesAndHears } from './media';
import { artefact } from './places';
import { Room } from './room';
import { APART, JOINED, MEETING, seatAt, server } from './seats';
import { storyInRoom } from './story';

await storyInRoom(async (browser) => {
  const fox = await Fox.launch();
  try {
    await play(browser, fox);
  } catch (error) {
    await fox.page.screenshot({ path: await artefact('stopped-firefox.png') });
    throw error;
  } finally {
    await fox.close();
  }
});

async function play(browser: Browser, fox: Fox): Promise<void> {
  const conciliator = await Room.enter(await seatAt(browser, 0), MEETING);
  const client = await fox.enter(server, MEETING, 1);
  await fox.isIn('Sala d’attesa');
  await conciliator.press('start');
  await conciliator.admit(client);
  await both(client);
  await fox.picture('plenary');

  // What leaves Firefox is what the camera sees, in two layers; the better one as soon as its line seems to take it.
  for (const end = Date.now() + 30_000; ; await conciliator.page.waitForTimeout(500)) {
    const layers = await fox.layers();
    if (layers.filter((layer) => layer.packets > 0).length === 2) break;
    assert.ok(Date.now() < end, JSON.stringify(layers));
  }

  // Chat, both ways.
  await conciliator.say('Buongiorno da Chromium.');
  await fox.reads('Buongiorno da Chromium.');
  await fox.say('Buongiorno da Firefox.');
  await conciliator.reads(['Buongiorno da Chromium.', 'Buongiorno da Firefox.']);

  // Microphone off and on.
  await fox.press('control-mic');
  await fox.pressed('control-mic', false);
  await conciliator.page.waitForTimeout(500);
  const before = (await received(conciliator.page)).audio[client] ?? 0;
  await conciliator.page.waitForTimeout(1_000);
  assert.equal((await received(conciliator.page)).audio[client] ?? 0, before, 'silent while off');
  await fox.press('control-mic');
  await fox.pressed('control-mic', true);
  await both(client);

  // A separate session, and back.
  await conciliator.open('people');
  await conciliator.press('open-activating');
  await conciliator.isIn(APART);
  await fox.isIn(APART);
  await both(client);
  await fox.picture('breakout');

  // A reload: same seat, same session, no question asked again.
  await fox.page.reload();
  await fox.inside();
  await fox.isIn(APART);
  await both(client);
  await conciliator.press('recall');
  await fox.isIn(JOINED);
  await both(client);

  // The end.
  await conciliator.press('end');
  await conciliator.press('dialog-confirm');
  await fox.sees('farewell-ended');
  await fox.picture('ended');
  assert.deepEqual(fox.complaints, []);

  async function both(client: string): Promise<void> {
    await Promise.all([
      seesAndHears(conciliator.page, [client]),
      seesAndHears(fox.watched, [conciliator.me]),
    ]);
  }
}
