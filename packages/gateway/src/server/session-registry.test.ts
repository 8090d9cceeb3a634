import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, test } from 'node:test';
import { until } from '../../test/until.ts';
import { RevocationList } from '../auth/revocation-list.ts';
import { type Session, startSession } from '../auth/session.ts';
import { successorIn } from '../ports/revocations.ts';
import type { SessionStore } from '../ports/session-store.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { sqliteRevocations } from '../stores/revocations-sqlite.ts';
import { sqliteSessionStore } from '../stores/session-store-sqlite.ts';
import { KeyRing, newMasterKey } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import { issuedOf } from './live.ts';
import { StoredRegistry } from './session-registry.ts';
import { stateTables } from './state-tables.ts';

const hour = 3_600_000;
let now: number;
let database: DatabaseSync;
let real: SessionStore;
let down: boolean;
let revocations: RevocationList;
let registry: StoredRegistry;
let trouble: string[];

/** The real store, which may be down. */
const breakable = (store: SessionStore): SessionStore => {
  const guarded = <Args extends readonly unknown[], T>(work: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      if (down) throw new StoreUnavailable('the store is down');
      return work(...args);
    };
  };
  return {
    put: guarded((session) => store.put(session)),
    get: guarded((id) => store.get(id)),
    update: guarded((id, change) => store.update(id, change)),
    touch: guarded((seen) => store.touch(seen)),
    list: guarded((query) => store.list(query)),
    remove: guarded((ids) => store.remove(ids)),
    close: () => {},
  };
};

const aSession = (): Session =>
  startSession(
    {
      subject: 'S-1-5-21-1-2-3-500',
      account: 'CORP\\alice',
      upn: 'alice@corp.example',
      name: undefined,
      email: undefined,
      sids: [],
      groups: ['desk'],
      method: 'password',
      authenticatedAt: now,
      expiresAt: now + 8 * hour,
    },
    now,
    { provider: 'password' },
  );
const place = { address: '10.1.2.3', device: 'Chrome on Windows', app: 'desk' };
const body = Buffer.from('a body');
const listed = async () => (await real.list()).sessions;

beforeEach(async () => {
  now = Date.UTC(2026, 10, 22);
  down = false;
  trouble = [];
  database = new DatabaseSync(':memory:');
  for (const tables of stateTables) database.exec(tables);
  real = sqliteSessionStore(database, () => now);
  const say = (message: string): void => void trouble.push(message);
  const list = sqliteRevocations(database, () => now);
  revocations = new RevocationList({ store: list, now: () => now, onTrouble: say, onRecovery: say });
  await revocations.whenReady(5_000);
  registry = new StoredRegistry({
    store: breakable(real),
    revocations,
    bodies: sealer(new KeyRing([newMasterKey(0)]), 'session-body'),
    everyMs: 5,
    onTrouble: say,
  });
});
afterEach(async () => {
  await registry.close();
  await revocations.close();
  database.close();
  assert.deepEqual(trouble, []);
});

test('StoredRegistry notes who has signed in, where and by what', async () => {
  const session = aSession();
  await registry.begun(session, place, undefined);
  assert.deepEqual(await listed(), [
    {
      id: session.id,
      subject: 'S-1-5-21-1-2-3-500',
      account: 'CORP\\alice',
      upn: 'alice@corp.example',
      method: 'password',
      provider: 'password',
      providerSession: undefined,
      ...place,
      since: now,
      lastSeen: now,
      expiresAt: now + 8 * hour,
    },
  ]);
  assert.equal(await registry.body(session.id), undefined);
});

test('StoredRegistry gives back a body, and the store cannot read it', async () => {
  const session = aSession();
  await registry.begun(session, place, body);
  assert.deepEqual(await registry.body(session.id), body);
  const kept = Buffer.from((await real.get(session.id))?.body ?? []);
  assert.ok(kept.length > body.length && !kept.includes(body));
});

test('StoredRegistry lets a session begin while the store is down when it needs no body there, and no other', async () => {
  down = true;
  await registry.begun(aSession(), place, undefined);
  await assert.rejects(registry.begun(aSession(), place, body), StoreUnavailable);
  await assert.rejects(registry.body('x'), StoreUnavailable);
});

test('StoredRegistry writes some time later when sessions were used', async () => {
  const session = aSession();
  await registry.begun(session, place, undefined);
  registry.seen(session, now + 60_000, true);
  await until(async () => (await listed())[0]?.lastSeen === now + 60_000, 'the use to be written');
});

