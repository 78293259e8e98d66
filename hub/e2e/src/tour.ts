/**
 * What the room offers beside seeing and hearing: clocks, keys, devices that break, people who are
 * added, sessions with a time. `signaling/tests/browser` serves the room and plays this story.
 */
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { DESK, PHONE, picture } from './browser';
import { received } from './media';
import { together } from './meet';
import { Room } from './room';
import { APART, JOINED, MEETING, seatAt } from './seats';
import { inspect, look, storyInRoom } from './story';

const TABLET = { width: 820, height: 1180 };

await storyInRoom(play);

async function play(browser: Browser): Promise<void> {
  const enter = async (seat: number, size = DESK) => Room.enter(await seatAt(browser, seat, size), MEETING);
  const conciliator = await enter(0);
  const [client, operator] = [await enter(1, PHONE), await enter(3)];
  await conciliator.press('start');
  await conciliator.press('admit-all');
  for (const room of [client, operator]) await room.isIn(JOINED);
  await together([conciliator, client, operator]);

  await clocks(conciliator, operator);
  await byKeyboard(operator);
  await brokenDevices(operator, [conciliator, client]);
  await addedPeople(conciliator, client, operator, (seat) => seatAt(browser, seat), MEETING);
  await hiddenFaces(client, conciliator);
  await timedSession(conciliator, client, operator);
  await together([conciliator, client, operator]);
  await conciliator.press('end');
  await conciliator.press('dialog-confirm');
  await client.page.getByTestId('farewell-ended').waitFor();
}

/** A session with a time that its members see, and a notice before it closes (R-MEET-40). */
async function timedSession(conciliator: Room, client: Room, operator: Room): Promise<void> {
  const { page } = conciliator;
  await conciliator.open('people');
  await page.getByTestId('minutes').selectOption('5');
  await conciliator.press('open-activating');
  await client.isIn(APART);
  await conciliator.isIn(APART);
  const left = client.page.getByTestId('banner').getByTestId('time-left');
  await left.filter({ hasText: /restano [45]:\d\d/ }).waitFor();
  assert.equal(await operator.page.getByTestId('time-left').count(), 0, 'the others do not learn how long');
  await picture(client.page, 'timer-on-a-phone');
  await picture(page, 'timer', { phone: true });
  await conciliator.press('timer-breakout-2');
  await page.getByTestId('form-minutes').selectOption('10');
  await picture(page, 'timer-question', { phone: true });
  await inspect(page, client.page);
  await conciliator.press('dialog-confirm');
  await left.filter({ hasText: /restano (9|10):\d\d/ }).waitFor();

  await conciliator.press('close-breakout-2');
  await client.page.getByTestId('banner').getByTestId('closing').filter({ hasText: 'si chiude tra' }).waitFor();
  await client.told('torni nella sessione comune');
  await picture(client.page, 'closing-on-a-phone');
  await picture(page, 'closing', { phone: true });
  await conciliator.isIn(JOINED);
  await client.isIn(JOINED);
}

/** Time that passes, marks of the network, the log of announcements. */
async function clocks(conciliator: Room, client: Room): Promise<void> {
  await conciliator.page.getByTestId('times').filter({ hasText: 'In corso da' }).waitFor();
  await client.page.getByTestId('late').filter({ hasText: 'oltre l’orario' }).waitFor({ timeout: 60_000 });
  await conciliator.open('people');
  await conciliator.of(client).getByText('identità da verificare').waitFor();
  await conciliator.of(client).getByText(/rete (buona|un po|molto)/).waitFor();
  await client.open('log');
  await client.page.getByTestId('log').getByText('Ora sei in').first().waitFor();
  await look(client.page, 'log');
  const desk = client.page.viewportSize();
  await client.page.setViewportSize(TABLET);
  await picture(client.page, 'log-on-a-tablet');
  if (desk) await client.page.setViewportSize(desk);
  await client.page.getByTestId('panel-close').click();
}

