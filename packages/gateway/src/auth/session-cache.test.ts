import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionCache } from './session-cache.ts';

const make = (maxEntries = 3, maxAgeMs = 100): SessionCache<string> => new SessionCache({ maxEntries, maxAgeMs });

test('SessionCache gives back what was kept under the same cookie', () => {
  const cache = make();
  cache.set('cookie', 'alice', 50, 0);
  assert.equal(cache.get('cookie', 49), 'alice');
});

test('SessionCache compares the whole cookie: neither a shared beginning nor a shared end is enough', () => {
  const cache = make();
  const cookie = `${'a'.repeat(2_000)}${'b'.repeat(2_000)}`;
  cache.set(cookie, 'alice', 50, 0);
  assert.equal(cache.get(cookie.slice(0, -1), 0), undefined);
  assert.equal(cache.get(`${cookie.slice(0, -1)}c`, 0), undefined);
  assert.equal(cache.get(`c${cookie.slice(1)}`, 0), undefined);
  assert.equal(cache.get(`${'a'.repeat(1_999)}c${'b'.repeat(2_000)}`, 0), undefined);
});

test('SessionCache forgets at the end of the session', () => {
  const cache = make();
  cache.set('cookie', 'alice', 50, 0);
  assert.equal(cache.get('cookie', 50), undefined);
  assert.equal(cache.size, 0);
});

test('SessionCache forgets after its own longest stay', () => {
  const cache = make(3, 100);
  cache.set('cookie', 'alice', 1_000, 0);
  assert.equal(cache.get('cookie', 99), 'alice');
  assert.equal(cache.get('cookie', 100), undefined);
});

test('SessionCache does not let use prolong the stay', () => {
  const cache = make(3, 100);
  cache.set('cookie', 'alice', 1_000, 0);
  for (let now = 0; now < 100; now += 10) cache.get('cookie', now);
  assert.equal(cache.get('cookie', 100), undefined);
});

test('SessionCache keeps no more than it may, and drops what was not used for longest', () => {
  const cache = make(3);
  for (const name of ['a', 'b', 'c']) cache.set(name, name, 50, 0);
  cache.get('a', 1);
  cache.set('d', 'd', 50, 2);
  assert.equal(cache.size, 3);
  assert.equal(cache.get('b', 3), undefined);
  assert.equal(cache.get('a', 3), 'a');
});

test('SessionCache does not keep what has ended already', () => {
  const cache = make();
  cache.set('cookie', 'alice', 10, 10);
  assert.equal(cache.size, 0);
});

test('SessionCache replaces what it kept under a cookie', () => {
  const cache = make();
  cache.set('cookie', 'alice', 50, 0);
  cache.set('cookie', 'bob', 50, 0);
  assert.equal(cache.get('cookie', 1), 'bob');
  cache.set('cookie', 'nobody', 0, 1);
  assert.equal(cache.get('cookie', 1), undefined);
});

test('SessionCache forgets at once when told to', () => {
  const cache = make();
  cache.set('a', 'alice', 50, 0);
  cache.set('b', 'bob', 50, 0);
  cache.delete('a');
  assert.equal(cache.get('a', 0), undefined);
  cache.clear();
  assert.equal(cache.size, 0);
});
