/**
 * Files in a room: shared in a session, seen by its members alone, looked at together, added to the
 * case by an act of its own, and gone with the room.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { PHONE, picture } from './browser';
import type { Hub } from './hub';
import { pdf } from './paper';
import { Room } from './room';
import { type AtHub, look, storyAtHub } from './story';

/** The viewer's first document, on a machine that does other things as well. */
const OPENS_WITHIN_MS = 60_000;
/** Said in no other place. */
const SECRET = 'canarino-riservatissimo-4711';
const KEPT = 'canarino-nel-fascicolo-0815';

await storyAtHub(play);

async function play({ hub, person }: AtHub): Promise<void> {
  const first = await person('conciliatore');
  await first.goto('/agenda');
  const meeting = path.basename((await first.getByTestId('enter-room').first().getAttribute('href')) ?? '');
  const caseHref = await first.locator('[data-testid=meeting-row]').filter({ has: first.locator(`a[href="/stanza/${meeting}"]`) }).locator('a[href^="/pratiche/"]').first().getAttribute('href');
  assert.ok(meeting && caseHref);
  const conciliator = await Room.enter(first, meeting);
  const client = await Room.enter(await person(await clientOf(hub, first, meeting)), meeting);
  const operator = await Room.enter(await person('delegato.operatore', PHONE), meeting);
  const rooms = [conciliator, client, operator];
  await conciliator.press('start');
  await conciliator.press('admit-all');
  await Promise.all(rooms.map((room) => room.isIn('Sessione comune')));

  // Nothing there, and then something that cannot be shared.
  await client.open('files');
  await look(client.page, 'no-files');
  await give(client, 'programma.exe', Buffer.from('MZ'));
  await client.told('non è ammesso');
  await give(client, 'finto.pdf', Buffer.from('non è un pdf'));
  await client.told('non corrisponde');

  // R-MEET-20: the operator shares, on a phone; everybody in the session has it.
  await operator.open('files');
  await give(operator, 'bolletta.pdf', pdf(['Bolletta di giugno', 'Letture', 'Totale 120 euro']));
  await Promise.all(rooms.map((room) => has(room, ['bolletta.pdf'])));
  await give(client, 'contatore.png', await client.page.screenshot());
  await Promise.all(rooms.map((room) => has(room, ['bolletta.pdf', 'contatore.png'])));
  await look(client.page, 'two-files');
  await look(operator.page, 'two-files-on-a-phone');
  const bill = await address(operator, 'bolletta.pdf');
  assert.equal(await status(client, bill), 200);

  // R-MEET-37: the conciliator shows, the others follow, look around, and come back.
  await open(conciliator, 'bolletta.pdf');
  await conciliator.press('present');
  await onPage(client, '1');
  await conciliator.press('page-next');
  await Promise.all([onPage(conciliator, '2'), onPage(client, '2')]);
  await look(client.page, 'following');
  await client.press('page-next');
  await onPage(client, '3');
  await conciliator.press('page-previous');
  await onPage(conciliator, '1');
  await onPage(client, '3');
  await client.press('follow');
  await onPage(client, '1');
  await client.press('as-text');
  await client.page.getByTestId('viewer-text').filter({ hasText: 'Bolletta di giugno' }).waitFor();
  await look(client.page, 'page-as-text');
  await client.press('as-text');
  // With the keyboard alone.
  await conciliator.page.getByTestId('viewer-sheet').focus();
  await conciliator.page.keyboard.press('End');
  await conciliator.page.keyboard.press('+');
  await Promise.all([onPage(conciliator, '3'), onPage(client, '3')]);
  // On the phone the person opens the panel; then it follows, too.
  await operator.open('files');
  await onPage(operator, '3');
  await look(operator.page, 'following-on-a-phone');
  await picture(conciliator.page, 'showing', { phone: true });
  await conciliator.press('present');
  await operator.page.getByTestId('viewer-status').filter({ hasText: 'seguendo' }).waitFor({ state: 'detached' });
  await operator.press('viewer-back');
  await client.press('viewer-back');
  await open(client, 'contatore.png');
  await onPage(client, '1');
  await picture(client.page, 'image');
  await client.press('viewer-back');
  await conciliator.press('viewer-back');

  // R-MEET-17: aside with the client. The operator learns nothing, and neither do they of plenary.
  await conciliator.open('people');
  await conciliator.press('open-activating');
  await conciliator.isIn('Sessione separata');
  await client.open('files');
  await conciliator.open('files');
  await has(client, []);
  await give(client, `offerta ${SECRET}.pdf`, pdf([`offerta ${SECRET}`]));
  await give(client, `prova ${KEPT}.pdf`, pdf([`prova ${KEPT}`]));
  const aside = [`offerta ${SECRET}.pdf`, `prova ${KEPT}.pdf`];
  await Promise.all([conciliator, client].map((room) => has(room, aside)));
  await client.say('canarino: guardi il file');
  await client.open('files');
  await has(operator, ['bolletta.pdf', 'contatore.png']);
  const secret = await address(client, aside[0] ?? '');
  assert.equal(await status(conciliator, secret), 200);
  assert.equal(await status(operator, secret), 404);
  assert.equal(await status(client, bill), 404);
  await look(client.page, 'breakout-files');

  // R-MEET-26: into the case by an act of its own, with the choice who may see it.
  await row(client, KEPT).getByTestId('file-to-case').click();
  await client.press('filing-confirm');
  await client.page.getByTestId('filing-problem').waitFor();
  await look(client.page, 'filing-without-choice');
  await client.page.getByTestId('filing-no').check();
  await client.press('filing-confirm');
  await row(client, KEPT).getByTestId('file-marks').filter({ hasText: 'aggiunto al fascicolo' }).waitFor();
  assert.equal(await row(conciliator, KEPT).getByTestId('file-to-case').count(), 0);

  // Closed: what was shared there is gone for everybody.
  await conciliator.open('people');
  await conciliator.press('recall');
  await Promise.all(rooms.map((room) => room.isIn('Sessione comune')));
  await conciliator.open('files');
  await client.open('files');
  await Promise.all(rooms.map((room) => has(room, ['bolletta.pdf', 'contatore.png'])));
  assert.equal(await status(client, secret), 404);
  assert.equal(await status(conciliator, secret), 404);

  // A document of the case is seen by those who may see it there.
  await client.press('file-from-case');
  await look(client.page, 'case-documents');
  await client.page.getByTestId('case-document').filter({ hasText: KEPT }).click();
  await Promise.all([conciliator, client].map((room) => row(room, KEPT).waitFor()));
  const document = await address(client, `prova ${KEPT}.pdf`);
  assert.equal(await status(conciliator, document), 200);
  assert.equal(await status(operator, document), 404);
  assert.equal(await row(operator, KEPT).count(), 0);

  // The draft of the minutes.
  await conciliator.press('file-draft');
  await Promise.all(rooms.map((room) => row(room, 'Bozza del verbale').waitFor()));
  await open(conciliator, 'Bozza del verbale');
  await conciliator.press('present');
  await onPage(client, '1');
  await look(client.page, 'draft-shown');

  // Its owner takes a file away again.
  await operator.open('files');
  await operator.press('viewer-back').catch(() => undefined);
  await row(operator, 'bolletta.pdf').getByTestId('file-withdraw').click();
  await look(operator.page, 'withdraw-question');
  await operator.press('dialog-confirm');
  await row(operator, 'bolletta.pdf').waitFor({ state: 'detached' });
  assert.equal(await status(client, bill), 404);

  await conciliator.open('people');
  await conciliator.press('end');
  await conciliator.press('dialog-confirm');
  await Promise.all(rooms.map((room) => room.page.getByTestId('farewell-ended').waitFor()));

  // R-MEET-24: gone from the store, but what was added to the case.
  assert.equal(await status(client, document), 404);
  assert.deepEqual(await holding(hub.data, SECRET), []);
  assert.notDeepEqual(await holding(hub.data, KEPT), []);
  await client.page.goto(`${caseHref.split('#')[0]}?scheda=documenti`);
  await client.page.getByText(`prova ${KEPT}.pdf`).first().waitFor();
  await operator.page.goto(`${caseHref.split('#')[0]}?scheda=documenti`);
  await operator.page.getByTestId('case-state').waitFor();
  assert.equal(await operator.page.getByText(KEPT).count(), 0);
}

