import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { LocalFallback } from './local-fallback.ts';

/** A store that is up or down, and what is said of it. */
function stage(patienceMs: number) {
  const store = { up: true, knows: true };
  const said: string[] = [];
  const told = Promise.withResolvers<void>();
  const answer = async (works: boolean): Promise<void> => {
    if (!works) throw new StoreUnavailable('down');
  };
  const fallback = new LocalFallback({
    patienceMs,
    ping: () => answer(store.up),
    catchUp: () => answer(store.knows),
    onUnshared: () => said.push('unshared'),
    onShared: () => {
      said.push('shared');
      told.resolve();
    },
  });
  const ask = () =>
    fallback.run(
      async () => {
        await answer(store.up && store.knows);
        return 'shared';
      },
      () => 'alone',
    );
  return { store, said, fallback, ask, told: told.promise };
}

test('LocalFallback waits for an outage that is over soon, without an alarm', async () => {
  const { store, said, ask } = stage(60_000);
  store.up = false;
  const waiting = [ask(), ask()];
  setImmediate(() => (store.up = true));
  assert.deepEqual(await Promise.all([...waiting, ask()]), ['shared', 'shared', 'shared']);
  assert.deepEqual(said, []);
});

test('LocalFallback gives up a store that stays away, and takes it again when it knows everything', async () => {
  const { store, said, ask, told } = stage(20);
  store.up = false;
  store.knows = false;
  assert.deepEqual([await ask(), await ask()], ['alone', 'alone']);
  store.up = true;
  assert.equal(await ask(), 'alone');
  store.knows = true;
  await told;
  assert.equal(await ask(), 'shared');
  assert.deepEqual(said, ['unshared', 'shared']);
});

test('LocalFallback does what could wait after the outage, and says that it is for the second time', async () => {
  const { store, fallback } = stage(60_000);
  const done: boolean[] = [];
  store.up = false;
  const later = fallback.later(async (again) => {
    done.push(again);
    if (!store.up) throw new StoreUnavailable('down');
  });
  setImmediate(() => (store.up = true));
  await later;
  assert.deepEqual(done, [false, true]);
});

test('LocalFallback throws a fault of ours as it is', async () => {
  const { fallback } = stage(20);
  const fault = async (): Promise<never> => {
    throw new TypeError('a bug');
  };
  await assert.rejects(fallback.run(fault, assert.fail), TypeError);
});

test('LocalFallback lets nobody wait once it is closed', async () => {
  const { store, fallback, ask } = stage(60_000);
  store.up = false;
  const waiting = ask();
  await new Promise((resolve) => setImmediate(resolve));
  fallback.close();
  assert.equal(await waiting, 'alone');
});
