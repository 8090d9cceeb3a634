import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turnstile } from './turnstile.ts';

/** Work that ends when told to. */
function gate(): { readonly work: () => Promise<string>; end(): void; started(): boolean } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let started = false;
  return {
    work: () => {
      started = true;
      return promise;
    },
    end: () => resolve('done'),
    started: () => started,
  };
}

test('Turnstile lets no more in than its width, and the next one when somebody leaves', async () => {
  const turnstile = new Turnstile(1, 10);
  const [first, second] = [gate(), gate()];
  const one = turnstile.run(first.work);
  const two = turnstile.run(second.work);
  assert.deepEqual([first.started(), second.started()], [true, false]);
  first.end();
  assert.deepEqual(await one, { value: 'done' });
  second.end();
  assert.deepEqual(await two, { value: 'done' });
});

test('Turnstile turns away whoever finds the queue full', async () => {
  const turnstile = new Turnstile(1, 1);
  const [first, second, third] = [gate(), gate(), gate()];
  const one = turnstile.run(first.work);
  const two = turnstile.run(second.work);
  assert.equal(await turnstile.run(third.work), undefined);
  assert.equal(third.started(), false);
  first.end();
  second.end();
  await Promise.all([one, two]);
});

test('Turnstile lets nobody slip in when a place goes to the next in the queue', async () => {
  const turnstile = new Turnstile(1, 10);
  const [first, second, third] = [gate(), gate(), gate()];
  const one = turnstile.run(first.work);
  const two = turnstile.run(second.work);
  first.end();
  await one;
  const three = turnstile.run(third.work);
  assert.deepEqual([second.started(), third.started()], [true, false]);
  second.end();
  third.end();
  await Promise.all([two, three]);
});

test('Turnstile frees the place of work that failed', async () => {
  const turnstile = new Turnstile(1, 1);
  await assert.rejects(
    turnstile.run(() => Promise.reject(new Error('no memory'))),
    /no memory/,
  );
  assert.deepEqual(await turnstile.run(async () => 'next'), { value: 'next' });
});

test('Turnstile never has more inside than its width while many come and go', async () => {
  const turnstile = new Turnstile(3, 1_000);
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise(setImmediate);
    inside--;
  };
  await Promise.all(Array.from({ length: 100 }, () => turnstile.run(work)));
  assert.equal(most, 3);
});
