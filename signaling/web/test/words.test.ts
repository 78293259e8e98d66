import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callSides, clockTime, deviceWords, duration, farewell, filesStay, refusal, sessionName } from '../src/words';

test('times are those of the clocks in Rome, wherever the browser is', () => {
  const before = process.env['TZ'];
  try {
    for (const zone of ['America/New_York', 'Asia/Tokyo', 'UTC']) {
      process.env['TZ'] = zone;
      assert.equal(clockTime(Date.UTC(2026, 10, 21, 9, 5)), '10:05', zone);
      assert.equal(clockTime(Date.UTC(2026, 6, 21, 9, 5)), '11:05', zone);
    }
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
});

test('a duration is told in a unit that people count in', () => {
  for (const [seconds, words] of [
    [1, '1 secondo'],
    [119, '119 secondi'],
    [120, '2 minuti'],
    [7200, '2 ore'],
    [541_484, '6 giorni'],
  ] as const) {
    assert.equal(duration(seconds), words);
  }
});

test('a device has a state, and its button an action', () => {
  assert.deepEqual(deviceWords('mic', true), ['Microfono acceso', 'Spegni il microfono']);
  assert.deepEqual(deviceWords('cam', false), ['Telecamera spenta', 'Accendi la telecamera']);
});

test('r_sign_40 the sides are called as the procedure calls them', () => {
  assert.equal(refusal('not_allowed'), 'Solo il conciliatore può farlo.');
  callSides({
    neutral: { name: 'Mediatore', the: 'il mediatore' },
    activating: { name: 'Parte istante', the: 'la parte istante' },
    convened: { name: 'Parte invitata', the: 'la parte invitata' },
    aid: { name: 'Consulente tecnico', the: 'il consulente tecnico' },
  });
  assert.equal(refusal('not_allowed'), 'Solo il mediatore può farlo.');
  assert.equal(farewell('removed', false).text.startsWith('Il mediatore ti ha fatto uscire.'), true);
  assert.equal(sessionName('breakout-2', 'convened'), 'Sessione separata 2 – parte invitata');
});

test('r_meet_23 a standing room does not speak as if a meeting were over', () => {
  for (const reason of ['ended', 'bye', 'closing'] as const) {
    assert.notDeepEqual(farewell(reason, true), farewell(reason, false));
    assert.ok(!farewell(reason, true).text.includes('Finché l’incontro'), reason);
  }
  assert.deepEqual(farewell('stalled', true), farewell('stalled', false));
  assert.ok(filesStay('19 febbraio 2027').includes('fino al 19 febbraio 2027'));
  assert.ok(filesStay('').startsWith('A fine incontro i file vengono cancellati'));
  assert.ok(filesStay('', false).startsWith('Quando questa sessione si chiude'));
});
