/**
 * Signatures outside a room. The secretariat watches the panel; a client signs with an own device, on a
 * phone, after a file that is not the right one; an operator's delegate signs on a phone with a code;
 * the conciliator checks and signs with an own device. Others' validators look at what came of it.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { PHONE } from './browser';
import { Minutes } from './minutes';
import { artefact } from './places';
import { hubVerify, pdfsig, pyhanko, qpdf } from './referees';
import { type AtHub, look, storyAtHub } from './story';

const CLIENTS: Record<string, string> = {
  'Mario Rossi': 'cliente',
  'Lucia Ferri': 'cliente2',
  'Franco Villa': 'cliente3',
  'Rosa Greco': 'cliente4',
};

await storyAtHub(play);

async function play({ hub, person }: AtHub): Promise<void> {
  // The panel tells what is at signature, and who has done what.
  const staff = await person('segreteria');
  await staff.getByRole('navigation').getByRole('link', { name: 'Firme', exact: true }).click();
  const atSignature = staff.locator('[data-testid=panel-process][data-status=sent]').first();
  await atSignature.waitFor();
  await look(staff, 'panel');
  const address = await atSignature.locator('h2 a').getAttribute('href');
  assert.ok(address);
  const client = (await atSignature.locator('[data-field=client] td').first().innerText()).split('\n')[0] ?? '';
  const account = CLIENTS[client];
  assert.ok(account, `no account of ${client}`);
  await atSignature.getByTestId('panel-remind').click();
  await staff.getByText(/sollecit/i).first().waitFor();

  // A client with an own device, on a phone.
  const signer = await person(account, PHONE);
  const code = await fiscalCode(signer);
  await signer.goto(address);
  await signer.getByTestId('own-device').locator('summary').click();
  await look(signer, 'own-device');
  const pdf = await (await signer.request.get(`${address}/documento.pdf`)).body();
  await upload(signer, 'verbale.pdf', pdf);
  await signer.locator('#file-firmato-errore').filter({ hasText: 'non contiene la tua firma' }).waitFor();
  await look(signer, 'own-device-refused');
  const other = await signedOnDevice(signer, pdf, 'client', 'Bruno Bianchi', 'BNCBRN75C10F205X');
  await upload(signer, 'verbale.pdf', other);
  await signer.locator('#file-firmato-errore').filter({ hasText: 'Bruno Bianchi' }).waitFor();
  await upload(signer, 'verbale.pdf', await signedOnDevice(signer, pdf, 'client', client, code));
  await signer.getByText('Hai firmato il documento.').waitFor();
  await look(signer, 'own-device-signed');

  // The panel notices by itself.
  const open = staff.locator('[data-testid=panel-process][data-status=partially_signed]');
  await open.locator('[data-field=client] [data-point=signed] time').waitFor();
  await look(staff, 'panel-one-signed');

  // The operator's delegate, on a phone, with a code.
  const delegate = await person('delegato.operatore', PHONE);
  const own = await Minutes.at(delegate, address);
  await own.sign(hub, async (step) => {
    if (step !== 'identity-provider') await look(delegate, `phone-${step}`);
  });

  // The conciliator checks the others and signs last.
  const conciliator = await person('conciliatore');
  await hub.message('conciliatore@example.it', (m) => m.subject.includes('Ora tocca a te firmare'), 5_000);
  const neutral = await fiscalCode(conciliator);
  await conciliator.goto(address);
  await conciliator.getByTestId('own-device').locator('summary').click();
  await conciliator.getByTestId('device-check').click();
  await conciliator.getByText('presenti, valide e integre').first().waitFor();
  await conciliator.getByTestId('own-device').locator('summary').click();
  await look(conciliator, 'checked');
  const last = await (await conciliator.request.get(`${address}/documento.pdf`)).body();
  await upload(conciliator, 'verbale.pdf', await signedOnDevice(conciliator, last, 'neutral', 'Giulia Verdi', neutral));
  await conciliator.locator('[data-testid=process-status][data-status=completed]').waitFor();
  await look(conciliator, 'completed');
  await staff.goto('/firme?visualizza=concluse');
  await staff.locator('[data-testid=panel-process][data-status=completed]').first().waitFor();
  await look(staff, 'panel-ended');

  const signed = await artefact('signed.pdf');
  await writeFile(signed, await (await conciliator.request.get(`${address}/documento.pdf`)).body());
  const trust = path.join(hub.data, 'demo-root.pem');
  for (const judgement of [hubVerify(signed, trust), pyhanko(signed, trust), qpdf(signed)]) {
    assert.ok(judgement.ok, judgement.text);
  }
  const seen = pdfsig(signed);
  assert.deepEqual([seen.signatures, seen.valid], [3, 3], seen.text);

  // Anybody may have it checked; on a phone as well.
  const verifier = await signer.context().newPage();
  await verifier.goto('/verifica-firma');
  await look(verifier, 'verify');
  await verifier.locator('#file').setInputFiles({ name: 'appunti.txt', mimeType: 'text/plain', buffer: Buffer.from('niente') });
  await verifier.getByTestId('verify').click();
  await verifier.locator('#file-errore').waitFor();
  await look(verifier, 'verify-refused');
  await verifier.locator('#file').setInputFiles(signed);
  await verifier.getByTestId('verify').click();
  await verifier.getByTestId('verdict').filter({ hasText: 'Tutto in ordine' }).waitFor();
  // An archive time stamp may have come meanwhile.
  assert.equal(await verifier.getByTestId('signature').filter({ hasText: 'Firma di' }).count(), 3);
  await look(verifier, 'verified');
}

/** As it stands on the person's profile. */
async function fiscalCode(page: Page): Promise<string> {
  await page.goto('/profilo');
  const code = (await page.locator('main').innerText()).match(/[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]/)?.[0];
  assert.ok(code, 'the profile shows the codice fiscale');
  return code;
}

/** What the demo's signature program makes of a document. */
async function signedOnDevice(page: Page, pdf: Buffer, field: string, name: string, fiscal_code: string): Promise<Buffer> {
  const [given_name = '', surname = ''] = name.split(' ');
  const file = { name: 'verbale.pdf', mimeType: 'application/pdf', buffer: pdf };
  const answer = await page.request.post('/demo/qtsp/dispositivo', { multipart: { file, field, given_name, surname, fiscal_code } });
  assert.equal(answer.status(), 200, await answer.text());
  return answer.body();
}

async function upload(page: Page, name: string, buffer: Buffer): Promise<void> {
  await page.locator('#file-firmato').setInputFiles({ name, mimeType: 'application/pdf', buffer });
  await page.getByTestId('device-upload').click();
}
