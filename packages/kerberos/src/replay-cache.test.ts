import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryReplayCache, ReplayCacheFullError } from './replay-cache.ts';

test('MemoryReplayCache takes a key once until it expires, and again after', () => {
  let now = 0;
  const cache = new MemoryReplayCache({ now: () => now });
  assert.equal(cache.claim('a', 10), true);
  now = 9;
  assert.equal(cache.claim('a', 10), false);
  now = 10;
  assert.equal(cache.claim('a', 20), true);
});

test('MemoryReplayCache keeps keys apart', () => {
  const cache = new MemoryReplayCache({ now: () => 0 });
  assert.deepEqual([cache.claim('a', 10), cache.claim('b', 10), cache.claim('a', 11)], [true, true, false]);
});

test('MemoryReplayCache refuses what has expired already, which it could not remember', () => {
  const cache = new MemoryReplayCache({ now: () => 10 });
  assert.equal(cache.claim('a', 10), false);
});

test('MemoryReplayCache throws when full rather than forget a live entry', () => {
  const cache = new MemoryReplayCache({ now: () => 0, capacity: 2 });
  cache.claim('a', 10);
  cache.claim('b', 10);
  assert.throws(() => cache.claim('c', 10), ReplayCacheFullError);
  assert.equal(cache.claim('a', 10), false);
});

test('MemoryReplayCache makes room from entries that expired', () => {
  let now = 0;
  const cache = new MemoryReplayCache({ now: () => now, capacity: 2 });
  cache.claim('a', 10);
  cache.claim('b', 10);
  now = 10;
  assert.equal(cache.claim('c', 20), true);
  assert.equal(cache.size, 1);
});

test('MemoryReplayCache stays near its live size under a steady stream', () => {
  let now = 0;
  const cache = new MemoryReplayCache({ now: () => now });
  for (now = 0; now < 50_000; now++) assert.equal(cache.claim(`key ${now}`, now + 2_000), true);
  assert.ok(cache.size < 5_000, String(cache.size));
});
