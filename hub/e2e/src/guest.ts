/**
 * A person without an account comes to a mediation: link from the mail, code from the SMS, lobby,
 * admitted, hears and sees the mediator; all of it on a telephone. The service staff sees who is there.
 */
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { accessibility } from './accessibility';
import { complaints, lastPictures, launch, newPage, PHONE, picture } from './browser';
import { Hub } from './hub';
import { meet } from './meet';
import { forgetPictures } from './places';
import { signIn } from './portal';
import { Room } from './room';

/** The story takes less than a minute on two idle cores. */
const LIMIT_MS = 6 * 60_000;
const GUEST = 'ada.bianchi@example.it';
const MOBILE = '+393471000001';

await forgetPictures();
const hub = await Hub.start('mediazione.localhost');
const browser = await launch();
const limit = setTimeout(() => {
  hub.kill();
  console.error('the story did not come to its end');
  process.exit(1);
}, LIMIT_MS);
try {
  await play(browser);
} catch (error) {
  await lastPictures(browser);
  throw error;
} finally {
  clearTimeout(limit);
  await browser.close();
  await hub.stop();
}

async function play(browser: Browser): Promise<void> {
  const violations: string[] = [];
  const look = async (page: Page, name: string) => {
    await picture(page, name);
    violations.push(...(await accessibility(page)));
  };
  const mail = await hub.message(GUEST, (m) => m.text.includes('/invito/'), 5_000);
  const link = mail.text.match(/\/invito\/\S+/)?.[0];
  assert.ok(link, mail.text);

  const guest = await newPage(browser, hub.url, 'guest', PHONE);
  await guest.goto('/invito/niente');
  await guest.getByTestId('broken-link').waitFor();
  await look(guest, 'guest-broken-link');
  await guest.goto(link);
  await look(guest, 'guest-invitation');
  await guest.getByTestId('send-code').click();
  await guest.locator('#codice').fill('000000');
  await guest.getByTestId('guest-code').locator('button[type=submit]').click();
  await guest.getByText('Il codice non è corretto').waitFor();
  await look(guest, 'guest-wrong-code');
  const sms = await hub.message(MOBILE, (m) => /^\d{6} /.test(m.text), 5_000);
  await guest.locator('#codice').fill(sms.text.slice(0, 6));
  await guest.getByTestId('guest-code').locator('button[type=submit]').click();
  await guest.getByTestId('enter-room').waitFor();
  await look(guest, 'guest-own-page');
  assert.equal((await guest.goto('/pratiche'))?.status(), 404);

  const mediator = await newPage(browser, hub.url, 'mediator');
  await signIn(mediator, hub, 'mediatore');
  await mediator.getByTestId('enter-room').first().click();
  await mediator.getByTestId('accept').waitFor();
  const led = await Room.accept(mediator);

  await guest.goto('/ospite');
  await guest.getByTestId('enter-room').click();
  await guest.getByTestId('accept').waitFor();
  const came = await Room.accept(guest);
  await came.isIn('Sala d’attesa');
  await look(guest, 'guest-lobby');
  await led.press('start');
  await led.admit(came.me);
  await meet([led, came]);
  await look(guest, 'guest-in-the-room');

  const staff = await newPage(browser, hub.url, 'staff');
  await signIn(staff, hub, 'segreteria');
  await staff.goto('/servizio/stanze');
  await staff.getByText('Ada Bianchi').waitFor();
  await staff.getByText('In corso').waitFor();
  await look(staff, 'board');
  await staff.setViewportSize(PHONE);
  await look(staff, 'board-on-a-phone');

  assert.deepEqual(violations, []);
  assert.deepEqual(complaints, []);
}
