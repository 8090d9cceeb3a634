import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BatchOptions, batches } from './batches.ts';

/** Batches whose store is as `write` says, with what was written and said. */
function started(options: Partial<BatchOptions<number>> = {}) {
  const [written, said]: [number[], string[]] = [[], []];
  const buffer = batches<number>({
    what: 'Numbers',
    onTrouble: (message) => said.push(message),
    delayMs: 1,
    retryMs: 1,
    ...options,
    write: async (batch) => {
      await options.write?.(batch);
      written.push(...batch);
    },
  });
  return { buffer, written, said };
}

/** A store that is away at first; `heard` resolves when somebody has tried it. */
function awayAtFirst() {
  const heard = Promise.withResolvers<void>();
  let away = true;
  return {
    heard: heard.promise,
    comeBack: () => (away = false),
    write: () => {
      heard.resolve();
      if (away) throw new Error('it is away');
    },
  };
}

test('batches() writes what was added, in its order, by itself', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { buffer, written } = started({ write: (batch) => void (batch.includes(2) && resolve()) });
  buffer.add(1);
  buffer.add(2);
  await promise;
  await buffer.close();
  assert.deepEqual(written, [1, 2]);
});

test('batches() writes no more at once than a batch', async () => {
  const sizes: number[] = [];
  const { buffer, written } = started({ batchSize: 3, write: (batch) => void sizes.push(batch.length) });
  for (let i = 0; i < 8; i++) buffer.add(i);
  await buffer.close();
  assert.deepEqual(
    [sizes, written],
    [
      [3, 3, 2],
      [0, 1, 2, 3, 4, 5, 6, 7],
    ],
  );
});

test('batches() loses nothing while the store is away, and says once that it waits', async () => {
  const store = awayAtFirst();
  const { buffer, written, said } = started({ write: store.write });
  buffer.add(1);
  await store.heard;
  buffer.add(2);
  store.comeBack();
  await buffer.close();
  assert.deepEqual([written, said], [[1, 2], ['Numbers cannot be written and wait: it is away']]);
});

test('batches() tries again by itself', async () => {
  let tries = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const { buffer, written, said } = started({
    write: () => {
      if (++tries < 4) throw new Error('it is away');
      resolve();
    },
  });
  buffer.add(1);
  await promise;
  await buffer.close();
  assert.deepEqual([written, said.length], [[1], 1]);
});

test('batches() keeps as many as it may, and says how many it has lost', async () => {
  const store = awayAtFirst();
  const { buffer, written, said } = started({ maxWaiting: 3, write: store.write });
  for (let i = 0; i < 5; i++) buffer.add(i);
  await store.heard;
  store.comeBack();
  await buffer.close();
  assert.deepEqual(written, [0, 1, 2]);
  assert.ok(said.includes('Numbers lost: 2, because 3 were waiting already'), said.join('\n'));
});

test('batches() says what is lost when the store is away at the end', async () => {
  const { buffer, written, said } = started({
    delayMs: 60_000,
    write: () => {
      throw new Error('it is away');
    },
  });
  buffer.add(1);
  buffer.add(2);
  await buffer.close();
  await buffer.close();
  buffer.add(3);
  assert.deepEqual(written, []);
  assert.deepEqual(said, ['Numbers lost: 2: it is away', 'Numbers lost: 1, because the store is closed']);
});

test('batches() never writes twice at a time', async () => {
  let [busy, worst] = [0, 0];
  const { buffer, written } = started({
    batchSize: 2,
    delayMs: 0,
    async write() {
      worst = Math.max(worst, ++busy);
      await new Promise((resolve) => setImmediate(resolve));
      busy--;
    },
  });
  for (let i = 0; i < 20; i++) {
    buffer.add(i);
    if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await buffer.close();
  assert.deepEqual([worst, written.length], [1, 20]);
});
