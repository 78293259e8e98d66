/**
 * A video identification with two people in two browsers: the request with consent, the queue, the
 * session in a room of its own, the codes from the outbox, the approval; then the signing page goes on
 * without SPID or CIE. A second person is refused.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { FrameLocator, Page } from 'playwright-core';
import { PHONE } from './browser';
import type { Hub } from './hub';
import { artefact } from './places';
import { newCode } from './portal';
import { hubVerifyLog } from './referees';
import { type AtHub, look, storyAtHub } from './story';

await storyAtHub(play);

async function play({ hub, person: signedIn }: AtHub): Promise<void> {
  // The person asks, from a phone. Without consent nothing is asked.
  const person = await signedIn('cliente2', PHONE);
  await person.goto('/profilo');
  await person.getByTestId('identification').getByText('Non sei ancora identificato').waitFor();
  await look(person, 'profile-before');
  // As the page of the minutes leads there: afterwards the person goes on to sign.
  await person.goto('/agenda');
  const meeting = await person.locator('a[href^="/incontri/"]').first().getAttribute('href');
  assert.ok(meeting);
  await person.goto(`/identificazione?incontro=${path.basename(meeting)}`);
  await person.getByTestId('request').click();
  await person.getByText('Senza il consenso').waitFor();
  await look(person, 'no-consent');
  await person.locator('label[for=consenso]').click();
  await person.locator('#preferenza').fill('adesso');
  await person.getByTestId('request').click();
  await person.getByTestId('waiting').getByText('Sei il prossimo').waitFor();
  await look(person, 'waiting');

  // The operator takes the request up; the person's page notices by itself.
  const operator = await signedIn('identificatore');
  await operator.getByRole('link', { name: 'Video-identificazioni' }).click();
  await operator.getByTestId('queue-line').filter({ hasText: 'Lucia Ferri' }).waitFor();
  await look(operator, 'queue');
  await operator.getByTestId('take').click();
  await operator.waitForURL(/\/sessione$/);
  await operator.getByTestId('call-enter').click();
  await operator.getByTestId('call-state').filter({ hasText: 'Aspetta la persona' }).waitFor();
  await hub.message('cliente2@example.it', (m) => m.subject.includes('pronto'), 20_000);
  await person.getByTestId('enter-session').waitFor();
  await look(person, 'called');
  await person.getByTestId('enter-session').click();
  await person.getByTestId('call-enter').waitFor();
  await look(person, 'before-entering');
  await person.getByTestId('call-enter').click();

  // They see each other, in a room where nobody else is.
  await Promise.all([person, operator].map((page) => page.getByTestId('call-state').filter({ hasText: 'Collegato' }).waitFor({ timeout: 60_000 })));
  await Promise.all([person, operator].map(seesTheOther));
  const panel = operator.frameLocator('[data-testid=panel-frame]');
  const own = person.frameLocator('[data-testid=panel-frame]');
  await panel.getByTestId('met').filter({ hasText: 'È entrata' }).waitFor();

  // The document: first one that expired.
  await write(panel, '2015-01-10', '2025-01-10');
  await panel.getByText('Il documento è scaduto').waitFor();
  await look(operator, 'expired-document');
  await write(panel, '2022-01-10', '2032-01-10');
  await panel.getByTestId('document-written').waitFor();
  await panel.getByTestId('approve').click();
  await panel.getByTestId('approval-fault').filter({ hasText: 'devono essere confermati' }).waitFor();

  // Both contacts, by the codes that the person gets; a wrong one is told beside its field.
  for (const contact of ['cellulare', 'posta']) {
    const before = await hub.outbox('');
    await own.getByTestId(`send-${contact}`).click();
    await own.locator(`#codice-${contact}`).waitFor();
    if (contact === 'cellulare') {
      await own.locator('#codice-cellulare').fill('12');
      await own.getByTestId('enter-cellulare').click();
      await own.getByText('Puoi provare ancora 4 volte').waitFor();
      await look(person, 'wrong-code');
    }
    const code = contact === 'cellulare' ? await newCode(hub, before, () => true) : await mailedCode(hub, before.map((m) => m.id));
    await own.locator(`#codice-${contact}`).fill(code);
    await own.getByTestId(`enter-${contact}`).click();
    await own.getByTestId(`confirmed-${contact}`).waitFor();
  }
  for (const page of [operator, person]) await goesOnSeeing(page);
  // A reload leaves the room for a moment and comes back.
  await person.reload();
  await person.getByTestId('call-enter').click();
  await person.getByTestId('call-state').filter({ hasText: 'Collegato' }).waitFor();
  await seesTheOther(person);

  await operator.reload();
  await operator.getByTestId('call-enter').click();
  await operator.getByTestId('call-state').filter({ hasText: 'Collegato' }).waitFor();
  for (const key of ['volto', 'documento', 'dati', 'volonta']) await panel.locator(`label[for=verifica-${key}]`).click();
  await look(operator, 'session');
  await look(person, 'session-on-a-phone');
  await panel.getByTestId('approve').click();
  await panel.getByTestId('outcome').filter({ hasText: 'Riuscita' }).waitFor();
  await look(operator, 'approved');

  // The person is identified, and the room is closed.
  await own.getByTestId('identified').waitFor();
  await person.getByTestId('call-state').filter({ hasText: 'conclusa' }).waitFor({ timeout: 30_000 });
  await own.getByTestId('go-on-signing').click();
  await person.waitForURL(`${meeting}/verbale`);
  await look(person, 'on-to-signing');
  await person.goto('/profilo');
  await person.getByTestId('identification').getByText('VISI').waitFor();
  await person.getByTestId('locked').waitFor();
  await look(person, 'profile-after');
  await hub.message('cliente2@example.it', (m) => m.subject.includes('riuscita') && !m.subject.includes('non'), 20_000);

  // The evidence can be checked by anybody who has the file.
  const evidence = await operator.request.get(`${new URL(operator.url()).pathname.replace(/\/sessione$/, '')}/evidenze.json`);
  assert.equal(evidence.status(), 200);
  const exported = await artefact('evidenze.json');
  await writeFile(exported, await evidence.body());
  const verdict = hubVerifyLog(exported);
  assert.ok(verdict.ok && verdict.text.includes('IDENTIFICATA'), verdict.text);

  // Somebody else is refused, with a reason.
  const other = await signedIn('cliente3');
  await other.goto('/identificazione');
  await other.locator('label[for=consenso]').click();
  await other.getByTestId('request').click();
  await other.getByTestId('waiting').waitFor();
  await operator.goto('/identificazioni');
  await look(operator, 'queue-with-an-end');
  await operator.getByTestId('take').click();
  await operator.waitForURL(/\/sessione$/);
  await panel.getByTestId('refuse-open').click();
  await panel.locator('#motivo').selectOption({ label: 'Audio o video insufficienti' });
  await panel.locator('#nota').fill('Riprova con più luce.');
  await panel.getByTestId('refuse').click();
  await panel.getByTestId('outcome').filter({ hasText: 'Non riuscita' }).waitFor();
  await other.getByTestId('refused').filter({ hasText: 'Riprova con più luce.' }).waitFor();
  await look(other, 'refused');
}

/** Pictures of the other one arrive. */
async function seesTheOther(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const video = document.querySelector<HTMLVideoElement>('[data-testid=theirs]');
    return video !== null && video.videoWidth > 0 && video.currentTime > 0;
  }, undefined, { timeout: 60_000 });
}

