import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Identity } from '../core/identity.ts';
import { openDatabase } from '../stores/database.ts';
import { replayCacheTables, sqliteReplayCache } from '../stores/replay-cache-sqlite.ts';
import { KeyRing, newMasterKey } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import type { Accepted, Credentials, Outcome } from './authenticator.ts';
import { credentials } from './credentials-testing.ts';
import { startSession } from './session.ts';
import { type StreamTarget, type StreamTokenOptions, streamToken, streamTokens } from './stream-token.ts';

const now = 1_789_000_000_000;
const minute = 60_000;
const ring = new KeyRing([newMasterKey(0)]);
const tokens = streamTokens(sealer(ring, 'stream'), 5 * minute);

const alice: Identity = {
  subject: 'password:alice',
  account: 'CORP\\alice',
  upn: 'alice@corp.example',
  name: 'Alice',
  email: undefined,
  sids: [],
  groups: ['risk-team'],
  method: 'password',
  authenticatedAt: now - minute,
  expiresAt: now + 60 * minute,
};
const session = startSession(alice, now - minute, { provider: 'password' });
const target: StreamTarget = { app: 'desk', path: '/api/jobs/7/events', below: false };
const issued = tokens.issue(target, session, now) ?? '';

const method = (options: Partial<StreamTokenOptions> = {}) =>
  streamToken({ tokens, claims: { claim: () => true }, isRevoked: () => false, directory: undefined, ...options });

const ask = async (carried: Partial<Credentials>, options: Partial<StreamTokenOptions> = {}): Promise<Outcome> =>
  method(options).authenticate(
    credentials({ now, app: 'desk', method: 'GET', path: target.path, streamToken: issued, ...carried }),
  );

const reason = (outcome: Outcome): string => (outcome.kind === 'rejected' ? outcome.reason : outcome.kind);

test('streamToken() accepts a token as the person that it was made for', async () => {
  const outcome = await ask({});
  assert.equal(outcome.kind, 'accepted');
  assert.deepEqual(outcome.kind === 'accepted' && outcome.identity, alice);
});

test('streamToken() leaves a request without a token to other methods, at once', () => {
  assert.deepEqual(method().authenticate(credentials({ now })), { kind: 'absent' });
});

for (const [what, carried, why] of [
  ['in another app', { app: 'wiki' }, 'stream-token-other-app'],
  ['for another path', { path: '/api/jobs/8/events' }, 'stream-token-other-path'],
  ['for a path below', { path: '/api/jobs/7/events/x' }, 'stream-token-other-path'],
  ['for a path above', { path: '/api/jobs/7' }, 'stream-token-other-path'],
  ['for the path in capitals', { path: '/API/jobs/7/events' }, 'stream-token-other-path'],
  ['for the path with a slash behind', { path: '/api/jobs/7/events/' }, 'stream-token-other-path'],
  ['for the path with a parameter', { path: '/api/jobs/7/events;x' }, 'stream-token-other-path'],
  ['with POST', { method: 'POST' }, 'stream-token-method'],
  ['with HEAD', { method: 'HEAD' }, 'stream-token-method'],
  ['from its end on', { now: now + 5 * minute }, 'stream-token-expired'],
  ['empty', { streamToken: '' }, 'stream-token-invalid'],
  ['altered', { streamToken: `${issued.slice(0, -1)}${issued.endsWith('A') ? 'B' : 'A'}` }, 'stream-token-invalid'],
  ['cut off', { streamToken: issued.slice(0, -4) }, 'stream-token-invalid'],
  [
    'percent-encoded',
    { streamToken: issued.replace(/^./, (c) => `%${c.charCodeAt(0).toString(16)}`) },
    'stream-token-invalid',
  ],
  ['far too long', { streamToken: 'A'.repeat(20_000) }, 'stream-token-invalid'],
] as const)
  test(`streamToken() refuses a token ${what}`, async () => assert.equal(reason(await ask(carried)), why));

test('streamToken() accepts a token up to its end', async () => {
  assert.equal((await ask({ now: now + 5 * minute - 1 })).kind, 'accepted');
});

const job = tokens.issue({ app: 'desk', path: '/api/jobs/7', below: true }, session, now) ?? '';
for (const [path, accepted] of [
  ['/api/jobs/7', true],
  ['/api/jobs/7/', true],
  ['/api/jobs/7/log', true],
  ['/api/jobs/77', false],
  ['/api/jobs/7;x/log', false],
  ['/api/jobs', false],
] as const)
  test(`streamToken() ${accepted ? 'accepts' : 'refuses'} a token for a whole job at ${path}`, async () => {
    assert.equal((await ask({ streamToken: job, path })).kind, accepted ? 'accepted' : 'rejected');
  });

test('streamToken() takes a star in a path for a star', async () => {
  const star = tokens.issue({ app: 'desk', path: '/api/*', below: false }, session, now) ?? '';
  assert.equal(reason(await ask({ streamToken: star, path: '/api/x' })), 'stream-token-other-path');
  assert.equal((await ask({ streamToken: star, path: '/api/*' })).kind, 'accepted');
});

