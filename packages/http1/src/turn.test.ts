import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turn } from './turn.ts';

const turnOver = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('Turn writes all that has been added at the end of the turn, in order and once', async () => {
  const turn = new Turn();
  const written: number[] = [];
  for (const n of [1, 2, 3]) turn.add({ write: () => written.push(n) });
  await Promise.resolve();
  assert.deepEqual(written, []);
  await turnOver();
  assert.deepEqual(written, [1, 2, 3]);
  await turnOver();
  assert.deepEqual(written, [1, 2, 3]);
});

test('Turn writes what is added while it writes at the end of the next turn', async () => {
  const turn = new Turn();
  const written: string[] = [];
  const second = { write: () => written.push('second') };
  turn.add({
    write() {
      written.push('first');
      turn.add(second);
    },
  });
  await turnOver();
  assert.deepEqual(written, ['first']);
  await turnOver();
  assert.deepEqual(written, ['first', 'second']);
});
