/**
 * A person without an account comes to a mediation: link from the mail, code from the SMS, lobby,
 * admitted, hears and sees the mediator; all of it on a telephone. The service staff sees who is there.
 */
import assert from 'node:assert/strict';
import { PHONE } from './browser';
import { meet } from './meet';
import { Room } from './room';
import { type AtHub, look, storyAtHub } from './story';

const GUEST = 'ada.bianchi@example.it';
const MOBILE = '+393471000001';

await storyAtHub(play, { host: 'mediazione.localhost' });

async function play({ hub, visitor, person }: AtHub): Promise<void> {
  const mail = await hub.message(GUEST, (m) => m.text.includes('/invito/'), 5_000);
  const link = mail.text.match(/\/invito\/\S+/)?.[0];
  assert.ok(link, mail.text);

  const guest = await visitor('guest', PHONE);
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

  const mediator = await person('mediatore');
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

  const staff = await person('segreteria');
  await staff.goto('/servizio/stanze');
  await staff.getByText('Ada Bianchi').waitFor();
  await staff.getByText('In corso').waitFor();
  await look(staff, 'board');
  await staff.setViewportSize(PHONE);
  await look(staff, 'board-on-a-phone');

  // Afterwards the guest finds the own page again.
  await led.press('end');
  await led.press('dialog-confirm');
  await guest.getByTestId('farewell-ended').waitFor();
  await look(guest, 'guest-ended');
  await guest.getByTestId('back').click();
  await guest.waitForURL('**/ospite');

  // The standing room of the case stays, and speaks as one (R-MEET-23).
  await look(guest, 'guest-after-the-meeting');
  await guest.getByTestId('enter-room').click();
  await guest.getByText('Non c’è sala d’attesa').waitFor();
  await guest.getByText('I file condivisi con tutti restano nella stanza fino al').waitFor();
  await look(guest, 'standing-entrance');
  const alone = await Room.accept(guest);
  await alone.isIn('Sessione comune');
  await mediator.goto('/');
  await look(mediator, 'standing-on-the-first-page');
  await mediator.getByTestId('enter-standing').click();
  await mediator.getByTestId('accept').waitFor();
  const beside = await Room.accept(mediator);
  await meet([beside, alone]);
  assert.equal(await mediator.getByTestId('end').count(), 0, 'nobody ends a standing room');
  await mediator.getByRole('button', { name: 'con la parte invitata' }).waitFor();
  assert.ok(!(await mediator.locator('#app').innerText()).toLowerCase().includes('conciliatore'));
  await look(mediator, 'standing-room');
  await alone.press('control-leave');
  await guest.getByText('Puoi rientrare quando vuoi').waitFor();
  await look(guest, 'standing-leave');
  await alone.press('dialog-confirm');
  await guest.getByTestId('farewell-bye').waitFor();
  await look(guest, 'standing-farewell');
}
