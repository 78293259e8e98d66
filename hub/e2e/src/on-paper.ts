/**
 * A mediation whose parties do not all consent to the digital form: one answers for itself, the mediator
 * records what another said, the minutes are printed, and the scan of the signed paper ends the case.
 */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { PHONE } from './browser';
import { pdf } from './paper';
import { Room } from './room';
import { type AtHub, look, storyAtHub } from './story';

await storyAtHub(play, { host: 'mediazione.localhost' });

async function play({ hub, person }: AtHub): Promise<void> {
  const mediator = await person('mediatore');
  await mediator.getByTestId('enter-room').first().click();
  await mediator.getByTestId('accept').waitFor();
  const meeting = mediator.url().match(/[0-9a-f-]{36}/)?.[0];
  assert.ok(meeting, mediator.url());
  const room = await Room.accept(mediator);
  await room.press('start');
  const address = `/incontri/${meeting}/verbale`;

  // Nobody has answered yet, and nothing can be signed digitally.
  await mediator.goto(address);
  await mediator.getByTestId('consent').waitFor();
  await look(mediator, 'nobody-answered');
  await mediator.locator('#esito').selectOption('agreement');
  await mediator.locator('#testo').fill('La parte invitata versa 1.200,00 euro entro trenta giorni.');
  await press(mediator, 'minutes-freeze');
  await mediator.getByText('controlla che il testo corrisponda').or(mediator.getByText('Manca il consenso')).first().waitFor();
  if (!(await mediator.getByText('Manca il consenso').isVisible())) await press(mediator, 'minutes-freeze');
  await mediator.getByText('Manca il consenso di tutte le parti').waitFor();
  await look(mediator, 'consent-missing');

  // The party answers for itself, on a phone; the mediator records what the other one said.
  const party = await person('cliente', PHONE);
  await party.goto(address);
  await look(party, 'party-is-asked');
  await party.getByTestId('consent-yes').click();
  await party.locator('[data-seat=client] .state-good').waitFor();
  await look(party, 'party-consents');
  await mediator.goto(address);
  const other = mediator.getByTestId('consent-record-operator_delegate');
  await other.locator('summary').click();
  await other.locator('button[value=no]').click();
  await mediator.locator('[data-seat=operator_delegate] .state-bad').waitFor();
  await hub.message('carlo.ferro@example.it', (m) => m.subject.includes('Forma digitale'), 5_000);

  // On paper, with a reason.
  await mediator.getByTestId('paper').locator('summary').click();
  await mediator.locator('#motivo-carta').fill('');
  await press(mediator, 'paper-begin');
  await mediator.locator('#motivo-carta-errore').waitFor();
  await look(mediator, 'paper-without-reason');
  await mediator.locator('#motivo-carta').fill('La parte invitata non acconsente alla forma digitale');
  await press(mediator, 'paper-begin');
  await mediator.getByTestId('scan').waitFor();
  await look(mediator, 'to-be-printed');
  const printed = await mediator.evaluate(async (file) => (await (await fetch(file)).text()).slice(0, 5), `${address}/documento.pdf`);
  assert.equal(printed, '%PDF-');
  await party.goto(address);
  await party.getByTestId('process-paper').waitFor();
  await look(party, 'party-waits-for-paper');

  const staff = await person('segreteria');
  await staff.goto('/firme');
  await staff.getByText('Firma a mano, su carta').waitFor();
  await look(staff, 'panel-on-paper');

  await mediator.getByTestId('scan-upload').click();
  await mediator.locator('#scansione-errore').waitFor();
  await look(mediator, 'no-scan');
  await scan(mediator, 'scansione.pdf', pdf(['Verbale firmato a mano']));
  await mediator.locator('[data-testid=process-status][data-status=completed]').waitFor();
  await look(mediator, 'signed-on-paper');
  await hub.message('cliente@example.it', (m) => m.subject.includes('Verbale firmato'), 5_000);
  await party.goto(address);
  await party.getByText('la scansione è agli atti').waitFor();
  await look(party, 'party-signed-on-paper');
}

/** Presses a button that asks whether it is meant. */
async function press(page: Page, button: string): Promise<void> {
  const accept = (dialog: { accept(): Promise<void> }) => void dialog.accept();
  page.once('dialog', accept);
  await page.getByTestId(button).click();
  page.off('dialog', accept);
}

async function scan(page: Page, name: string, buffer: Buffer): Promise<void> {
  await page.locator('#scansione').setInputFiles({ name, mimeType: 'application/pdf', buffer });
  await page.getByTestId('scan-upload').click();
}
