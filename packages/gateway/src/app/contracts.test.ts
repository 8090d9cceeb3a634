import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { RevocationList } from '../auth/revocation-list.ts';
import type { AuditEvent } from '../core/audit-event.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { stateTables } from '../server/state-tables.ts';
import { sqliteApiKeys } from '../stores/api-keys-sqlite.ts';
import { aSession } from '../stores/session-store.contract.ts';
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
  const { port1, port2 } = new MessageChannel();
  const main = new Channel(port1);
  const thread = new Channel(port2);
  offerShared(
    main,
    change({
      ...stores,
      replays: stores.claims,
      apiKeys: sqliteApiKeys(database),
      passwords: undefined,
      audit: { write: (event) => void audit.push(event), close: async () => {} },
    }),
  );
  t.after(() => {
    port1.close();
    database.close();
  });
  return { database, main, thread, shared: sharedOver(thread, assert.fail) };
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
