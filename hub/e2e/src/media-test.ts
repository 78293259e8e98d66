/**
 * The media test in a real browser: all green without an account, the outcome kept by who is signed
 * in, and red for each thing that fails; no violation of accessibility in any state.
 */
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { accessibility } from './accessibility';
import { complaints, DESK, lastPictures, launch, newPage, PHONE, picture } from './browser';
import { Hub } from './hub';
import { forgetPictures } from './places';
import { signIn } from './portal';

const LIMIT_MS = 4 * 60_000;
/** A test takes some ten seconds on an idle machine. */
const DONE_WITHIN_MS = 60_000;

await forgetPictures();
const hub = await Hub.start();
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
    await picture(page, name, { phone: true });
    violations.push(...(await accessibility(page)));
  };

  // Somebody without an account: everything is fine, on the very path of a meeting's media.
  const guest = await newPage(browser, hub.url, 'guest', PHONE);
  await guest.goto('/media-test');
  await guest.locator('.running').first().waitFor();
  await look(guest, 'running');
  await finished(guest);
  assert.deepEqual(await reds(guest), []);
  await guest.getByTestId('ready').filter({ hasText: "l'incontro si può tenere" }).waitFor();
  const network = guest.getByTestId('check-bandwidth');
  await network.getByText(/Collegamento diretto \(UDP\): funziona, andata e ritorno \d+ ms, perdita 0,0 %/).waitFor();
  await guest.getByTestId('progress').filter({ hasText: 'Webcam: Riuscito.' }).waitFor({ state: 'attached' });
  assert.equal(await guest.getByTestId('keep').isVisible(), false, 'nothing is kept of strangers');
  const unasked = await guest.request.post('/media-test/esito', {
    data: {},
    headers: { origin: hub.url, accept: 'application/json' },
  });
  assert.equal(unasked.status(), 401);
  await guest.getByTestId('sound').click();
  await guest.getByText('Stai sentendo tre note?').waitFor();
  await look(guest, 'all-green');

  // Who is signed in may let the outcome be kept, sees it, and the secretariat sees it.
  const client = await newPage(browser, hub.url, 'cliente', DESK);
  await signIn(client, hub, 'cliente');
  await client.getByRole('link', { name: 'Prova i tuoi dispositivi' }).first().click();
  await finished(client);
  await client.getByTestId('keep').click();
  await client.getByText('conservato fino al').waitFor();
  await look(client, 'kept');
  await client.goto('/profilo/prove');
  await client.getByTestId('kept-test').filter({ hasText: 'Tutto a posto' }).waitFor();
  await look(client, 'own-outcomes');

  // No camera is allowed, the network is too slow, no media get through: each is named.
  const denied = await newPage(browser, hub.url, 'denied', DESK);
  await denied.addInitScript(() => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (wanted) =>
      wanted?.video ? Promise.reject(new DOMException('', 'NotAllowedError')) : open(wanted);
  });
  await denied.route('**/media-test/down*', async (route) => {
    await new Promise((done) => setTimeout(done, 9_000));
    await route.continue();
  });
  await denied.goto('/media-test?ritorno=/accesso');
  await finished(denied);
  assert.deepEqual(await reds(denied), ['bandwidth', 'webcam']);
  await denied.getByRole('alert').filter({ hasText: 'la rete, la webcam' }).waitFor();
  await denied.getByTestId('check-webcam').getByText('consentila').waitFor();
  await denied.getByTestId('check-bandwidth').getByText('Rete lenta in ricezione').waitFor();
  await look(denied, 'reds');
  // "Aggiorna" repeats everything, also by keyboard.
  await denied.unroute('**/media-test/down*');
  await denied.getByTestId('again').focus();
  await denied.keyboard.press('Enter');
  await denied.locator('.running').first().waitFor();
  await finished(denied);
  assert.deepEqual(await reds(denied), ['webcam']);
  await denied.getByTestId('close').click();
  await denied.waitForURL(/\/accesso$/);

  // The hub does not answer.
  await guest.route('**/media-test/verdict', (route) => route.abort());
  await guest.getByTestId('again').click();
  await guest.getByRole('alert').filter({ hasText: 'Il servizio non risponde' }).waitFor();
  await look(guest, 'no-answer');

  assert.deepEqual(violations, []);
  assert.deepEqual(complaints, []);
}

async function finished(page: Page): Promise<void> {
  await page.locator('#problem p, #ready p').first().waitFor({ timeout: DONE_WITHIN_MS });
}

async function reds(page: Page): Promise<(string | undefined)[]> {
  return page.locator('#checks > li.red').evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset['item']));
}
