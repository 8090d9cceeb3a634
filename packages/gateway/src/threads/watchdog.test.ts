import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watch } from './watchdog.ts';

const times = { everyMs: 1, patienceMs: 30_000, lastChanceMs: 5_000 };

/** A thread that answers as the list says, and afterwards always; tells when it was found hanging or was asked so often. */
function watched(answers: readonly boolean[]) {
  const limits: number[] = [];
  const done = Promise.withResolvers<string>();
  const stop = watch(
    {
      ask: async (limitMs) => {
        const answer = answers[limits.push(limitMs) - 1] ?? true;
        if (limits.length > answers.length + 2) done.resolve('alive');
        if (!answer) throw new Error('no answer');
      },
      onHang: () => done.resolve('hangs'),
    },
    times,
  );
  return { done: done.promise, stop, limits };
}

test('watch() goes on asking a thread that answers', async () => {
  const { done, stop } = watched([true, true]);
  assert.equal(await done, 'alive');
  stop();
});

test('watch() asks a thread that was late once more, briefly, before it counts as hanging', async () => {
  const { done, stop, limits } = watched([true, false, true]);
  assert.equal(await done, 'alive');
  assert.deepEqual(limits.slice(0, 4), [30_000, 30_000, 5_000, 30_000]);
  stop();
});

test('watch() reports a thread that answers neither time, once', async () => {
  const { done, limits } = watched([false, false]);
  assert.equal(await done, 'hangs');
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(limits.length, 2);
});

test('watch() reports nothing after its end, also when a question was under way', async () => {
  const answer = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const stop = watch(
    {
      ask: () => {
        asked.resolve();
        return answer.promise;
      },
      onHang: () => assert.fail(),
    },
    times,
  );
  await asked.promise;
  stop();
  answer.reject(new Error('no answer'));
  await new Promise((resolve) => setTimeout(resolve, 10));
});
