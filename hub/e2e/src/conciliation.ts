/**
 * One whole conciliation, from the case to the signed minutes, on a hub of its own: the secretariat
 * schedules, four people meet in their browsers, agree and sign, and outsiders judge the document.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { DESK, PHONE, picture } from './browser';
import type { Hub, Message } from './hub';
import { linesOf, silentAfter } from './media';
import { meet, together } from './meet';
import { Minutes } from './minutes';
import { artefact } from './places';
import { callOff, download, propose, signIn } from './portal';
import { hubVerify, pdfsig, pyhanko, qpdf, replacePage } from './referees';
import { Room } from './room';
import { type AtHub, look, storyAtHub } from './story';

/** Who meets: conciliator, client, delegate of the operator, delegate who helps technically. */
const PEOPLE = ['conciliatore', 'cliente3', 'delegato.operatore', 'ausilio'];

await storyAtHub(play);

async function play({ hub, visitor, person }: AtHub): Promise<void> {
  // The secretariat schedules. Its people sit in another meeting at that time (R-MEET-04): when that
  // is called off, they are free. The room of a meeting in five minutes is open at once (R-MEET-10).
  const secretariat = await visitor('segreteria');
  await signIn(secretariat, hub, 'segreteria', look);
  await look(secretariat, 'secretariat-home');
  await secretariat.goto('/pratiche');
  await look(secretariat, 'secretariat-cases');
  const [caseHref, other] = await casesWithAid(secretariat);
  const soon = new Date(Date.now() + 5 * 60_000);
  await secretariat.goto(`${caseHref}?scheda=incontri`);
  await look(secretariat, 'case-without-meeting');
  await propose(secretariat, soon, 'Giulia Verdi');
  await secretariat.getByRole('alert').filter({ hasText: 'Davide Serra' }).waitFor();
  await look(secretariat, 'people-are-busy');
  await secretariat.goto(other);
  await look(secretariat, 'another-meeting');
  // Somebody of that meeting waits already: the room closes and says why (R-MEET-28).
  const early = await Room.enter(await person('delegato.operatore'), path.basename(other));
  await callOff(secretariat);
  await early.page.getByTestId('farewell-called_off').waitFor();
  await look(early.page, 'called-off');
  await early.page.context().close();
  await secretariat.goto(`${caseHref}?scheda=incontri`);
  await propose(secretariat, soon, 'Giulia Verdi');
  await secretariat.waitForURL(/\/incontri\/[0-9a-f-]{36}$/);
  await look(secretariat, 'meeting-convened');
  const meeting = path.basename(secretariat.url());
  await Promise.all(PEOPLE.map((username) => mailed(hub, username, 'Convocazione', meeting)));

  // Four people come in from their own pages.
  const people = await Promise.all(
    PEOPLE.map((username) => person(username, username === 'ausilio' ? PHONE : DESK)),
  );
  const [first, second] = people;
  assert.ok(first && second);
  await look(second, 'client-home');
  await look(first, 'conciliator-home');
  await first.goto('/agenda');
  await look(first, 'conciliator-agenda');
  const rooms: Room[] = [];
  await second.goto(`/incontri/${meeting}`);
  await look(second, 'client-meeting');
  for (const page of people) {
    await page.goto(`/incontri/${meeting}`);
    await page.getByTestId('enter-room').click();
    rooms.push(await Room.accept(page));
  }
  const [conciliator, client, operator, aid] = rooms;
  assert.ok(conciliator && client && operator && aid);
  await look(client.page, 'lobby');
  await conciliator.press('start');
  await conciliator.press('admit-all');
  await Promise.all(rooms.map((room) => room.isIn('Sessione comune')));
  await together(rooms);
  await look(first, 'plenary');
  await picture(aid.page, 'plenary-on-a-phone');

  // Client and conciliator aside: nothing of theirs reaches the others, and nothing of the others them.
  await client.say('canarino: buongiorno');
  const outside = [operator, aid];
  const inside = [conciliator, client];
  const ids = inside.map((room) => room.me);
  const lines = await Promise.all(outside.map((room) => linesOf(room.page, ids)));
  await conciliator.open('people');
  await conciliator.press('open-activating');
  await conciliator.isIn('Sessione separata');
  const silences = await Promise.all(outside.map((room, i) => silentAfter(room.page, lines[i] ?? [], 3_000)));
  console.log(JSON.stringify({ silent_after_ms: silences }));
  await together(inside);
  await together(outside);
  await client.say('canarino: accetterei 120 euro');
  await operator.say('canarino: restiamo in attesa');
  await conciliator.reads(['canarino: accetterei 120 euro']);
  await aid.reads(['canarino: buongiorno', 'canarino: restiamo in attesa']);
  await look(client.page, 'breakout');
  await picture(operator.page, 'left-outside', { phone: true });

  await client.page.reload();
  await Room.inside(client.page);
  await client.isIn('Sessione separata');
  await together(inside);
  await conciliator.open('people');
  await conciliator.press('recall');
  await Promise.all(rooms.map((room) => room.isIn('Sessione comune')));
  await together(rooms);

  // Agreement: written, shown to all, frozen, signed in the order of the profile.
  const writing = await Minutes.open(conciliator);
  await writing.write('agreement', 'Le parti concordano uno storno di 120,00 euro sulla prossima fattura.\n\nNulla è più dovuto.');
  await look(first, 'minutes-draft');
  await writing.show();
  const reading = await Minutes.open(client);
  await reading.frame.getByTestId('minutes-preview').waitFor();
  await look(client.page, 'minutes-shown');
  await writing.freeze();
  const waiting = await Minutes.open(operator);
  await reading.sign(hub, async (step) => {
    await look(client.page, `client-${step}`);
    if (step !== 'sign-submit') return;
    await reading.mistype();
    await look(client.page, 'client-wrong-code');
  });
  await waiting.signed(1);
  await waiting.sign(hub, (step) => picture(operator.page, `operator-${step}`));
  await writing.signed(2);
  await writing.sign(hub, (step) => picture(conciliator.page, `conciliator-${step}`));
  await Promise.all([reading, waiting, writing].map((minutes) => minutes.status('completed')));
  await look(client.page, 'signed');
  await Promise.all(PEOPLE.map((username) => mailed(hub, username, 'Verbale firmato', meeting)));
  await meet(rooms);
  await conciliator.press('control-people');
  await conciliator.press('end');
  await conciliator.press('dialog-confirm');
  await Promise.all(rooms.map((room) => room.page.getByTestId('farewell-ended').waitFor()));
  await look(client.page, 'ended');

  // The case has its agreement, and the document.
  await client.page.goto(`${caseHref}?scheda=documenti`);
  await client.page.locator('[data-testid=case-state][data-state=agreement]').waitFor();
  await look(client.page, 'case-documents');
  const signed = await artefact('minutes.pdf');
  await download(client.page, 'final_minutes', signed);
  await secretariat.goto(caseHref);
  for (const [at, tab] of (await secretariat.locator('.nav-tabs a').all()).entries()) {
    await tab.click();
    await look(secretariat, `case-tab-${at + 1}`);
  }
  await secretariat.goto('/dev/outbox');
  await look(secretariat, 'messages');
  await judge(hub, signed);
}