/** The account of the client who is convened. */
async function clientOf(hub: Hub, conciliator: Page, meeting: string): Promise<string> {
  const response = await conciliator.request.get(`/incontri/${meeting}`);
  assert.equal(response.status(), 200);
  for (const account of ['cliente', 'cliente2', 'cliente3']) {
    const mails = await hub.outbox(`${account}@example.it`);
    if (mails.some((mail) => mail.text.includes(meeting))) return account;
  }
  throw new Error('no client was convened');
}

async function give(room: Room, name: string, buffer: Buffer): Promise<void> {
  const mimeType = name.endsWith('.png') ? 'image/png' : 'application/pdf';
  await room.page.getByTestId('file-input').setInputFiles({ name, mimeType, buffer });
}

function row(room: Room, name: string) {
  return room.page.getByTestId('file').filter({ hasText: name });
}

/** Waits until the files of the session are exactly these. */
async function has(room: Room, names: string[]): Promise<void> {
  if (names.length === 0) await room.page.getByTestId('file-none').waitFor({ state: 'attached' });
  for (const name of names) await row(room, name).waitFor({ state: 'attached' });
  assert.deepEqual(await room.page.getByTestId('file').locator('.name').allTextContents(), names);
}

async function open(room: Room, name: string): Promise<void> {
  await room.open('files');
  await row(room, name).getByTestId('file-open').click();
  await room.page.getByTestId('viewer-canvas').waitFor({ timeout: OPENS_WITHIN_MS });
}

async function address(room: Room, name: string): Promise<string> {
  const href = await row(room, name).getByTestId('file-download').getAttribute('href');
  assert.ok(href);
  return href;
}

async function status(room: Room, url: string): Promise<number> {
  return (await room.page.request.get(url)).status();
}

/** Waits until this page is drawn. */
async function onPage(room: Room, page: string): Promise<void> {
  await room.page.locator(`[data-testid=viewer-canvas][data-page="${page}"]`).waitFor({ timeout: OPENS_WITHIN_MS });
}

/** Files below a folder in which a text is, or that are named by it. */
async function holding(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.name.includes(text)) found.push(file);
    else if (entry.isFile() && (await readFile(file)).includes(text)) found.push(file);
  }
  return found;
}