/** Nothing needs a mouse. */
async function byKeyboard({ page }: Room): Promise<void> {
  const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset['testid'] ?? '');
  const press = (key: string) => page.keyboard.press(key);
  await page.getByTestId('control-mic').focus();
  await press('ArrowRight');
  assert.equal(await focused(), 'control-cam');
  await press('End');
  assert.equal(await focused(), 'control-leave');
  await press('Home');
  assert.equal(await focused(), 'control-mic');
  await press('Tab');
  assert.ok(!(await focused()).startsWith('control-'), 'the bar is one stop of the Tab key');

  await press('Alt+Shift+KeyM');
  await page.locator('[data-testid=control-mic][aria-pressed=false]').waitFor();
  await press('Alt+Shift+KeyM');
  await page.locator('[data-testid=control-mic][aria-pressed=true]').waitFor();
  await press('Alt+Shift+KeyC');
  assert.equal(await focused(), 'chat-text');
  await page.keyboard.type('mvh');
  await page.locator('[data-testid=control-mic][aria-pressed=true]').waitFor();
  await page.getByTestId('chat-text').fill('');
  await press('Escape');
  await page.locator('[data-testid=control-chat][aria-expanded=false]').waitFor();
  assert.equal(await focused(), 'control-chat', 'the focus returns to where the panel was opened');

  await press('Alt+Shift+KeyK');
  await page.getByRole('dialog').getByText('Alt + Maiuscole + M').waitFor();
  await look(page, 'keys');
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** A microphone that is unplugged and comes back; a camera that another program uses. */
async function brokenDevices(room: Room, others: Room[]): Promise<void> {
  const { page } = room;
  await unplug(page, 'some');
  await room.told('adesso usi');
  await room.pressed('control-mic', true);
  await heard(others, room);
  await page.evaluate(() => void navigator.mediaDevices.dispatchEvent(new Event('devicechange')));
  await room.told('di nuovo collegato e in uso');

  await unplug(page, 'none');
  await page.getByTestId('toast').filter({ hasText: 'gli altri non ti sentono' }).waitFor();
  await room.pressed('control-mic', false);
  await look(page, 'microphone-lost');
  await page.evaluate(() => {
    const { mediaDevices } = navigator as unknown as { mediaDevices: Record<string, unknown> };
    delete mediaDevices['enumerateDevices'];
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
  });
  await room.told('di nuovo collegato e in uso');
  await room.pressed('control-mic', true);
  await heard(others, room);

  // Another program has the camera.
  await room.press('control-cam');
  await room.pressed('control-cam', false);
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotReadableError'));
  });
  await room.press('control-cam');
  await page.getByTestId('toast').filter({ hasText: 'usata da un’altra applicazione: chiudila e riprova' }).waitFor();
  await picture(page, 'camera-in-use', { phone: true });
  await page.evaluate(() => {
    const { mediaDevices } = navigator as unknown as { mediaDevices: Record<string, unknown> };
    delete mediaDevices['getUserMedia'];
  });
  await room.press('control-cam');
  await room.pressed('control-cam', true);
}

/** The microphone in use ends, as it does when its plug is pulled. */
async function unplug(page: Page, left: 'some' | 'none'): Promise<void> {
  await page.evaluate((left) => {
    const { pc } = (window as unknown as { accordo: { pc: RTCPeerConnection } }).accordo;
    const track = pc.getSenders()[0]?.track;
    if (left === 'none') navigator.mediaDevices.enumerateDevices = () => Promise.resolve([]);
    track?.stop();
    track?.dispatchEvent(new Event('ended'));
  }, left);
}

async function heard(others: Room[], room: Room): Promise<void> {
  for (const other of others) {
    const before = (await received(other.page)).audio[room.me] ?? 0;
    const end = Date.now() + 20_000;
    while (((await received(other.page)).audio[room.me] ?? 0) <= before) {
      assert.ok(Date.now() < end, 'the voice does not come back');
      await other.page.waitForTimeout(250);
    }
  }
}

