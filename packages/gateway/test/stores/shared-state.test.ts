import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { after, suite, test } from 'node:test';
import { until } from '../until.ts';
import { noRedis, startRedis } from '../redis.ts';
import { StoreUnavailable } from '../../src/ports/store-unavailable.ts';
import { replayCacheTables } from '../../src/stores/replay-cache-sqlite.ts';
import { revocationTables } from '../../src/stores/revocations-sqlite.ts';
import { aSession } from '../../src/stores/session-store.contract.ts';
import { sessionTables } from '../../src/stores/session-store-sqlite.ts';
import { openSharedState, type SharedState, type SharedStateConfig } from '../../src/stores/shared-state.ts';

const options = { skip: noRedis };
const open: SharedState[] = [];
after(async () => {
  for (const state of open) await state.close();
});

interface Opened {
  readonly state: SharedState;
  readonly database: DatabaseSync;
  readonly trouble: string[];
}

/** As one thread or replica opens it; with `url`, all of them on that Redis. */
function replica(url?: string, change: Partial<SharedStateConfig> = {}): Opened {
  const database = new DatabaseSync(':memory:');
  database.exec(`PRAGMA foreign_keys = ON; ${replayCacheTables}; ${revocationTables}; ${sessionTables}`);
  const trouble: string[] = [];
  const redis = url === undefined ? undefined : { url, prefix: 'cardea', timeoutMs: 2_000 };
  const state = openSharedState(
    { redis, sessionStore: 'cookie', settleMs: 1_500, ...change },
    database,
    Date.now,
    (message) => trouble.push(message),
  );
  open.push(state);
  return { state, database, trouble };
}

const rows = (database: DatabaseSync, table: string): number =>
  Number(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows']);
const soon = (): { since: number; lastSeen: number; expiresAt: number } => {
  const now = Date.now();
  return { since: now, lastSeen: now, expiresAt: now + 60_000 };
};
const issued = (name: string) => ({ id: name, subject: name, account: name, issuedAt: Date.now() - 1_000 });

/** Puts one of everything in. */
async function fill({ sessions, revocations, claims }: SharedState): Promise<void> {
  await sessions.put(aSession('a', soon()));
  await claims.claim('a', Date.now() + 60_000);
  await revocations.revoke({ kind: 'session', key: 'a', reason: 'x' });
}

test('openSharedState() keeps everything in the database when there is no Redis', async () => {
  const { state, database } = replica();
  assert.equal(await state.revocations.whenReady(1_000), true);
  await fill(state);
  assert.deepEqual(
    ['session', 'replay', 'revocation'].map((table) => rows(database, table)),
    [1, 1, 1],
  );
  assert.equal(state.redis, undefined);
  await state.ping();
});

test('openSharedState() refuses sessions in a Redis that there is not', () => {
  assert.throws(() => replica(undefined, { sessionStore: 'redis' }), /there is none/);
});

suite('openSharedState() with Redis', options, () => {
  test('keeps everything there', async () => {
    const server = await startRedis();
    const { state, database } = replica(server.url, { settleMs: 0 });
    await fill(state);
    assert.deepEqual(
      ['session', 'replay', 'revocation'].map((table) => rows(database, table)),
      [0, 0, 0],
    );
    await state.close();
    await server.close();
  });

  test('keeps the sessions in the database if so configured', async () => {
    const server = await startRedis();
    const { state, database } = replica(server.url, { settleMs: 0, sessionStore: 'sqlite' });
    await fill(state);
    assert.deepEqual(
      ['session', 'replay', 'revocation'].map((table) => rows(database, table)),
      [1, 0, 0],
    );
    await state.close();
    await server.close();
  });

  test('starts closed while Redis is down, and opens by itself when it is there', async () => {
    const server = await startRedis();
    await server.kill();
    const { state, trouble } = replica(server.url, { settleMs: 100 });
    assert.equal(await state.revocations.whenReady(50), false);
    assert.equal(state.revocations.isRevoked(issued('a')), true);
    await assert.rejects(async () => state.claims.claim('a', Date.now() + 60_000), StoreUnavailable);
    await assert.rejects(state.ping(), StoreUnavailable);
    await server.start();
    assert.equal(await state.revocations.whenReady(5_000), true);
    assert.equal(state.revocations.isRevoked(issued('a')), false);
    assert.ok(trouble.length >= 2);
    await state.close();
    await server.close();
  });

  test('ends what another replica revokes within half a second', async () => {
    const server = await startRedis();
    const [one, other] = [replica(server.url, { settleMs: 0 }), replica(server.url, { settleMs: 0 })];
    await Promise.all([one, other].map(({ state }) => state.revocations.whenReady(5_000)));
    for (const name of ['a', 'b', 'c']) {
      await one.state.revocations.revoke({ kind: 'person', key: name, reason: 'x' });
      const started = performance.now();
      await until(() => other.state.revocations.isRevoked(issued(name)), 'the revocation');
      assert.ok(performance.now() - started < 700, 'a moment more, on a busy machine');
    }
    await one.state.close();
    await other.state.close();
    await server.close();
  });

  test('keeps nobody out and lets nobody in while Redis is killed under load and restarted empty', async () => {
    const server = await startRedis();
    const replicas = [replica(server.url), replica(server.url), replica(server.url)];
    const lists = replicas.map(({ state }) => state.revocations);
    for (const list of lists) assert.equal(await list.whenReady(5_000), true);
    const [first, second, third] = lists;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const revoked: string[] = [];
    const revoke = async (list: typeof first, name: string): Promise<string> => {
      const result = await list.revoke({ kind: 'session', key: name, reason: 'x' });
      revoked.push(name);
      return result;
    };
    for (let i = 0; i < 50; i++) await revoke(first, `before ${i}`);
    await until(() => lists.every((list) => list.size === 50), 'all copies');

    // The load: everybody asks all the time, and somebody signs in, uses and ends sessions.
    const faults: string[] = [];
    const known = [...revoked];
    const load = { going: true };
    let refused = 0;
    const running = replicas.map(async ({ state }, r) => {
      for (let i = 0; load.going; i++) {
        for (const name of known) if (!state.revocations.isRevoked(issued(name))) faults.push(`${name} was let in`);
        if (state.revocations.isRevoked(issued('good'))) faults.push('good was kept out');
        await state.sessions.put(aSession(`s${r} ${i}`, soon())).catch(() => refused++);
        await state.sessions.touch([{ id: `s${r} ${i}`, lastSeen: Date.now() }]).catch(() => refused++);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });

    await server.kill();
    assert.equal(await revoke(second, 'during'), 'pending');
    await until(() => refused > 10, 'refusals');
    await server.start();
    const late = replica(server.url); // comes up on the empty Redis
    assert.equal(await late.state.revocations.whenReady(10_000), true);
    for (const name of revoked) if (!late.state.revocations.isRevoked(issued(name))) faults.push(`late: ${name}`);
    await until(() => lists.every((list) => list.size === 51), 'all copies');
    await revoke(third, 'afterwards');
    await until(() => [...lists, late.state.revocations].every((list) => list.size === 52), 'all copies');
    load.going = false;
    await Promise.all(running);
    assert.deepEqual(faults.slice(0, 5), []);
    for (const { state } of [...replicas, late]) await state.close();
    await server.close();
  });
});
