import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Revocation, Revocations } from '../ports/revocations.ts';

export const aRevocation = (key: string, change: Partial<Revocation> = {}): Revocation => ({
  kind: 'person',
  key,
  before: 1_000,
  until: 100_000,
  reason: 'administrator',
  ...change,
});

/** Everything that is new since `cursor`, page by page. */
export async function allChanges(
  store: Revocations,
  cursor?: string,
): Promise<{ readonly entries: readonly Revocation[]; readonly cursor: string; readonly startedOver: boolean }> {
  const entries: Revocation[] = [];
  let next = cursor;
  let startedOver = false;
  for (;;) {
    const changes = await store.changes(next);
    entries.push(...changes.entries);
    startedOver ||= changes.startedOver;
    next = changes.cursor;
    if (!changes.more) return { entries, cursor: next, startedOver };
  }
}

/** What every shared list of revocations must do. `open` gives a fresh one on the given clock. */
export function revocationsContract(
  name: string,
  open: (now: () => number) => Revocations,
  options: { readonly skip?: string | false } = {},
): void {
  suite(`${name} revocations`, options, () => {
    test('changes() gives everything in full without a cursor', async () => {
      const store = open(() => 0);
      const entries: readonly Revocation[] = [
        aRevocation('corp\\alice'),
        aRevocation('https://idp.example|a b', { kind: 'provider-session', reason: 'two words\nand a line' }),
        aRevocation('', { kind: 'everybody', before: 1_732_280_000_123, until: 9_732_280_000_123 }),
        aRevocation('größe ß', { kind: 'session', reason: '' }),
        aRevocation('ab12', { kind: 'api-key' }),
      ];
      await store.add(entries);
      assert.deepEqual((await allChanges(store)).entries, entries);
      await store.close();
    });

    test('changes() gives with a cursor only what is newer, and nothing twice', async () => {
      const store = open(() => 0);
      const empty = await allChanges(store);
      assert.deepEqual([empty.entries, empty.startedOver], [[], true]);
      await store.add([aRevocation('a')]);
      const first = await allChanges(store, empty.cursor);
      assert.deepEqual([first.entries.map(({ key }) => key), first.startedOver], [['a'], false]);
      assert.deepEqual((await allChanges(store, first.cursor)).entries, []);
      await store.add([aRevocation('b'), aRevocation('c')]);
      assert.deepEqual(
        (await allChanges(store, first.cursor)).entries.map(({ key }) => key),
        ['b', 'c'],
      );
      await store.close();
    });

    test('changes() goes through thousands of entries page by page', async () => {
      const store = open(() => 0);
      const keys = Array.from({ length: 2_500 }, (_, i) => `key ${i}`);
      await store.add(keys.map((key) => aRevocation(key)));
      const { entries, cursor } = await allChanges(store);
      assert.deepEqual(
        entries.map(({ key }) => key),
        keys,
      );
      assert.deepEqual((await allChanges(store, cursor)).entries, []);
      await store.close();
    });

    test('add() widens what is known, and tells of it', async () => {
      const store = open(() => 0);
      await store.add([aRevocation('a'), aRevocation('b')]);
      const { cursor } = await allChanges(store);
      await store.add([aRevocation('a', { before: 2_000, until: 50_000, reason: 'later' })]);
      assert.deepEqual((await allChanges(store, cursor)).entries, [
        aRevocation('a', { before: 2_000, until: 100_000, reason: 'later' }),
      ]);
      assert.equal((await allChanges(store)).entries.length, 2);
      await store.close();
    });

    test('add() narrows nothing, and tells nothing when there is nothing new', async () => {
      const store = open(() => 0);
      await store.add([aRevocation('a')]);
      const { cursor } = await allChanges(store);
      await store.add([aRevocation('a', { before: 500 }), aRevocation('a', { until: 5_000 }), aRevocation('a')]);
      assert.deepEqual((await allChanges(store, cursor)).entries, []);
      assert.deepEqual((await allChanges(store)).entries, [aRevocation('a')]);
      await store.add([aRevocation('a', { before: 500, until: 200_000, reason: 'older' })]);
      assert.deepEqual((await allChanges(store)).entries, [aRevocation('a', { until: 200_000 })]);
      await store.close();
    });

    test('add() keeps kinds, and keys that look alike, apart', async () => {
      const store = open(() => 0);
      const entries = [
        aRevocation('a'),
        aRevocation('A'),
        aRevocation('a '),
        aRevocation('a', { kind: 'session' }),
        aRevocation('session a'),
      ];
      await store.add(entries);
      assert.equal((await allChanges(store)).entries.length, entries.length);
      await store.close();
    });

    test('add() sweeps what may be forgotten, and nothing else', async () => {
      let now = 0;
      const store = open(() => now);
      await store.add([aRevocation('old', { until: 10 }), aRevocation('live', { until: 11 })]);
      const { cursor } = await allChanges(store);
      now = 10;
      await store.add([aRevocation('new')]);
      assert.deepEqual(
        (await allChanges(store)).entries.map(({ key }) => key),
        ['live', 'new'],
      );
      // What was swept was the newest entry but one: the numbers must go on all the same.
      assert.deepEqual(
        (await allChanges(store, cursor)).entries.map(({ key }) => key),
        ['new'],
      );
      await store.close();
    });

    test('changes() gives what is added after everything has been swept', async () => {
      let now = 0;
      const store = open(() => now);
      await store.add([aRevocation('a', { until: 10 }), aRevocation('b', { until: 10 })]);
      const { cursor } = await allChanges(store);
      now = 10;
      await store.add([aRevocation('b', { before: 2_000, until: 10 })]); // swept with the others
      assert.deepEqual((await allChanges(store)).entries, []);
      await store.add([aRevocation('c')]);
      assert.deepEqual(
        (await allChanges(store, cursor)).entries.map(({ key }) => key),
        ['c'],
      );
      await store.close();
    });
  });
}
