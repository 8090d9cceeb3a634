import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { SessionBounds, SessionStore, StoredSession } from '../ports/session-store.ts';

/** A session of alice's that begins at 1,000 and ends at 100,000. */
export const aSession = (id: string, change: Partial<StoredSession> = {}): StoredSession => ({
  id,
  subject: 'S-1-5-21-1-2-3-1104',
  account: 'CORP\\alice',
  upn: 'alice@corp.example',
  method: 'negotiate',
  provider: undefined,
  providerSession: undefined,
  address: '10.1.2.3',
  device: 'Chrome on Windows',
  app: 'desk',
  since: 1_000,
  lastSeen: 1_000,
  expiresAt: 100_000,
  body: undefined,
  refresh: undefined,
  ...change,
});

const bob = { subject: 'password:bob', account: 'bob', upn: undefined, method: 'password' };
const idsOf = async (store: SessionStore, person?: string): Promise<readonly string[]> =>
  (await store.list({ person })).sessions.map(({ id }) => id);

/** What every session store must do. `open` gives a fresh one on the given clock. */
export function sessionStoreContract(
  name: string,
  open: (now: () => number, bounds?: SessionBounds) => SessionStore,
  options: { readonly skip?: string | false } = {},
): void {
  suite(`${name} session store`, options, () => {
    test('get() gives back everything that was put, bytes included', async () => {
      const store = open(() => 0);
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const all = { provider: 'entra', providerSession: 'a|b\n"c', body: bytes, refresh: Uint8Array.of(0, 255) };
      await store.put(aSession('a', all));
      const found = await store.get('a');
      assert.deepEqual(
        { ...found, body: Buffer.from(found?.body ?? []), refresh: Buffer.from(found?.refresh ?? []) },
        { ...aSession('a', all), body: Buffer.from(bytes), refresh: Buffer.of(0, 255) },
      );
      await store.close();
    });

    test('get() gives nothing back that was not there: no body, no UPN', async () => {
      const store = open(() => 0);
      await store.put(aSession('a', { upn: undefined, app: undefined }));
      assert.deepEqual(await store.get('a'), aSession('a', { upn: undefined, app: undefined }));
      assert.equal(await store.get('b'), undefined);
      await store.close();
    });

    test('put() replaces a session with the same id, and finds it under the new name only', async () => {
      const store = open(() => 0);
      await store.put(aSession('a', { body: Uint8Array.of(1) }));
      await store.put(aSession('a', { ...bob, since: 2_000 }));
      assert.equal((await store.get('a'))?.body, undefined);
      assert.deepEqual(
        [await idsOf(store, 'alice'), await idsOf(store, 'bob'), await idsOf(store)],
        [[], ['a'], ['a']],
      );
      await store.close();
    });

    test('get() and list() know nothing of a session that has ended', async () => {
      let now = 0;
      const store = open(() => now);
      await store.put(aSession('a'));
      now = 99_999;
      assert.equal((await store.get('a'))?.id, 'a');
      now = 100_000;
      assert.equal(await store.get('a'), undefined);
      assert.deepEqual(await idsOf(store), []);
      assert.deepEqual(await idsOf(store, 'alice'), []);
      await store.close();
    });

    test('update() changes what is given and leaves the rest', async () => {
      const store = open(() => 0);
      await store.put(aSession('a', { body: Uint8Array.of(1), refresh: Uint8Array.of(2) }));
      assert.equal(await store.update('a', { refresh: Uint8Array.of(3) }), true);
      const { body, refresh } = (await store.get('a')) ?? {};
      assert.deepEqual([Buffer.from(body ?? []), Buffer.from(refresh ?? [])], [Buffer.of(1), Buffer.of(3)]);
      await store.close();
    });

    test('update() does not bring back a session that was removed or has ended', async () => {
      let now = 0;
      const store = open(() => now);
      await store.put(aSession('a'));
      await store.put(aSession('b'));
      await store.remove(['a']);
      assert.equal(await store.update('a', { body: Uint8Array.of(1) }), false);
      assert.equal(await store.get('a'), undefined);
      now = 100_000;
      assert.equal(await store.update('b', { body: Uint8Array.of(1) }), false);
      await store.close();
    });

    test('touch() notes many at once, never backwards, and names those that are unknown', async () => {
      const store = open(() => 0);
      const ids = Array.from({ length: 1_200 }, (_, i) => `id ${i}`);
      for (const id of ids) await store.put(aSession(id, { subject: id }));
      const seen = ids.map((id, i) => ({ id, lastSeen: 2_000 + i }));
      assert.deepEqual(await store.touch([...seen, { id: 'nobody', lastSeen: 5_000 }]), ['nobody']);
      assert.deepEqual(await store.touch([{ id: 'id 7', lastSeen: 1 }]), []);
      assert.equal((await store.get('id 7'))?.lastSeen, 2_007);
      assert.equal((await store.get('id 1199'))?.lastSeen, 3_199);
      assert.equal(await store.get('nobody'), undefined);
      await store.close();
    });

    test('list() gives the newest first, a page at a time, whatever comes and goes in between', async () => {
      const store = open(() => 0);
      // Ten each millisecond: the moment alone would not tell them apart.
      for (let i = 0; i < 50; i++)
        await store.put(aSession(`s${String(i).padStart(2, '0')}`, { since: 1_000 + Math.floor(i / 10) }));
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await store.list({ limit: 7, after });
        seen.push(...page.sessions.map(({ id }) => id));
        after = page.next;
        if (seen.length === 14) {
          await store.put(aSession('new', { since: 9_000 }));
          await store.remove(['s49', 's20']);
        }
      } while (after !== undefined);
      const expected = Array.from({ length: 50 }, (_, i) => `s${String(49 - i).padStart(2, '0')}`);
      assert.deepEqual(
        seen,
        expected.filter((id) => id !== 's20'),
      );
      await store.close();
    });

    test('list() says that there is no further page when a page ends with the last one', async () => {
      const store = open(() => 0);
      for (const id of ['a', 'b']) await store.put(aSession(id));
      assert.equal((await store.list({ limit: 2 })).next, undefined);
      assert.notEqual((await store.list({ limit: 1 })).next, undefined);
      await store.close();
    });

    test('list() gives no body and no refresh token', async () => {
      const store = open(() => 0);
      await store.put(aSession('a', { body: Uint8Array.of(1), refresh: Uint8Array.of(2) }));
      const [session] = (await store.list()).sessions;
      assert.ok(session !== undefined && !('body' in session) && !('refresh' in session));
      await store.close();
    });

    for (const person of [
      'CORP\\alice',
      'corp\\ALICE',
      'alice@corp.example',
      'ALICE@corp.example',
      'alice',
      'Alice',
      's-1-5-21-1-2-3-1104',
    ])
      test(`list() finds alice as ${person}`, async () => {
        const store = open(() => 0);
        await store.put(aSession('a'));
        await store.put(aSession('b', bob));
        assert.deepEqual(await idsOf(store, person), ['a']);
        await store.close();
      });

    for (const person of ['corp', 'alic', 'alice2', 'CORP\\bob', '', '%', '*', 'corp.example'])
      test(`list() does not find alice as ${JSON.stringify(person)}`, async () => {
        const store = open(() => 0);
        await store.put(aSession('a'));
        assert.deepEqual(await idsOf(store, person), []);
        await store.close();
      });

    test('remove() takes several, says how many were there, and leaves the others', async () => {
      const store = open(() => 0);
      for (const id of ['a', 'b', 'c']) await store.put(aSession(id));
      assert.equal(await store.remove(['a', 'c', 'd']), 2);
      assert.equal(await store.remove([]), 0);
      assert.deepEqual([await idsOf(store), await idsOf(store, 'alice')], [['b'], ['b']]);
      await store.close();
    });

    test('put() keeps so many sessions of one person: those never used again go first, then those unused for longest', async () => {
      const store = open(() => 0, { perPerson: 3 });
      await store.put(aSession('used', { since: 1, lastSeen: 5 }));
      await store.put(aSession('used later', { since: 2, lastSeen: 6 }));
      await store.put(aSession('unused', { since: 900, lastSeen: 900 }));
      await store.put(aSession('first', { since: 1_000 }));
      assert.deepEqual(await idsOf(store, 'alice'), ['first', 'used later', 'used']);
      await store.touch([{ id: 'first', lastSeen: 2_000 }]);
      await store.put(aSession('second', { since: 1_001 }));
      assert.deepEqual(await idsOf(store), ['second', 'first', 'used later']);
      await store.put(aSession('another', bob));
      assert.equal((await idsOf(store)).length, 4);
      await store.close();
    });

    test('put() keeps so many sessions in all: the oldest go first', async () => {
      const store = open(() => 0, { total: 100 });
      for (let i = 0; i < 300; i++) await store.put(aSession(`s${i}`, { subject: `p${i}`, since: 1_000 + i }));
      const ids = await idsOf(store);
      assert.ok(ids.length >= 100 && ids.length < 170, `${ids.length}`);
      assert.equal(ids[0], 's299');
      assert.ok(!ids.includes('s0'));
      await store.close();
    });
  });
}
