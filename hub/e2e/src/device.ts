/** Signing with an own device: the demo's signature program, and the page that takes what it makes. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';

/** Accounts of the demo's clients, by name. */
export const CLIENTS: Record<string, string> = {
  'Mario Rossi': 'cliente',
  'Lucia Ferri': 'cliente2',
  'Franco Villa': 'cliente3',
  'Rosa Greco': 'cliente4',
};

/** As it stands on the person's profile. */
export async function fiscalCode(page: Page): Promise<string> {
  await page.goto('/profilo');
  const code = (await page.locator('main').innerText()).match(/[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]/)?.[0];
  assert.ok(code, 'the profile shows the codice fiscale');
  return code;
}

/** What the demo's signature program makes of a document: in this field, or without one around it (P7M). */
export async function signedOnDevice(page: Page, pdf: Buffer, field: string, name: string, fiscal_code: string): Promise<Buffer> {
  const [given_name = '', surname = ''] = name.split(' ');
  const file = { name: 'verbale.pdf', mimeType: 'application/pdf', buffer: pdf };
  const answer = await page.request.post('/demo/qtsp/dispositivo', { multipart: { file, field, given_name, surname, fiscal_code } });
  assert.equal(answer.status(), 200, await answer.text());
  return answer.body();
}

/** Presses a button that asks whether it is meant. */
export async function press(page: Page, button: string): Promise<void> {
  page.once('dialog', (dialog) => void dialog.accept());
  await page.getByTestId(button).click();
}

export async function upload(page: Page, name: string, buffer: Buffer): Promise<void> {
  await page.locator('#file-firmato').setInputFiles({ name, mimeType: 'application/pdf', buffer });
  await page.getByTestId('device-upload').click();
}
