import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { until } from '../../test/until.ts';
import { RevocationList } from '../auth/revocation-list.ts';
import type { StoredSession } from '../ports/session-store.ts';
import { aSession } from '../stores/session-store.contract.ts';
import { openSharedStores, type SharedStores } from '../stores/shared-state.ts';
import type { Terminal } from './command.ts';
import { makePlace, type Ran, runIn } from './testing.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-sessions-cli-'));
after(() => rmSync(root, { recursive: true }));
const start = Date.UTC(2026, 10, 22, 9, 30);
const now = (): number => start + 3_600_000;

const alice = (id: string, change: Partial<StoredSession> = {}): StoredSession =>
  aSession(id, { since: start, lastSeen: start + 60_000, expiresAt: start + 28_800_000, ...change });
const bob = { subject: 'password:bob', account: 'bob', upn: undefined, method: 'password', device: 'Firefox on Linux' };

/** A configuration and what a gateway beside it has open, with these sessions. */
async function place(sessions: readonly StoredSession[]) {
  const { folder, database, audit } = makePlace(root);
  const config = { redis: undefined, sessionStore: 'cookie', settleMs: 0 } as const;
  const stores = openSharedStores(config, database, now, () => {});
  for (const session of sessions) await stores.sessions.put(session);
  return {
    folder,
    stores,
    audit,
    async close(): Promise<void> {
      await stores.close();
      database.close();
    },
  };
}

const run = (folder: string, argv: readonly string[], world: Partial<Terminal> = {}): Promise<Ran> =>
  runIn(folder, ['sessions', ...argv], { now, ...world });

/** What a gateway beside it thinks of these sessions. */
async function revoked(stores: SharedStores, sessions: readonly StoredSession[]): Promise<readonly boolean[]> {
  const list = new RevocationList({ store: stores.revocations, now, onTrouble: () => {}, onRecovery: () => {} });
  await list.whenReady(5_000);
  const answers = sessions.map((one) => list.isRevoked({ ...one, issuedAt: one.since }));
  await list.close();
  return answers;
}

test('cardea sessions list shows who is signed in, the newest first', async () => {
  const here = await place([alice('a1'), alice('b1', { ...bob, since: start + 60_000, app: undefined })]);
  assert.deepEqual(await run(here.folder, ['list']), {
    status: 0,
    stderr: '',
    stdout: [
      'PERSON      METHOD     ADDRESS   DEVICE             APP   SINCE              LAST SEEN          ID',
      'bob         password   10.1.2.3  Firefox on Linux         2026-11-22 09:31Z  2026-11-22 09:31Z  b1',
      'CORP\\alice  negotiate  10.1.2.3  Chrome on Windows  desk  2026-11-22 09:30Z  2026-11-22 09:31Z  a1',
      '',
    ].join('\n'),
  });
  await here.close();
});

test('cardea sessions list shows one person or one session, as JSON if so wanted, and no body', async () => {
  const here = await place([alice('a1', { body: Uint8Array.of(1) }), alice('b1', bob)]);
  for (const option of [
    ['--user', 'ALICE'],
    ['--id', 'a1'],
  ]) {
    const { stdout } = await run(here.folder, ['list', '--json', ...option, 'cardea.yaml']);
    const { sessions } = JSON.parse(stdout) as { sessions: Record<string, unknown>[] };
    assert.deepEqual(
      sessions.map(({ id, since }) => [id, since]),
      [['a1', '2026-11-22T09:30:00.000Z']],
    );
  }
  await here.close();
});

test('cardea sessions list has something to say when nobody is signed in, and makes no database', async () => {
  const here = await place([]);
  assert.match((await run(here.folder, ['list'])).stdout, /Nobody/);
  await here.close();
  rmSync(join(here.folder, 'state'), { recursive: true });
  assert.match((await run(here.folder, ['list'])).stdout, /Nobody/);
  assert.deepEqual(readdirSync(here.folder), ['cardea.yaml']);
  const { status, stderr } = await run(here.folder, ['revoke', '--user', 'alice']);
  assert.equal(status, 1);
  assert.match(stderr, /there is no database/);
});

test('cardea sessions revoke ends one session, and writes down who did it', async () => {
  const sessions = [alice('a1'), alice('a2'), alice('b1', bob)];
  const here = await place(sessions);
  const { status, stdout } = await run(here.folder, ['revoke', '--id', 'a1'], { env: { SUDO_USER: 'carol' } });
  assert.deepEqual([status, stdout], [0, 'CORP\\alice is signed out (1 session).\n']);
  assert.deepEqual(await revoked(here.stores, sessions), [true, false, false]);
  assert.equal(await here.stores.sessions.get('a1'), undefined);
  const [{ requestId, ...event } = {}, ...more] = here.audit();
  assert.deepEqual(
    [event, more],
    [
      {
        kind: 'session-revoked',
        time: now(),
        address: 'command-line',
        account: 'CORP\\alice',
        subject: 'S-1-5-21-1-2-3-1104',
        ended: 'session',
        key: 'a1',
        sessions: 1,
        by: `${userInfo().username} (sudo by carol)`,
      },
      [],
    ],
  );
  assert.equal(typeof requestId, 'string');
  await here.close();
});

