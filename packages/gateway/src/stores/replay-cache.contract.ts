import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ReplayCache } from '../ports/replay-cache.ts';

/** What every replay cache must do. `open` gives a fresh one on the given clock. */
export function replayCacheContract(name: string, open: (now: () => number) => ReplayCache): void {
  suite(`${name} replay cache`, () => {
    test('claim() takes a key once', async () => {
      const cache = open(() => 0);
      assert.equal(await cache.claim('a', 10), true);
      assert.equal(await cache.claim('a', 10), false);
      await cache.close();
    });

    test('claim() lets exactly one of many racing claims win', async () => {
      const cache = open(() => 0);
      const claims = await Promise.all(Array.from({ length: 50 }, async () => cache.claim('a', 10)));
      assert.equal(claims.filter(Boolean).length, 1);
      await cache.close();
    });

    test('claim() keeps different keys apart', async () => {
      const cache = open(() => 0);
      assert.equal(await cache.claim('a', 10), true);
      assert.equal(await cache.claim('A', 10), true);
      assert.equal(await cache.claim('a ', 10), true);
      await cache.close();
    });

    test('claim() is refused until the expiry, whatever expiry the later claims name', async () => {
      let now = 0;
      const cache = open(() => now);
      assert.equal(await cache.claim('a', 10), true);
      assert.equal(await cache.claim('a', 1_000), false);
      now = 9;
      assert.equal(await cache.claim('a', 1_000), false);
      await cache.close();
    });

    test('claim() may take a key again once the first claim has expired', async () => {
      let now = 0;
      const cache = open(() => now);
      await cache.claim('a', 10);
      now = 10;
      assert.equal(await cache.claim('a', 20), true);
      assert.equal(await cache.claim('a', 20), false);
      await cache.close();
    });

    test('claim() is refused when the key has expired already, as it could not be remembered', async () => {
      const cache = open(() => 10);
      assert.equal(await cache.claim('a', 10), false);
      await cache.close();
    });

    test('claim() takes an expiry with a fraction of a millisecond, as authenticators have', async () => {
      let now = 0;
      const cache = open(() => now);
      assert.equal(await cache.claim('a', 10.5), true);
      now = 10.25;
      assert.equal(await cache.claim('a', 20.5), false);
      await cache.close();
    });

    test('claim() remembers live keys while thousands of others expire', async () => {
      let now = 0;
      const cache = open(() => now);
      assert.equal(await cache.claim('live', 1_000_000), true);
      for (let i = 0; i < 3_000; i++) {
        now = i;
        await cache.claim(`key ${i}`, i + 5);
      }
      assert.equal(await cache.claim('live', 1_000_000), false);
      await cache.close();
    });
  });
}
