import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { AddressCounts, forgetThread, sharedCounts } from './address-counts.ts';

test('AddressCounts lets an address have so many connections over all threads', () => {
  const shared = sharedCounts(2);
  const one = new AddressCounts(shared, 0, 3);
  const other = new AddressCounts(shared, 1, 3);
  assert.deepEqual(
    [one.enter('a'), other.enter('a'), one.enter('a'), other.enter('a'), one.enter('a')],
    [true, true, true, false, false],
  );
  assert.equal(other.enter('b'), true);
});

test('AddressCounts gives a place back when a connection leaves, whichever thread wants it', () => {
  const shared = sharedCounts(2);
  const one = new AddressCounts(shared, 0, 1);
  const other = new AddressCounts(shared, 1, 1);
  one.enter('a');
  assert.equal(other.enter('a'), false);
  one.leave('a');
  assert.equal(other.enter('a'), true);
});

test('AddressCounts counts nothing for a connection that was refused', () => {
  const shared = sharedCounts(1);
  const counts = new AddressCounts(shared, 0, 1);
  counts.enter('a');
  for (let i = 0; i < 10; i++) counts.enter('a');
  counts.leave('a');
  assert.equal(counts.enter('a'), true);
});

test('forgetThread() frees what a dead thread had, and nothing of the others', () => {
  const shared = sharedCounts(2);
  const dead = new AddressCounts(shared, 0, 2);
  const alive = new AddressCounts(shared, 1, 2);
  dead.enter('a');
  alive.enter('a');
  forgetThread(shared, 0);
  assert.equal(alive.enter('a'), true);
  assert.equal(alive.enter('a'), false);
});

test('AddressCounts agrees with a plain count of each address, as long as places do not collide', () => {
  const step = fc.record({
    thread: fc.nat(2),
    address: fc.constantFrom('10.0.0.1', '10.0.0.2', '2001:db8::1'),
    enters: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const shared = sharedCounts(3);
      const threads = [0, 1, 2].map((thread) => new AddressCounts(shared, thread, 4));
      const open = new Map<string, number>();
      const here = new Map<string, number>();
      for (const { thread, address, enters } of steps) {
        const key = `${thread} ${address}`;
        const total = open.get(address) ?? 0;
        const own = here.get(key) ?? 0;
        if (enters) {
          assert.equal(threads[thread]?.enter(address), total < 4);
          if (total < 4) {
            open.set(address, total + 1);
            here.set(key, own + 1);
          }
        } else if (own > 0) {
          threads[thread]?.leave(address);
          open.set(address, total - 1);
          here.set(key, own - 1);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('AddressCounts never lets more in than allowed when threads race', async () => {
  const shared = sharedCounts(2);
  const limit = 1_000;
  const source = `
    import { workerData, parentPort } from 'node:worker_threads';
    import { AddressCounts } from ${JSON.stringify(new URL('./address-counts.ts', import.meta.url).href)};
    const { shared, thread, start } = workerData;
    const counts = new AddressCounts(shared, thread, ${limit});
    Atomics.add(start, 0, 1);
    while (Atomics.load(start, 0) < 2);
    let entered = 0;
    for (let i = 0; i < ${limit}; i++) if (counts.enter('a')) entered++;
    parentPort.postMessage(entered);`;
  const start = new Int32Array(new SharedArrayBuffer(4));
  const entered = await Promise.all(
    [0, 1].map(async (thread) => {
      const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
      const [count]: unknown[] = await once(new Worker(url, { workerData: { shared, thread, start } }), 'message');
      return Number(count);
    }),
  );
  const total = entered.reduce((sum, count) => sum + count, 0);
  assert.ok(total <= limit && total > limit - 2, entered.join(' + '));
});
