/**
 * The media test in a real browser: all green without an account, the outcome kept by who is signed
 * in, and red for each thing that fails; no violation of accessibility in any state.
 */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { PHONE } from './browser';
import { relayOnly } from './path';
import { type AtHub, look, storyAtHub } from './story';

/** A test takes some ten seconds on an idle machine. */
const DONE_WITHIN_MS = 90_000;
/** The ways that a meeting's media could take, as the page names them. */
const WAYS = ['Via diretta', 'Prima via di riserva (UDP)', 'Seconda via di riserva (TCP)', 'Terza via di riserva (TLS)'];

// The certificate of the demo's relay is one that nobody trusts.
await storyAtHub(play, { flags: ['--ignore-certificate-errors'] });

async function play({ hub, visitor, person }: AtHub): Promise<void> {
  // Somebody without an account: everything is fine, on the very path of a meeting's media.
  const guest = await visitor('guest', PHONE);
  await guest.goto('/media-test');
  await guest.locator('.running').first().waitFor();
  await look(guest, 'running');
  await finished(guest);
  assert.deepEqual(await reds(guest), []);
  await guest.getByTestId('ready').filter({ hasText: "l'incontro si può tenere" }).waitFor();
  const network = guest.getByTestId('check-bandwidth');
  for (const way of WAYS) await network.getByText(works(way)).waitFor();
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
  const client = await person('cliente');
  await client.getByRole('link', { name: 'Prova i tuoi dispositivi' }).first().click();
  await finished(client);
  await client.getByTestId('keep').click();
  await client.getByText('conservato fino al').waitFor();
  await look(client, 'kept');
  await client.goto('/profilo/prove');
  await client.getByTestId('kept-test').filter({ hasText: 'Tutto a posto' }).waitFor();
  await look(client, 'own-outcomes');

  // No camera is allowed, the network is too slow, no media get through: each is named.
  const denied = await visitor('denied');
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
  await denied.getByTestId('check-webcam').getByText('consenti la fotocamera').waitFor();
  await denied.getByTestId('check-bandwidth').getByText('La rete è lenta in ricezione').waitFor();
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

  // A network that lets no UDP through: the meeting goes over the relay (R-MEET-45).
  const office = await visitor('office');
  await relayOnly(office, 'tcp', 'tls');
  await office.goto('/media-test');
  await finished(office);
  assert.deepEqual(await reds(office), []);
  const ways = office.getByTestId('check-bandwidth');
  await ways.getByText('passa per una via di riserva').waitFor();
  for (const way of WAYS.slice(0, 2)) await ways.getByText(`${way}: non passa`).waitFor();
  for (const way of WAYS.slice(2)) await ways.getByText(works(way)).waitFor();
  await look(office, 'relay-only');

  // The hub does not answer.
  await guest.route('**/media-test/verdict', (route) => route.abort());
  await guest.getByTestId('again').click();
  await guest.getByRole('alert').filter({ hasText: 'Il servizio non risponde' }).waitFor();
  await look(guest, 'no-answer');
}

function works(way: string): RegExp {
  return new RegExp(`${way.replace(/[()]/g, '\\$&')}: funziona, risposta in \\d+ ms, perdite 0,0 %`);
}

async function finished(page: Page): Promise<void> {
  await page.locator('#problem p, #ready p').first().waitFor({ timeout: DONE_WITHIN_MS });
}

async function reds(page: Page): Promise<(string | undefined)[]> {
  return page.locator('#checks > li.red').evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset['item']));
}