test('StoredRegistry writes at the end what waits', async () => {
  const session = aSession();
  await registry.begun(session, place, undefined);
  registry.seen(session, now + 60_000, true);
  await registry.close();
  assert.equal((await listed())[0]?.lastSeen, now + 60_000);
});

test('StoredRegistry lists again who is signed in after the store has lost its memory', async () => {
  const [whole, referred] = [aSession(), aSession()];
  registry.seen(whole, now + 1, true);
  registry.seen(referred, now + 1, false); // its body has gone, and it with that
  await until(async () => (await listed()).length > 0, 'the session to be listed');
  await registry.close();
  assert.deepEqual(
    (await listed()).map(({ id, account, address, lastSeen }) => [id, account, address, lastSeen]),
    [[whole.id, 'CORP\\alice', '', now + 1]],
  );
});

test('StoredRegistry does not list again what was revoked elsewhere and taken out of the store', async () => {
  const session = aSession();
  await registry.begun(session, place, undefined);
  const elsewhere = sqliteRevocations(database, () => now);
  const entry = {
    kind: 'session',
    key: session.id,
    before: now + 1,
    until: now + hour,
    reason: 'administrator',
  } as const;
  await elsewhere.add([entry]);
  await real.remove([session.id]);
  registry.seen(session, now + 1, true);
  await registry.close();
  assert.deepEqual(await listed(), []);
});

test('StoredRegistry ends a session: it is revoked until its end, and its row is gone', async () => {
  const session = aSession();
  await registry.begun(session, place, body);
  await registry.ended({ id: session.id, expiresAt: session.identity.expiresAt }, 'signed-out');
  assert.ok(revocations.isRevoked(issuedOf(session)));
  await until(async () => (await listed()).length === 0, 'the row to go');
  const { until: end, reason } = database.prepare('SELECT until, reason FROM revocation').get() ?? {};
  assert.ok(Number(end) >= session.identity.expiresAt && Number(end) < session.identity.expiresAt + hour);
  assert.equal(reason, 'signed-out');
});

test('StoredRegistry removes the row of a session that ended while the store was down, as soon as it can', async () => {
  const session = aSession();
  await registry.begun(session, place, body);
  registry.seen(session, now + 1, true);
  down = true;
  await registry.ended({ id: session.id, expiresAt: session.identity.expiresAt }, 'signed-out');
  assert.equal((await listed()).length, 1);
  down = false;
  await until(async () => (await listed()).length === 0, 'the row to go');
  await registry.close();
  assert.deepEqual(await listed(), []);
});

test('StoredRegistry keeps the session that takes the place of another one before it says which', async () => {
  const [old, next] = [aSession(), aSession()];
  const body = new Uint8Array([1, 2, 3]);
  const heard = new Promise<string | undefined>((resolve) => {
    revocations.onRevoked(([entry]) => resolve(entry && successorIn(entry.reason)));
  });
  registry.replaced({ id: old.id, expiresAt: old.identity.expiresAt }, { session: next, body });
  assert.equal(await heard, next.id);
  assert.deepEqual(await registry.body(next.id).then((found) => found && [...found]), [...body]);
  assert.equal(revocations.isRevoked(issuedOf(old)), true);
  assert.equal(revocations.isRevoked(issuedOf(next)), false);
});

test('StoredRegistry ends what was replaced also while the store is down', async () => {
  const [old, next] = [aSession(), aSession()];
  down = true;
  registry.replaced({ id: old.id, expiresAt: old.identity.expiresAt }, { session: next, body: new Uint8Array([1]) });
  await until(() => revocations.isRevoked(issuedOf(old)), 'the end of the old session');
});

test('StoredRegistry ends what was replaced without anybody waiting for it', () => {
  const session = aSession();
  registry.replaced({ id: session.id, expiresAt: session.identity.expiresAt });
  assert.ok(revocations.isRevoked(issuedOf(session)));
});

test('StoredRegistry keeps the body of a session that has changed, known to the store or not', async () => {
  const [known, unknown] = [aSession(), aSession()];
  await registry.begun(known, place, Buffer.from('as it was'));
  for (const session of [known, unknown]) {
    assert.equal(await registry.changed(session, body), true);
    assert.deepEqual(await registry.body(session.id), body);
  }
  assert.equal((await listed()).find(({ id }) => id === known.id)?.device, place.device);
});

test('StoredRegistry keeps no body of a session that has been revoked, or while the store is down, and says so', async () => {
  const session = aSession();
  down = true;
  assert.equal(await registry.changed(session, body), false);
  down = false;
  await revocations.revoke({ kind: 'person', key: 'corp\\alice', reason: 'administrator' });
  assert.equal(await registry.changed(session, body), false);
  assert.deepEqual(await listed(), []);
});
