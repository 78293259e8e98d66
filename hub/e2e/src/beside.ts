/**
 * Signatures beside the document (CAdES): the conciliator takes minutes back that are signed in the document,
 * and puts them to signature with the signatures in a file of their own. A client on a phone hands in the
 * other format, a signed file of something else, somebody else's signature and then the right one; a
 * delegate does it at once; the conciliator checks and signs last. OpenSSL looks at what came of it.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { PHONE } from './browser';
import { CLIENTS, fiscalCode, press, signedOnDevice, upload } from './device';
import { pdf as paper } from './paper';
import { artefact } from './places';
import { hubVerify, openssl } from './referees';
import { type AtHub, look, storyAtHub } from './story';

await storyAtHub(play);

async function play({ hub, person }: AtHub): Promise<void> {
  const staff = await person('segreteria');
  await staff.goto('/firme');
  const atSignature = staff.locator('[data-testid=panel-process][data-status=sent]').first();
  const address = await atSignature.locator('h2 a').getAttribute('href');
  const name = (await atSignature.locator('[data-field=client] td').first().innerText()).split('\n')[0] ?? '';
  const account = CLIENTS[name];
  assert.ok(address && account, `no account of ${name}`);

  // In minutes that are signed in the document a signed file has no place.
  const client = await person(account, PHONE);
  const code = await fiscalCode(client);
  await client.goto(address);
  await device(client);
  const within = await signedOnDevice(client, await file(client, `${address}/documento.pdf`), '', name, code);
  await upload(client, 'verbale.pdf.p7m', within);
  await refused(client, 'deve essere un PDF, non un P7M');
  await look(client, 'signed-file-refused');

  // The conciliator chooses the other format for everybody.
  const conciliator = await person('conciliatore');
  await conciliator.goto(address);
  await press(conciliator, 'process-cancel');
  await conciliator.getByTestId('minutes-beside').locator('summary').click();
  await look(conciliator, 'format');
  await press(conciliator, 'minutes-freeze-cades');
  await conciliator.getByTestId('process-beside').waitFor();
  await look(conciliator, 'frozen');

  // What is not taken, and why.
  await client.goto(address);
  await device(client);
  await look(client, 'own-device');
  const document = await file(client, `${address}/documento.pdf`);
  await upload(client, 'verbale-signed.pdf', await signedOnDevice(client, document, 'client', name, code));
  await refused(client, 'deve essere un P7M, non un PDF');
  await look(client, 'other-format');
  await upload(client, 'altro.pdf.p7m', await signedOnDevice(client, paper(['Altro']), '', name, code));
  await refused(client, 'non è il documento da firmare');
  await upload(client, 'v.pdf.p7m', await signedOnDevice(client, document, '', 'Bruno Bianchi', 'BNCBRN75C10F205X'));
  await refused(client, 'Bruno Bianchi');
  await look(client, 'another-person');

  const own = await signedOnDevice(client, document, '', name, code);
  await upload(client, 'verbale.pdf.p7m', own);
  await client.getByText('Hai firmato il documento.').waitFor();
  await look(client, 'signed');
  const kept = await client.getByTestId('process-own-file').getAttribute('href');
  assert.ok(kept && (await file(client, kept)).equals(own), 'what came is kept as it came');

  const delegate = await person('delegato.operatore');
  const theirs = await fiscalCode(delegate);
  await delegate.goto(address);
  await device(delegate);
  assert.equal(await delegate.getByTestId('process-own-file').count(), 0, "somebody else's file is not for everybody");
  await upload(delegate, 'verbale.pdf.p7m', await signedOnDevice(delegate, document, '', 'Delegato Operatore', theirs));
  await delegate.getByText('Hai firmato il documento.').waitFor();

  const neutral = await fiscalCode(conciliator);
  await conciliator.goto(address);
  await device(conciliator);
  await conciliator.getByTestId('device-check').click();
  await conciliator.getByText('presenti, valide e integre').first().waitFor();
  await device(conciliator);
  const last = await signedOnDevice(conciliator, document, '', 'Giulia Verdi', neutral);
  await upload(conciliator, 'verbale.pdf.p7m', last);
  await conciliator.locator('[data-testid=process-status][data-status=completed]').waitFor();
  assert.equal(await conciliator.getByTestId('process-own-file').count(), 3);
  await look(conciliator, 'completed');
  await hub.message(`${account}@example.it`, (m) => m.subject.includes('Verbale firmato') && m.text.includes('(P7M)'), 5_000);

  const signed = await artefact('signed.pdf.p7m');
  await writeFile(signed, await file(client, `${address}/documento.pdf.p7m`));
  const trust = path.join(hub.data, 'demo-root.pem');
  for (const judgement of [hubVerify(signed, trust), openssl(signed, trust)]) {
    assert.ok(judgement.ok, judgement.text);
  }
  assert.ok((await file(client, `${address}/documento.pdf`)).equals(document), 'the document is as it was');
  await client.goto('/verifica-firma');
  await client.locator('#file').setInputFiles(signed);
  await client.getByTestId('verify').click();
  await client.getByTestId('verdict').filter({ hasText: 'Tutto in ordine' }).waitFor();
  assert.equal(await client.getByRole('heading', { name: /^Firma di / }).count(), 3);
  await look(client, 'verified');
}

/** Opens the part of the page for who signs with an own device. */
async function device(page: Page): Promise<void> {
  await page.getByTestId('own-device').locator('summary').click();
}

async function refused(page: Page, why: string): Promise<void> {
  await page.locator('#file-firmato-errore').filter({ hasText: why }).waitFor();
}

async function file(page: Page, address: string): Promise<Buffer> {
  const answer = await page.request.get(address);
  assert.equal(answer.status(), 200, address);
  return answer.body();
}