/** They go on arriving, after the page has looked twice at what is watched. */
async function goesOnSeeing(page: Page): Promise<void> {
  const frames = () =>
    page.evaluate(() => document.querySelector<HTMLVideoElement>('[data-testid=theirs]')?.getVideoPlaybackQuality().totalVideoFrames ?? 0);
  await page.waitForTimeout(7_000);
  const before = await frames();
  await page.waitForTimeout(3_000);
  const more = (await frames()) - before;
  assert.ok(more > 5, `${more} frames in three seconds`);
}

async function write(panel: FrameLocator, issued: string, expires: string): Promise<void> {
  await panel.locator('#tipo').selectOption({ label: "Carta d'identità" });
  await panel.locator('#numero').fill('CA12345AB');
  await panel.locator('#rilascio').fill(issued);
  await panel.locator('#scadenza').fill(expires);
  await panel.locator('#ente').fill('Comune di Roma');
  await panel.getByTestId('document-save').click();
}

async function mailedCode(hub: Hub, known: string[]): Promise<string> {
  const mail = await hub.message('cliente2@example.it', (m) => !known.includes(m.id) && m.subject === 'Codice di conferma', 20_000);
  const code = mail.text.match(/\b\d{6}\b/)?.[0];
  assert.ok(code, mail.text);
  return code;
}
