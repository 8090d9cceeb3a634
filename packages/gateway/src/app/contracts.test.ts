import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { RevocationList } from '../auth/revocation-list.ts';
import type { AuditEvent } from '../core/audit-event.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { UsageRecord } from '../ports/usage.ts';
import { stateTables } from '../server/state-tables.ts';
import { sqliteApiKeys } from '../stores/api-keys-sqlite.ts';
import { memoryLimiter } from '../stores/limiter-memory.ts';
import { aSession } from '../stores/session-store.contract.ts';
import { aRecord } from '../stores/usage.contract.ts';
import { openSharedStores } from '../stores/shared-state.ts';
import { Channel } from '../threads/channel.ts';
import { offerShared, sharedOver } from './contracts.ts';
import type { Shared } from './process-parts.ts';

/** The parts of the main thread, and the same as another thread sees them. */
function twoSides(t: TestContext, change: (shared: Shared) => Shared = (shared) => shared) {
  const database = new DatabaseSync(':memory:');
  for (const tables of stateTables) database.exec(tables);
  const stores = openSharedStores({ redis: undefined, sessionStore: 'cookie' }, database, Date.now, assert.fail);
  const audit: AuditEvent[] = [];
  const usage: UsageRecord[] = [];
  const { port1, port2 } = new MessageChannel();
  const main = new Channel(port1);
  const thread = new Channel(port2);
  offerShared(
    main,
    change({
      ...stores,
      replays: stores.claims,
      apiKeys: sqliteApiKeys(database),
      limiter: memoryLimiter(Date.now),
      passwords: undefined,
      changes: { outdated: async () => {} },
      audit: { write: (event) => void audit.push(event), close: async () => {} },
      usage: { record: (record) => void usage.push(record), close: async () => {} },
    }),
  );
  t.after(() => {
    port1.close();
    database.close();
  });
  return { database, main, thread, usage, shared: sharedOver(thread, assert.fail) };
}

test('sharedOver() gives a thread the sessions, the claims and the revocations of the process', async (t) => {
  const { shared } = twoSides(t);
  const end = Date.now() + 60_000;
  const session = aSession('a', { expiresAt: end, since: end - 60_000, body: Uint8Array.of(1, 2, 3) });
  await shared.sessions.put(session);
  assert.deepEqual((await shared.sessions.get('a'))?.body, Uint8Array.of(1, 2, 3));
  assert.deepEqual([await shared.replays.claim('k', end), await shared.replays.claim('k', end)], [true, false]);
  const list = new RevocationList({
    store: shared.revocations,
    now: Date.now,
    onTrouble: assert.fail,
    onRecovery: assert.fail,
  });
  await list.whenReady(5_000);
  assert.equal(await list.revoke({ kind: 'session', key: 'a', reason: 'signed-out' }), 'shared');
  assert.equal((await shared.revocations.changes(undefined)).entries.length, 1);
  await list.close();
});

test('sharedOver() lets a thread say whose groups are others now, and waits until the others know', async (t) => {
  const told: unknown[] = [];
  const known = Promise.withResolvers<void>();
  const { shared } = twoSides(t, (parts) => ({
    ...parts,
    changes: {
      outdated: (...what) => {
        told.push(what);
        return known.promise;
      },
    },
  }));
  let done = false;
  const saying = shared.changes.outdated('alice', 7).then(() => (done = true));
  await shared.replays.claim('k', Date.now() + 60_000);
  assert.deepEqual([told, done], [[['alice', 7]], false]);
  known.resolve();
  await saying;
});

test('sharedOver() tells a store that is down by the same error as the process itself', async (t) => {
  const { database, shared } = twoSides(t);
  database.exec('DROP TABLE session');
  await assert.rejects(shared.sessions.get('a'), StoreUnavailable);
});

test('sharedOver() calls the stores unavailable once the main thread has ended', async (t) => {
  const { thread, shared } = twoSides(t);
  const waiting = shared.replays.claim('k', Date.now() + 60_000);
  thread.close('the process ends');
  await assert.rejects(async () => waiting, StoreUnavailable);
  await assert.rejects(async () => shared.revocations.changes(undefined), StoreUnavailable);
});

test('sharedOver() lets threads count for the same limits', async (t) => {
  const { shared } = twoSides(t);
  const checks = [{ key: 'person:alice', concurrent: 1 }];
  const ask = async (lease: string) =>
    shared.limiter.acquire({ app: 'llm', checks, lease, leaseMs: 30_000, tokens: 0 });
  assert.deepEqual([(await ask('a')).granted, (await ask('b')).granted], [true, false]);
  await shared.limiter.release('a', {});
  assert.equal((await ask('b')).granted, true);
});

test('sharedOver() lets requests end once the main thread has, and begins none', async (t) => {
  const { thread, shared } = twoSides(t);
  thread.close('the process ends');
  await shared.limiter.renew(['a'], 30_000);
  await shared.limiter.release('a', {});
  const request = { app: 'llm', checks: [], lease: 'b', leaseMs: 30_000, tokens: 0 };
  await assert.rejects(async () => shared.limiter.acquire(request), StoreUnavailable);
});

test('sharedOver() leaves a fault of ours what it is', async (t) => {
  const { shared } = twoSides(t, (parts) => ({
    ...parts,
    sessions: { ...parts.sessions, get: () => Promise.reject(new TypeError('a bug')) },
  }));
  await assert.rejects(
    shared.sessions.get('a'),
    (error) => error instanceof Error && !(error instanceof StoreUnavailable) && error.name === 'TypeError',
  );
});

test('sharedOver() has handed over every record of usage when the ledger is closed', async (t) => {
  const { shared, usage } = twoSides(t);
  const records = [aRecord(), aRecord({ model: undefined }), aRecord()];
  for (const record of records) shared.usage.record(record);
  await shared.usage.close();
  assert.deepEqual(usage, records);
});
