/**
 * Signatures outside a room. The secretariat watches the panel; a delegate refuses, and another one is to
 * sign a new version; a client signs with an own device, on a
 * phone, after a file that is not the right one; an operator's delegate signs on a phone with a code;
 * the conciliator checks and signs with an own device. Others' validators look at what came of it.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PHONE } from './browser';
import { CLIENTS, fiscalCode, press, signedOnDevice, upload } from './device';
import { Minutes } from './minutes';
import { pdf as paper } from './paper';
import { artefact } from './places';
import { hubVerify, pdfsig, pyhanko, qpdf } from './referees';
import { type AtHub, look, storyAtHub } from './story';

await storyAtHub(play);

async function play({ hub, person }: AtHub): Promise<void> {
  // The panel tells what is at signature, and who has done what.
  const staff = await person('segreteria');
  await staff.getByRole('navigation').getByRole('link', { name: 'Firme', exact: true }).click();
  const atSignature = staff.locator('[data-testid=panel-process][data-status=sent]').first();
  await atSignature.waitFor();
  await look(staff, 'panel');
  const address = await atSignature.locator('h2 a').getAttribute('href');
  const file = await atSignature.locator('a[href^="/pratiche/"]').getAttribute('href');
  assert.ok(address && file);
  const client = (await atSignature.locator('[data-field=client] td').first().innerText()).split('\n')[0] ?? '';
  const account = CLIENTS[client];
  assert.ok(account, `no account of ${client}`);
  await atSignature.getByTestId('panel-remind').click();
  await staff.getByText(/sollecit/i).first().waitFor();

  // One signer refuses; the conciliator lets another person of the operator sign a new version.
  const refusing = await person('delegato.operatore');
  await refusing.goto(address);
  await refusing.getByText('Rifiuta la firma').click();
  await press(refusing, 'sign-refuse');
  await refusing.locator('#motivo-errore').waitFor();
  await look(refusing, 'refusal-without-reason');
  await refusing.locator('#motivo').fill('Non ho più la procura per questa pratica');
  await press(refusing, 'sign-refuse');
  await refusing.locator('[data-testid=process-status][data-status=refused]').waitFor();
  const conciliator = await person('conciliatore');
  await conciliator.goto(address);
  await conciliator.getByText('Non ho più la procura').waitFor();
  await look(conciliator, 'refused');

  // What everybody may see can become part of the new version.
  await conciliator.goto(`${file}?scheda=documenti`);
  await conciliator.locator('#descrizione').fill('Prospetto di calcolo');
  await conciliator.locator('#file').setInputFiles({ name: 'prospetto.pdf', mimeType: 'application/pdf', buffer: paper(['Prospetto']) });
  await conciliator.getByTestId('document-upload').click();
  await conciliator.getByText('Prospetto di calcolo').first().waitFor();
  await conciliator.goto(address);
  await conciliator.getByText('Allegati al verbale').click();
  await conciliator.locator('label', { hasText: 'Prospetto di calcolo' }).click({ position: { x: 8, y: 12 } });
  await conciliator.getByTestId('minutes-save').click();
  await conciliator.getByText('Bozza salvata.').waitFor();
  assert.ok(await conciliator.locator('#allegato-1').isChecked());
  await look(conciliator, 'annexes');

  await press(conciliator, 'process-replace');
  await conciliator.locator('#firmatario-errore').waitFor();
  await look(conciliator, 'replace-nobody-chosen');
  await conciliator.locator('#firmatario').selectOption({ index: 1 });
  await press(conciliator, 'process-replace');
  await conciliator.getByText('Versione 2').waitFor();
  await look(conciliator, 'replaced');
  await hub.message('delegato.operatore@example.it', (m) => m.subject.includes('Firmatario sostituito'), 5_000);

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
  const delegate = await person('delegato.operatore2', PHONE);
  const own = await Minutes.at(delegate, address);
  await own.sign(hub, async (step) => {
    if (step !== 'identity-provider') await look(delegate, `phone-${step}`);
  });

  // The conciliator checks the others and signs last.
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