/** The person got a mail about the meeting. */
async function mailed(hub: Hub, username: string, subject: string, meeting: string): Promise<void> {
  const about = (message: Message) => message.subject.startsWith(subject) && message.text.includes(meeting);
  await hub.message(`${username}@example.it`, about, 20_000);
}

/**
 * The case that waits for a meeting, and the meeting of the other one, of the cases in which the
 * distributor gives technical aid.
 */
async function casesWithAid(page: Page): Promise<[string, string]> {
  await page.goto('/pratiche?q=Rete+Locale&righe=50');
  const [waiting, busy]: [string[], string[]] = [[], []];
  for (const href of await hrefs(page)) {
    await page.goto(`${href}?scheda=incontri`);
    const meeting = page.locator('[data-testid=meeting-row] a').first();
    if ((await meeting.count()) === 0) waiting.push(href);
    else busy.push((await meeting.getAttribute('href')) ?? '');
  }
  const [free, taken] = [waiting[0], busy[0]];
  assert.ok(free && taken, 'one case with a meeting today, one without');
  return [free, taken];
}

async function hrefs(page: Page): Promise<string[]> {
  const links = await page.locator('[data-testid=case-row] a[href^="/pratiche/"]').all();
  return Promise.all(links.map(async (link) => (await link.getAttribute('href')) ?? ''));
}

/** Outsiders accept the document; our own verifier accepts it too, and neither forgery. */
async function judge(hub: Hub, signed: string): Promise<void> {
  const root = path.join(hub.data, 'demo-root.pem');
  const verdicts = { pyhanko: pyhanko(signed, root), pdfsig: pdfsig(signed), qpdf: qpdf(signed), hub: hubVerify(signed, root) };
  for (const [who, verdict] of Object.entries(verdicts)) {
    await writeFile(await artefact(`${who}.txt`), verdict.text);
    assert.ok(verdict.ok, `${who}: ${verdict.text}`);
  }
  assert.equal(verdicts.pdfsig.signatures, 3);
  assert.equal(verdicts.pdfsig.valid, 3);

  const bytes = await readFile(signed);
  const flipped = await artefact('flipped.pdf');
  // Within what everybody signed.
  const at = Math.floor(bytes.length / 8);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(flipped, bytes);
  const replaced = await artefact('replaced.pdf');
  replacePage(signed, replaced);
  for (const forged of [flipped, replaced]) {
    const verdict = hubVerify(forged, root);
    await writeFile(await artefact(`${path.basename(forged, '.pdf')}.txt`), verdict.text);
    assert.ok(!verdict.ok, `hub verify accepts ${path.basename(forged)}: ${verdict.text}`);
  }
}
