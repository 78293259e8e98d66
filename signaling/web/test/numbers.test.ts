import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mobileWrong, numberWrong } from '../src/numbers';

test('r_meet_47 a mobile is taken as the hub takes it', () => {
  for (const good of ['333 1234567', '+39 333 1234567', '0039-333.123456', '+44 7700 900123', '333/1234567']) {
    assert.equal(mobileWrong(good), null, good);
  }
  for (const bad of ['', '06 555', '06 1234567', '+39 06 1234567', '333', '333 12345678901', '+1', 'ciao']) {
    assert.match(mobileWrong(bad) ?? '', /cellulare/, bad);
  }
});

test('r_meet_29 by telephone any number will do', () => {
  for (const good of ['06 1234567', '12345', '+39 (06) 123-456']) assert.equal(numberWrong(good), null, good);
  for (const bad of ['1234', 'ciao', '1'.repeat(16)]) assert.notEqual(numberWrong(bad), null, bad);
});
