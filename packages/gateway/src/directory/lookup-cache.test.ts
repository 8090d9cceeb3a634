import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LookupCache } from './lookup-cache.ts';

const make = (): LookupCache<string> => new LookupCache({ freshMs: 100, freshAbsentMs: 10, maxEntries: 2 });

test('LookupCache knows nothing at first', () => {
  assert.equal(make().get('a', 0), undefined);
});

test('LookupCache keeps an answer fresh for its time, and after that as an old one', () => {
  const cache = make();
  cache.set('a', 'staff', 0);
  assert.deepEqual(cache.get('a', 99), { value: 'staff', fresh: true });
  assert.deepEqual(cache.get('a', 100), { value: 'staff', fresh: false });
});

test('LookupCache keeps "there is none" fresh for a shorter time', () => {
  const cache = make();
  cache.set('a', undefined, 0);
  assert.deepEqual(cache.get('a', 9), { value: undefined, fresh: true });
  assert.deepEqual(cache.get('a', 10), { value: undefined, fresh: false });
});

test('LookupCache drops the oldest answer when it is full', () => {
  const cache = make();
  cache.set('a', 'A', 0);
  cache.set('b', 'B', 1);
  cache.set('a', 'A', 2);
  cache.set('c', 'C', 3);
  assert.equal(cache.size, 2);
  assert.equal(cache.get('b', 3), undefined);
  assert.equal(cache.get('a', 3)?.value, 'A');
});
