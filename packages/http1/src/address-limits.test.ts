import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressLimits } from './address-limits.ts';

test('AddressLimits lets an address have so many connections and no more, whatever others have', () => {
  const limits = new AddressLimits(2);
  assert.deepEqual(
    [limits.enter('a'), limits.enter('a'), limits.enter('a'), limits.enter('b')],
    [true, true, false, true],
  );
});

test('AddressLimits gives a place back when a connection leaves, and forgets an address without any', () => {
  const limits = new AddressLimits(1);
  limits.enter('a');
  limits.leave('a');
  assert.equal(limits.size, 0);
  assert.equal(limits.enter('a'), true);
});

test('AddressLimits without a limit remembers nobody', () => {
  const limits = new AddressLimits(Number.POSITIVE_INFINITY);
  for (let i = 0; i < 100; i++) assert.equal(limits.enter('a'), true);
  assert.equal(limits.size, 0);
});
