/**
 * Minutes of which every recipient gets an own copy. The conciliator takes a document back, the
 * secretariat types somebody in and sends the copies; that person signs on a phone without an account,
 * the conciliator signs that copy, another recipient refuses the own one, and the panel tells all of it.
 */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { PHONE } from './browser';
import { Minutes } from './minutes';
import { type AtHub, look, storyAtHub } from './story';

const ADA = { nome: 'Ada', cognome: 'Bianchi', codice_fiscale: 'BNCDAA80A41H501O', cellulare: '333 7654321', email: 'ada.bianchi@example.it' };

await storyAtHub(play);

async function play({ hub, person, visitor }: AtHub): Promise<void> {
  const staff = await person('segreteria');
  await staff.goto('/firme');
  const address = await staff.locator('[data-testid=panel-process][data-status=sent] h2 a').first().getAttribute('href');
  assert.ok(address);

  // The conciliator wants copies for all, and leaves them to the secretariat.
  const conciliator = await person('conciliatore');
  await conciliator.goto(address);
  await press(conciliator, 'process-cancel');
  await conciliator.getByTestId('minutes-order').waitFor();
  await conciliator.getByTestId('minutes-copies').locator('summary').click();
  await look(conciliator, 'order-and-copies');

  await staff.goto(address);
  await staff.getByTestId('minutes-sending').waitFor();
  const preview = await staff.request.get(`${address}/anteprima.pdf`);
  assert.equal((await preview.body()).subarray(0, 5).toString(), '%PDF-');
  await staff.getByText('Aggiungi un destinatario').click();
  await staff.getByTestId('minutes-add-recipient').click();
  await staff.locator('#destinatario-codice_fiscale-errore').waitFor();
  await look(staff, 'recipient-refused');
  for (const [field, value] of Object.entries(ADA)) await staff.locator(`#destinatario-${field}`).fill(value);
  await staff.getByTestId('minutes-add-recipient').click();
  await staff.getByTestId('minutes-recipient').waitFor();
  await look(staff, 'secretariat-starts');
  await press(staff, 'minutes-send-copies');
  const all = staff.getByTestId('process-copies').locator('li');
  await all.nth(2).waitFor();
  const copies = await all.allInnerTexts();
  await look(staff, 'copies-sent');

  // On a phone, by the link of the mail and a code.
  const mail = await hub.message(ADA.email, (m) => m.text.includes('/invito/'), 5_000);
  const link = mail.text.match(/\/invito\/\S+/)?.[0];
  assert.ok(link, mail.text);
  const ada = await visitor('ada', PHONE);
  await ada.goto(link);
  await ada.getByTestId('send-code').click();
  const sms = await hub.message('+393337654321', (m) => /^\d{6} /.test(m.text), 5_000);
  await ada.locator('#codice').fill(sms.text.slice(0, 6));
  await ada.getByTestId('guest-code').locator('button[type=submit]').click();
  await ada.getByTestId('process-copy').waitFor();
  await look(ada, 'own-copy');
  await new Minutes(ada, ada).sign(hub, async () => undefined);
  await ada.getByText('Hai firmato il documento.').first().waitFor();
  await look(ada, 'own-copy-signed');

  // The conciliator is led to the copy that waits.
  await conciliator.goto(address);
  await conciliator.getByTestId('process-copy').filter({ hasText: 'per Ada Bianchi' }).waitFor();
  await look(conciliator, 'copy-to-sign');
  // Then to the next one.
  const completed = conciliator.getByTestId('process-copies').locator('li[data-status=completed]');
  await new Minutes(conciliator, conciliator).sign(hub, async () => undefined, completed);
  await conciliator.goto(`${address}?copia=${copies.findIndex((one) => one.includes('Ada Bianchi')) + 1}`);
  await conciliator.locator('[data-testid=process-status][data-status=completed]').waitFor();

  // Somebody else refuses; the other copies go on.
  const refusing = await person('delegato.operatore', PHONE);
  await refusing.goto(address);
  await refusing.getByText('Rifiuta la firma').click();
  await refusing.locator('#motivo').fill("L'importo non è quello concordato");
  await press(refusing, 'sign-refuse');
  await refusing.locator('[data-testid=process-status][data-status=refused]').waitFor();
  await staff.goto('/firme');
  const bulk = staff.getByTestId('panel-process').filter({ has: staff.getByTestId('panel-copies') });
  await bulk.locator('tr[data-status=completed]').waitFor();
  await bulk.locator('tr[data-status=refused]').waitFor();
  await bulk.locator('tr[data-status=sent]').waitFor();
  await look(staff, 'panel');
}

/** Presses a button that asks whether it is meant. */
async function press(page: Page, button: string): Promise<void> {
  page.once('dialog', (dialog) => void dialog.accept());
  await page.getByTestId(button).click();
}