for (const name of ['alice', 'CORP\\Alice', 'alice@corp.example', 'S-1-5-21-1-2-3-1104'])
  test(`cardea sessions revoke ends all sessions of ${name}, under every name of hers, and of nobody else`, async () => {
    const elsewhere = { subject: 'https://idp.example|abc', method: 'oidc', upn: undefined };
    const sessions = [alice('a1'), alice('a2', elsewhere), alice('b1', bob)];
    const here = await place(sessions);
    const { status, stdout } = await run(here.folder, ['revoke', '--user', name]);
    assert.deepEqual([status, stdout], [0, 'CORP\\alice is signed out (2 sessions).\n']);
    // Another session of hers that no list knows, from before.
    assert.deepEqual(await revoked(here.stores, [...sessions, alice('a3')]), [true, true, false, true]);
    await here.close();
  });

test('cardea sessions revoke does not guess who is meant', async () => {
  const sessions = [alice('a1'), alice('d1', { account: 'DEV\\alice', subject: 'S-1-5-21-9-9-9-1', upn: undefined })];
  const here = await place(sessions);
  const { status, stderr } = await run(here.folder, ['revoke', '--user', 'alice']);
  assert.equal(status, 1);
  assert.match(stderr, /'CORP\\alice'[\s\S]*'DEV\\alice'|'DEV\\alice'[\s\S]*'CORP\\alice'/);
  assert.deepEqual(await revoked(here.stores, sessions), [false, false]);
  assert.deepEqual(here.audit(), []);
  assert.equal((await run(here.folder, ['revoke', '--user', 'dev\\alice'])).status, 0);
  assert.deepEqual(await revoked(here.stores, sessions), [false, true]);
  await here.close();
});

test('cardea sessions revoke takes a name in full before it takes a part of another one', async () => {
  const sessions = [alice('a1'), alice('p1', { account: 'alice', subject: 'password:alice', upn: undefined })];
  const here = await place(sessions);
  assert.equal((await run(here.folder, ['revoke', '--user', 'alice'])).status, 0);
  assert.deepEqual(await revoked(here.stores, sessions), [false, true]);
  await here.close();
});

test('cardea sessions revoke ends sessions that no list knows', async () => {
  const here = await place([]);
  const { status, stdout } = await run(here.folder, ['revoke', '--user', 'CORP\\alice']);
  assert.equal(status, 0);
  assert.match(stdout, /Nobody of that name is listed/);
  assert.match((await run(here.folder, ['revoke', '--id', 'x1'])).stdout, /No such session is listed/);
  assert.deepEqual(await revoked(here.stores, [alice('a1'), alice('x1', bob), alice('b1', bob)]), [true, true, false]);
  await here.close();
});

/** A terminal at which somebody sits and types. */
const typing = (text: string): Partial<Terminal> => {
  const stdin = new PassThrough();
  stdin.end(text);
  return { stdin: Object.assign(stdin, { isTTY: true }) };
};

for (const [what, world, options, done] of [
  ['somebody types yes', typing('yes\n'), [], true],
  ['--yes is there', {}, ['--yes'], true],
  ['somebody types no', typing('no\n'), [], false],
  ['somebody types y', typing('y\n'), [], false],
  ['the terminal ends', typing(''), [], false],
  ['nobody sits at the terminal', {}, [], false],
] as const)
  test(`cardea sessions revoke --all ends ${done ? 'everything' : 'nothing'} when ${what}`, async () => {
    const sessions = [alice('a1'), alice('b1', bob)];
    const here = await place(sessions);
    const { status } = await run(here.folder, ['revoke', '--all', ...options], world);
    assert.equal(status, done ? 0 : 1);
    assert.deepEqual(await revoked(here.stores, sessions), [done, done]);
    assert.equal((await here.stores.sessions.list()).sessions.length, done ? 0 : 2);
    assert.equal(here.audit().length, done ? 1 : 0);
    await here.close();
  });

for (const line of [
  '',
  'end',
  'cardea.yaml',
  'revoke',
  'list --user a --id b',
  'revoke --all --id b',
  'revoke --user',
  'list a.yaml b.yaml',
]) {
  const argv = line.split(' ').filter((word) => word !== '');
  test(`cardea sessions ends with status 2 for: ${line}`, async () => {
    const { status, stdout } = await run(root, argv);
    assert.deepEqual([status, stdout], [2, '']);
  });
}

test('cardea sessions ends with status 1 when the configuration is wrong', async () => {
  const folder = mkdtempSync(join(root, 'case-'));
  writeFileSync(join(folder, 'cardea.yaml'), 'colour: blue\n');
  const { status, stderr } = await run(folder, ['list']);
  assert.equal(status, 1);
  assert.match(stderr, /colour/);
});

test('cardea sessions revoke is heard of by a gateway that runs, in the database', async () => {
  const here = await place([alice('a1')]);
  const list = new RevocationList({ store: here.stores.revocations, now, onTrouble: () => {}, onRecovery: () => {} });
  await list.whenReady(5_000);
  await run(here.folder, ['revoke', '--user', 'alice']);
  const began = performance.now();
  await until(() => list.isRevoked({ ...alice('a1'), issuedAt: start }), 'the revocation');
  assert.ok(performance.now() - began < 1_000);
  await list.close();
  await here.close();
});
