/** The portal's pages as a person uses them. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import type { Hub, Message } from './hub';

/** What every demo account has in common. */
const PASSWORD = 'Accordo-2026';
const OUTBOX_WITHIN_MS = 20_000;

/** User name, password, code by SMS. `look` is shown each page. */
export async function signIn(
  page: Page,
  hub: Hub,
  username: string,
  look: (page: Page, name: string) => Promise<void> = async () => undefined,
): Promise<void> {
  await page.goto('/accesso');
  await look(page, 'sign-in');
  await page.locator('#username').fill(username);
  await page.locator('#password').fill(PASSWORD);
  const before = await hub.outbox('');
  await page.getByTestId('sign-in').locator('button[type=submit]').click();
  await page.locator('#codice').waitFor();
  await look(page, 'sign-in-code');
  const end = (await page.getByText('termina con').textContent())?.match(/termina con \D*(\d+)/)?.[1];
  assert.ok(end, 'the page says where the code went');
  const code = await newCode(hub, before, (message) => message.to.endsWith(end));
  await page.locator('#codice').fill(code);
  await page.getByTestId('sign-in-code').locator('button[type=submit]').click();
  await page.getByTestId('sign-out').waitFor();
}

/** The code of an SMS that was not there before. */
export async function newCode(hub: Hub, before: Message[], wanted: (message: Message) => boolean): Promise<string> {
  const known = new Set(before.map((message) => message.id));
  const message = await hub.message('', (m) => !known.has(m.id) && m.channel === 'sms' && wanted(m), OUTBOX_WITHIN_MS);
  const code = message.text.match(/\b\d{6,8}\b/)?.[0];
  assert.ok(code, `no code in: ${message.text}`);
  return code;
}

/** From the case's page: fills the form of a new meeting and sends it. */
export async function propose(page: Page, starts: Date, conciliator: string): Promise<void> {
  await page.getByTestId('meeting-new').click();
  const [date, time] = romeTime(starts);
  await page.locator('#data').fill(date);
  await page.locator('#ora').fill(time);
  await page.locator('#conciliatore').selectOption({ label: await optionOf(page, conciliator) });
  await page.getByTestId('meeting-convene').click();
}

/** From the meeting's page. */
export async function callOff(page: Page): Promise<void> {
  page.once('dialog', (dialog) => void dialog.accept());
  await page.getByTestId('meeting-cancel').click();
  await page.getByText("L'incontro è annullato.").waitFor();
}

async function optionOf(page: Page, name: string): Promise<string> {
  const options = await page.locator('#conciliatore option').allTextContents();
  const option = options.find((text) => text.includes(name));
  assert.ok(option, `${name} is not among ${options.join(', ')}`);
  return option;
}

/** Date and time of day in Italy, as the form's fields take them. */
function romeTime(at: Date): [string, string] {
  const [date, time] = at.toLocaleString('sv-SE', { timeZone: 'Europe/Rome' }).split(' ');
  return [date ?? '', (time ?? '').slice(0, 5)];
}

/** Downloads the newest document of a kind from the case page that is open. */
export async function download(page: Page, kind: string, file: string): Promise<void> {
  const row = page.locator(`[data-testid=document-row][data-kind="${kind}"]`).first();
  const href = await row.getByTestId('document-open').getAttribute('href');
  assert.ok(href, `no document of kind ${kind}`);
  const response = await page.request.get(href);
  assert.equal(response.status(), 200);
  await writeFile(file, await response.body());
}