/** Somebody on the telephone (R-MEET-29), and a lawyer who comes in by a personal link (R-MEET-47). */
async function addedPeople(
  conciliator: Room,
  client: Room,
  operator: Room,
  seatAt: (seat: number) => Promise<Page>,
  meeting: string,
): Promise<void> {
  const { page } = conciliator;
  await conciliator.open('people');
  await conciliator.press('add-phone');
  await page.getByTestId('dialog-confirm').click();
  await page.getByText('Scrivi nome e cognome').waitFor();
  await look(page, 'add-phone-with-errors');
  await page.getByTestId('form-name').fill('Pina Gallo');
  await page.getByTestId('form-number').fill('333 1234567');
  await page.getByTestId('form-side').selectOption('convened');
  await conciliator.press('dialog-confirm');
  const onPhone = page.getByTestId('person').filter({ hasText: 'Pina Gallo' });
  await onPhone.getByText('333 1234567').waitFor();
  const tile = operator.page.getByTestId('tile-camera').filter({ hasText: 'Pina Gallo' });
  await tile.locator('.mark').getByText('telefono').waitFor();
  assert.ok(!(await operator.page.content()).includes('1234567'), 'the number is the conciliator’s alone');
  await operator.told('Pina Gallo (operatore convenuto) partecipa per telefono');
  await picture(page, 'telephone', { phone: true });
  await overheard(conciliator, client, operator);
  await onPhone.getByTestId('person-more').click();
  await onPhone.getByTestId('remove').click();
  await tile.waitFor({ state: 'detached' });

  await conciliator.press('add-seat');
  await page.getByTestId('form-name').fill('Avv. Rita Levi');
  await page.getByTestId('form-mobile').fill('+39 333 7654321');
  await look(page, 'add-seat');
  await conciliator.press('dialog-confirm');
  await page.getByText('Il collegamento è partito per SMS').waitFor();
  await picture(page, 'invited', { phone: true });
  await conciliator.press('dialog-confirm');
  // The lawyer's computer has no camera (R-MEET-21).
  const withoutCamera = await seatAt(7);
  await withoutCamera.addInitScript(() => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (wanted) =>
      wanted?.video ? Promise.reject(new DOMException('', 'NotFoundError')) : open(wanted);
  });
  await withoutCamera.goto(`/stanza/${meeting}`);
  await withoutCamera.getByText('oppure continua senza: non è obbligatoria').waitFor();
  await look(withoutCamera, 'no-camera');
  const lawyer = await Room.accept(withoutCamera);
  await lawyer.isIn('Sala d’attesa');
  await conciliator.of(lawyer).getByTestId('admit').click();
  await lawyer.isIn('Sessione comune');
  await operator.tile(lawyer).filter({ hasText: 'Avv. Rita Levi' }).waitFor();
  await lawyer.pressed('control-cam', false);
  await heard([operator], lawyer);
  await lawyer.press('control-leave');
  await lawyer.press('dialog-confirm');
  await operator.tile(lawyer).waitFor({ state: 'detached' });
  await lawyer.page.context().close();
}

/** Who is on the telephone goes where the conciliator goes: nobody is overheard unawares (R-MEET-29). */
async function overheard(conciliator: Room, client: Room, operator: Room): Promise<void> {
  const { page } = conciliator;
  const listening = (room: Room) => room.page.getByTestId('session-phones').filter({ hasText: 'Pina Gallo', visible: true });
  await listening(client).waitFor();
  await conciliator.press('open-activating');
  await page.getByRole('dialog').getByText('Pina Gallo (operatore convenuto) sente').waitFor();
  await look(page, 'telephone-question');
  await picture(page, 'telephone-question', { phone: true });
  await conciliator.press('dialog-cancel');
  await conciliator.isIn(JOINED);
  await page.getByTestId('open-activating').click({ delay: 800 });
  await conciliator.press('dialog-other');
  await client.isIn(APART);
  await client.page.getByTestId('toast').filter({ hasText: 'con il telefono in viva voce' }).waitFor();
  await listening(client).waitFor({ state: 'detached' });
  await picture(client.page, 'about-to-be-overheard');
  await conciliator.isIn(APART);
  await listening(client).waitFor();
  await listening(operator).waitFor({ state: 'detached' });
  await picture(client.page, 'overheard');
  await picture(page, 'telephone-in-a-breakout', { phone: true });
  await conciliator.press('recall');
  for (const room of [conciliator, client]) await room.isIn(JOINED);
  await listening(operator).waitFor();
}

/** On a phone the open panel covers the faces: their pictures stop, the voices go on. */
async function hiddenFaces(onPhone: Room, conciliator: Room): Promise<void> {
  await onPhone.open('people');
  const frames = async () => Object.values((await received(onPhone.page)).frames).reduce((sum, n) => sum + n, 0);
  const end = Date.now() + 15_000;
  for (;;) {
    const [frame, voice] = [await frames(), (await received(onPhone.page)).audio[conciliator.me] ?? 0];
    await onPhone.page.waitForTimeout(2_000);
    const silent = (await frames()) === frame;
    if (silent && ((await received(onPhone.page)).audio[conciliator.me] ?? 0) > voice) break;
    assert.ok(Date.now() < end, 'covered faces are still sent');
  }
  await onPhone.uncover();
}