test('streamToken() spends nothing by itself: a request that policy refuses leaves the token good', async () => {
  const claimed: string[] = [];
  const outcome = await ask({}, { claims: { claim: (key) => claimed.push(key) > 0 } });
  assert.deepEqual(claimed, []);
  assert.equal(outcome.kind === 'accepted' && (await outcome.spend?.()), true);
  assert.equal(claimed.length, 1);
  assert.match(claimed[0] ?? '', /^stream:[\w-]{22}$/);
});

test('streamTokens() gives each token a number of its own', async () => {
  const numbers = new Set(
    Array.from({ length: 50 }, () => tokens.open(tokens.issue(target, session, now) ?? '')?.number),
  );
  assert.equal(numbers.size, 50);
});

test('streamTokens() makes no token that outlives the sign-in', () => {
  const short = startSession({ ...alice, expiresAt: now + minute }, now);
  assert.equal(tokens.open(tokens.issue(target, short, now) ?? '')?.expiresAt, now + minute);
});

test('streamTokens() makes no token that is too long for an address, rather than leave groups out', () => {
  const groups = Array.from({ length: 1_000 }, (_, i) => `group number ${i}`);
  assert.equal(tokens.issue(target, startSession({ ...alice, groups }, now), now), undefined);
});

test('streamTokens() makes tokens that need no encoding in an address', () => assert.match(issued, /^[\w-]+$/));

test('streamToken() refuses a token whose sign-in was revoked, and asks about that very sign-in', async () => {
  const asked: unknown[] = [];
  const outcome = await ask({}, { isRevoked: (about) => asked.push([about.id, about.provider]) > 0 });
  assert.equal(reason(outcome), 'stream-token-revoked');
  assert.deepEqual(asked, [[session.id, 'password']]);
});

test('streamToken() throws when it cannot be found out whether the sign-in was revoked', async () => {
  await assert.rejects(ask({}, { isRevoked: () => Promise.reject(new Error('down')) }), /down/);
});

test('streamToken() names groups that the session carries as SIDs', async () => {
  const sid = 'S-1-5-21-1-2-3-1104';
  const directory = {
    groupNames: async () => new Map([[sid, 'team-ai']]),
    person: async () => undefined,
    ping: async () => {},
    close: async () => {},
  };
  const bySid = tokens.issue(target, startSession({ ...alice, sids: [sid], groups: ['team-ai'] }, now), now) ?? '';
  const outcome = await ask({ streamToken: bySid }, { directory });
  assert.deepEqual(outcome.kind === 'accepted' && outcome.identity.groups, ['team-ai']);
});

test('streamToken() says when all groups are to be asked of the directory', async () => {
  const looked = tokens.issue(target, startSession(alice, now, { lookUpGroups: true }), now) ?? '';
  const outcome = await ask({ streamToken: looked });
  assert.equal(outcome.kind === 'accepted' && outcome.lookUpGroups, true);
});

test('streamTokens() opens no token of another form, and never throws', () => {
  const unsealed = {
    seal: (plain: Uint8Array) => Buffer.from(plain).toString('hex'),
    open: (text: string) => Buffer.from(text, 'hex'),
  };
  const bare = streamTokens(unsealed, minute);
  const whole = bare.issue(target, session, now) ?? '';
  assert.ok(bare.open(whole) !== undefined);
  assert.equal(bare.open(`${whole}00`), undefined);
  assert.equal(bare.open(`02${whole.slice(2)}`), undefined);
  for (let length = 0; length < whole.length; length += 2) assert.equal(bare.open(whole.slice(0, length)), undefined);
});

const root = mkdtempSync(join(tmpdir(), 'cardea-stream-'));
after(() => rmSync(root, { recursive: true }));

test('streamToken() lets one of fifty win that use one token at the same time, over two connections to one database', async () => {
  const databases = [openDatabase(root, [replayCacheTables]), openDatabase(root, [replayCacheTables])];
  const replicas = databases.map((database) => method({ claims: sqliteReplayCache(database, () => now) }));
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, async (_, i) =>
      replicas[i % 2]?.authenticate(
        credentials({ now, app: 'desk', method: 'GET', path: target.path, streamToken: issued }),
      ),
    ),
  );
  const accepted = outcomes.filter((outcome): outcome is Accepted => outcome?.kind === 'accepted');
  assert.equal(accepted.length, 50);
  const won = await Promise.all(accepted.map(async ({ spend }) => spend?.()));
  assert.equal(won.filter(Boolean).length, 1);
  for (const database of databases) database.close();
});

test('streamToken() never puts the token into a refusal', async () => {
  for (const carried of [{ app: 'x' }, { path: '/x' }, { now: now + 10 * minute }, { method: 'PUT' }])
    assert.doesNotMatch(JSON.stringify(await ask(carried)), new RegExp(issued.slice(10, 40)));
});
