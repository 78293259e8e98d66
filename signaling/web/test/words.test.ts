import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockTime, deviceWords, duration } from '../src/words';

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
