import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, lasted, lastMinuteBegins, timeLeft } from '../src/time';

const MINUTE = 60_000;

test('r_meet_40 what is left of a session is counted down, and then what it runs over', () => {
  for (const [left, words] of [
    [5 * MINUTE, 'restano 5:00'],
    [4 * MINUTE + 1, 'restano 4:01'],
    [1, 'restano 0:01'],
    [0, 'tempo finito da 0:00'],
    [-61_000, 'tempo finito da 1:01'],
    [61 * MINUTE, 'restano 1:01:00'],
  ] as const) {
    assert.equal(timeLeft(1_000_000 + left, 1_000_000), words, String(left));
  }
  assert.equal(clock(-5), '0:00');
});

test('r_meet_40 the last minute is told once', () => {
  const end = 10 * MINUTE;
  for (const [before, now, told] of [
    [end - MINUTE - 1, end - MINUTE, true],
    [end - MINUTE, end - MINUTE + 1_000, false],
    [end - 5 * MINUTE, end - 4 * MINUTE, false],
    [end - 5 * MINUTE, end + 1, false],
  ] as const) {
    assert.equal(lastMinuteBegins(end, before, now), told);
  }
});

test('r_meet_09 how long a meeting lasts is said in words', () => {
  for (const [minutes, words] of [
    [0, 'meno di un minuto'],
    [1, '1 minuto'],
    [89, '89 minuti'],
    [90, '1 ora e 30 minuti'],
    [121, '2 ore e 1 minuto'],
    [180, '3 ore'],
  ] as const) {
    assert.equal(lasted(minutes * MINUTE + 59_000 * (minutes > 0 ? 1 : 0)), words);
  }
});
