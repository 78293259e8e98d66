/**
 * Six people in one room, each with an own browser context and an own line, over the real rooms and
 * the real media edge. `signaling/tests/browser` serves them and plays this story.
 */
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { DESK, PHONE, picture } from './browser';
import { linesOf, packetsDuring, received, seesAndHears, silentAfter } from './media';
import { meet, together } from './meet';
import { Room } from './room';
import { APART, JOINED, lines, MEETING, network, seatAt, server } from './seats';
import { inspect, look, storyInRoom } from './story';

await storyInRoom(play);

async function play(browser: Browser): Promise<void> {
  const pages: Page[] = [];
  for (const seat of [0, 1, 2, 3, 4, 5]) pages.push(await seatAt(browser, seat, seat === 5 ? PHONE : DESK));
  const [first] = pages;
  assert.ok(first);

  // The entrance: the notice of confidentiality stands before the room (R-MEET-25).
  await first.goto(`/stanza/${MEETING}`);
  await first.getByTestId('enter').click();
  await first.getByText('devi prima accettare').waitFor();
  await first.getByText('Telecamera accesa').waitFor();
  await look(first, 'entrance');

  const conciliator = await Room.enter(first, MEETING);
  await picture(first, 'before-the-start', { phone: true });
  const parties = await Promise.all(pages.slice(1).map((page) => Room.enter(page, MEETING)));
  const [client, delegate, operator, secretary, aid] = parties;
  assert.ok(client && delegate && operator && secretary && aid);
  const everybody = [conciliator, ...parties];

  // The lobby: connected, but nothing leaves the computer.
  await client.isIn('Sala d’attesa');
  assert.deepEqual(Object.values((await received(client.page)).packets).filter((n) => n > 0), []);
  await client.page.waitForFunction(() => (document.querySelector<HTMLVideoElement>('.waiting video')?.currentTime ?? 0) > 0);
  await look(client.page, 'lobby');
  await look(first, 'people-waiting');

  await conciliator.press('start');
  await conciliator.of(client).getByTestId('admit').click();
  await client.isIn(JOINED);
  assert.equal(await delegate.page.getByTestId('session-name').textContent(), 'Sala d’attesa');
  await conciliator.press('admit-all');
  await Promise.all(everybody.map((room) => room.isIn(JOINED)));
  await together(everybody);
  await picture(first, 'plenary-conciliator', { phone: true });
  await picture(client.page, 'plenary-client', { phone: true });
  await picture(aid.page, 'plenary-on-a-phone');
  await inspect(first, client.page);

  // Microphone and camera: the room takes them off the air, whoever turned them off.
  const heard = await linesOf(operator.page, [client.me]);
  const voice = await lineOfVoice(operator, client);
  await client.press('control-mic');
  await client.pressed('control-mic', false);
  await conciliator.press('control-chat');
  await silentAfter(operator.page, voice, 1_500);
  assert.ok((await packetsDuring(operator.page, heard, 1_000)) > 0, 'the camera goes on');
  await client.press('control-mic');
  await client.press('control-cam');
  await client.pressed('control-cam', false);
  await operator.tile(client).and(operator.page.locator(':not(.live)')).waitFor();
  await picture(operator.page, 'camera-off');
  await client.press('control-cam');
  await together(everybody);
  await conciliator.open('people');
  const voiceOfDelegate = await lineOfVoice(client, delegate);
  await conciliator.more(delegate, 'mute');
  await delegate.told('ha spento il tuo microfono');
  await delegate.pressed('control-mic', false);
  await silentAfter(client.page, voiceOfDelegate, 1_500);
  await delegate.press('control-mic');
  await seesAndHears(client.page, [delegate.me]);

  // A raised hand is seen and told.
  await secretary.press('control-hand');
  await secretary.pressed('control-hand', true);
  await conciliator.of(secretary).getByText('mano alzata').waitFor();
  await conciliator.hears('Sara Conti alza la mano.');
  await picture(first, 'hand', { phone: true });
  await secretary.press('control-hand');
  await secretary.pressed('control-hand', false);

  // A shared screen.
  await operator.press('control-screen');
  await Promise.all(everybody.map((room) => room.page.locator('.tile.screen.live').waitFor()));
  await picture(client.page, 'shared-screen', { phone: true });
  await picture(operator.page, 'sharing', { phone: true });
  await picture(aid.page, 'shared-screen-on-a-phone');
  await operator.press('control-screen');
  await Promise.all(everybody.map((room) => room.page.locator('.tile.screen').waitFor({ state: 'detached' })));

  // Chat.
  await client.say('canarino: buongiorno a tutti');
  await secretary.say('Buongiorno.');
  for (const room of everybody) {
    await room.reads(['canarino: buongiorno a tutti', 'Buongiorno.']);
  }
  await look(secretary.page, 'chat');

  // A breakout: from that moment the others get nothing from those who are in it.
  await conciliator.open('people');
  const inside = [conciliator, client, delegate];
  const outside = [operator, secretary, aid];
  const ids = (rooms: Room[]) => rooms.map((room) => room.me);
  const before = await Promise.all(
    outside.map(async (room) => [room, await linesOf(room.page, ids(inside))] as const),
  );
  await conciliator.press('open-activating');
  await conciliator.isIn(APART);
  const silences = await Promise.all(before.map(([room, gone]) => silentAfter(room.page, gone, 3_000)));
  console.log(JSON.stringify({ silent_after_ms: silences }));
  await together(inside);
  await together(outside);
  await client.say('canarino: solo tra noi');
  await operator.say('canarino: aspettiamo');
  await delegate.reads(['canarino: solo tra noi']);
  await secretary.open('chat');
  await operator.reads(['canarino: buongiorno a tutti', 'Buongiorno.', 'canarino: aspettiamo']);
  await aid.reads(['canarino: buongiorno a tutti', 'Buongiorno.', 'canarino: aspettiamo']);
  await picture(first, 'breakout-conciliator', { phone: true });
  await picture(client.page, 'breakout-client', { phone: true });
  await picture(operator.page, 'breakout-left-outside', { phone: true });
  await inspect(first, operator.page);

  // One person is moved out of it.
  const ofDelegate = await linesOf(client.page, [delegate.me]);
  await conciliator.more(delegate, 'move-plenary');
  await delegate.isIn(JOINED);
  await silentAfter(client.page, ofDelegate, 1_500);
  await together([delegate, ...outside]);
  assert.ok(!(await delegate.chatLines()).includes('canarino: solo tra noi'), 'a session’s chat stays in it');

  // Visits are announced to those who are visited (R-MEET-39).
  await conciliator.press('visit-plenary');
  await operator.told('entra in questa sessione');
  await conciliator.isIn(JOINED);
  await together([conciliator, delegate, ...outside]);
  await conciliator.press('visit-breakout-1');
  await client.told('entra in questa sessione');
  await conciliator.isIn(APART);
  await together([conciliator, client]);

  // A reload of the page: same seat, same session, no question asked again.
  await client.page.reload();
  await Room.inside(client.page);
  await client.isIn(APART);
  await together([conciliator, client]);

  // A lost line: the media go on meanwhile, what was said meanwhile comes once, in order.
  const line = lines[1];
  assert.ok(line);
  line.cut();
  await client.page.getByText('Collegamento interrotto').waitFor();
  await conciliator.say('canarino: detto durante il guasto');
  await seesAndHears(client.page, [conciliator.me]);
  await picture(client.page, 'line-lost', { phone: true });
  const cutAt = Date.now();
  line.mend();
  await client.reads(['canarino: detto durante il guasto']);
  console.log(JSON.stringify({ resumed_within_ms: Date.now() - cutAt }));
  await client.isIn(APART);
  await together([conciliator, client]);

  // A router forgets whose the media are: from now on they come from other addresses.
  await network('su');
  await together([conciliator, client]);

  // The media's way fails for a while: another one is made without anybody's doing.
  await network('giu');
  await conciliator.page.getByText('Audio e video si sono interrotti').waitFor();
  await picture(first, 'media-lost', { phone: true });
  await conciliator.say('canarino: la chat funziona ancora');
  await network('su');
  const backAt = Date.now();
  await together([conciliator, client]);
  console.log(JSON.stringify({ media_back_within_ms: Date.now() - backAt }));
  await Promise.all(everybody.map((room) => room.linked()));

  // All together again, with media.
  await conciliator.open('people');
  await conciliator.press('recall');
  await Promise.all(everybody.map((room) => room.isIn(JOINED)));
  await together(everybody);

  await conciliator.open('settings');
  await look(first, 'devices');
  await conciliator.open('people');

  // A text to all sessions; news about the minutes.
  await conciliator.press('notice');
  await conciliator.page.getByTestId('dialog-field').fill('Riprendiamo tra cinque minuti.');
  await picture(first, 'notice-question', { phone: true });
  await conciliator.press('dialog-confirm');
  await Promise.all(
    everybody.map((room) => room.page.getByTestId('notice-text').filter({ hasText: 'cinque minuti' }).waitFor()),
  );
  await fetch(`${server}/incontri/${MEETING}/novita`, { method: 'POST' });
  await client.page.locator('[data-testid=control-document].news').waitFor();
  await client.open('document');
  await client.page.frameLocator('iframe').getByText('Qui la pagina del portale').waitFor();
  await picture(client.page, 'panel', { phone: true });
  await client.press('notice-close');
  await client.page.getByTestId('panel-close').click();

  // Doors. A late person stays out of a locked room; those inside come back at will.
  await conciliator.press('lock');
  const late = await seatAt(browser, 6, PHONE);
  await late.goto(`/stanza/${MEETING}`);
  await late.getByText('ha chiuso la porta').waitFor();
  await picture(late, 'locked', { phone: true });
  await conciliator.told('aspetta fuori: la porta è chiusa');
  await conciliator.page.getByTestId('group-outside').waitFor();
  await picture(first, 'somebody-outside', { phone: true });
  await secretary.page.reload();
  await Room.inside(secretary.page);
  await secretary.isIn(JOINED);
  await conciliator.press('lock');
  await late.context().close();

  // Back to the lobby, and in again.
  await conciliator.more(secretary, 'exclude');
  await secretary.told('ti ha mandato in sala d’attesa');
  await secretary.page.getByText('ti ha chiesto di aspettare qui').waitFor();
  await picture(secretary.page, 'sent-back', { phone: true });
  await conciliator.of(secretary).getByTestId('admit').click();
  await secretary.isIn(JOINED);
  await meet([conciliator, secretary]);

  // Out of the meeting, refused, reinstated.
  await conciliator.more(aid, 'remove');
  await picture(first, 'remove-question', { phone: true });
  await conciliator.press('dialog-confirm');
  await aid.page.getByTestId('farewell-removed').waitFor();
  await picture(aid.page, 'removed', { phone: true });
  await aid.page.reload();
  await aid.page.getByText('ti ha fatto uscire').waitFor();
  await conciliator.press('reinstate');
  await aid.page.getByTestId('again').click();
  await Room.inside(aid.page);
  await aid.isIn('Sala d’attesa');
  await conciliator.of(aid).getByTestId('admit').click();
  await meet([conciliator, aid]);

  // One seat, one window: the newest has it.
  const second = await seatAt(browser, 3, DESK);
  const again = await Room.enter(second, MEETING);
  await operator.page.getByTestId('farewell-replaced').waitFor();
  await picture(operator.page, 'replaced', { phone: true });
  await again.isIn(JOINED);
  await meet([conciliator, again]);

  // The browser's Back button asks, too.
  await delegate.page.evaluate(() => history.back());
  await delegate.press('dialog-cancel');
  await delegate.isIn(JOINED);

  // Leaving by own wish, and coming back to the same place.
  await delegate.press('control-leave');
  await picture(delegate.page, 'leave-question', { phone: true });
  await delegate.press('dialog-confirm');
  await delegate.page.getByTestId('farewell-bye').waitFor();
  await conciliator.tile(delegate).waitFor({ state: 'detached' });
  await delegate.press('again');
  await Room.inside(delegate.page);
  await delegate.isIn(JOINED);
  await meet([conciliator, delegate]);

  await conciliator.press('end');
  await conciliator.press('dialog-confirm');
  const present = [conciliator, client, delegate, again, secretary, aid];
  await Promise.all(present.map((room) => room.page.getByTestId('farewell-ended').waitFor()));
  await look(client.page, 'ended');
}

async function lineOfVoice(listener: Room, speaker: Room): Promise<string[]> {
  return linesOf(listener.page, [speaker.me], 'audio');
}
