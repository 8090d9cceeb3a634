import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccountBarred, type LookUpGroups } from '../auth/memberships.ts';
import type { Session } from '../auth/session.ts';
import { SessionCache } from '../auth/session-cache.ts';
import { sessionCookies } from '../auth/session-cookie.ts';
import type { Directory } from '../ports/directory.ts';
import type { App } from './apps.ts';
import type { Fields } from '../wire/fields.ts';
import { type Live, LiveSessions, type LiveSessionsOptions, type RevocationCheck } from './live-sessions.ts';

const second = 1_000;
const group = 'S-1-5-21-1-2-3-1104';

// A minute, so that the cookie is renewed every five seconds: more often than the memory forgets.
const idleMs = 60 * second;

const revocationsOf = (isRevoked: RevocationCheck['isRevoked']): RevocationCheck => ({
  ready: true,
  isRevoked,
  earliestIssue: (_who, now) => now,
});

/** Sessions without seals, with a registry in memory. */
function makeSessions(options: Partial<LiveSessionsOptions> = {}) {
  const bodies = new Map<string, Uint8Array>();
  const revoked = new Set<string>();
  const sessions = new LiveSessions({
    cookies: sessionCookies({
      sealer: {
        seal: (plain) => Buffer.from(plain).toString('base64url'),
        open: (text) => Buffer.from(text, 'base64url'),
      },
      idleMs,
    }),
    cache: new SessionCache<Live>({ maxEntries: 100, maxAgeMs: 60 * second }),
    registry: {
      begun: async (session, _place, body) => void (body && bodies.set(session.id, body)),
      body: async (id) => bodies.get(id),
      seen: () => {},
      ended: async (id) => void bodies.delete(id),
    },
    bodiesInRegistry: false,
    csrf: { tokenFor: (id) => id, matches: (token, id) => token === id },
    revocations: revocationsOf(({ id }) => id !== undefined && revoked.has(id)),
    lookUpGroups: async (found) => ({
      identity: { ...found, groups: ['looked up'] },
      note: undefined,
      barred: undefined,
    }),
    recheck: () => undefined,
    directory: undefined,
    roles: {},
    idleMs,
    sameSite: 'lax',
    assertion: () => '',
    assertionReuseMs: 60 * second,
    ...options,
  });
  return { sessions, bodies, revoked };
}

const identity: Session['identity'] = {
  subject: 'S-1-5-21-1-2-3-500',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [group],
  groups: ['before'], // as the sign-in found them
  method: 'negotiate',
  authenticatedAt: 0,
  expiresAt: 3_600 * second,
};
const at = (now: number) => ({ now, proto: 'http', address: '127.0.0.1', fields: [] }) as const;
// What a session knows of the app is its name.
const app = { name: 'desk' } as App;
const value = (fields: Fields): string => /=([^;]*);/.exec(fields[1] ?? '')?.[1] ?? '';

test('LiveSessions asks the directory again within a minute, also for a session that is renewed all the time', async () => {
  const directory: Directory = {
    groupNames: async () => new Map([[group, 'after']]),
    person: async () => undefined,
    ping: async () => {},
    close: async () => {},
  };
  const { sessions } = makeSessions({ directory });
  let cookie = value((await sessions.begin(identity, at(0), app)).cookies);
  const seen: string[] = [];
  for (let now = 6 * second; now <= 120 * second; now += 6 * second) {
    const opened = await sessions.open(cookie, now);
    assert.equal(opened.kind, 'ok');
    if (opened.kind !== 'ok') return;
    seen.push(...opened.live.identity.groups);
    if (opened.renew) cookie = value(await sessions.renew(opened.live, now, false));
  }
  assert.deepEqual([seen[0], seen.at(-1)], ['before', 'after']);
});

test('LiveSessions keeps in the registry what does not fit into a cookie, and finds it again', async () => {
  const { sessions, bodies } = makeSessions();
  const groups = Array.from({ length: 2_000 }, (_, i) => `a group of its own with the number ${i * 7_919}`);
  const many = { ...identity, sids: [], groups };
  const { cookies } = await sessions.begin(many, at(0), app);
  assert.ok(value(cookies).length < 200);
  assert.equal(bodies.size, 1);
  const { sessions: others } = makeSessions({
    registry: { begun: async () => {}, body: async (id) => bodies.get(id), seen: () => {}, ended: async () => {} },
  });
  const opened = await others.open(value(cookies), second);
  assert.deepEqual(opened.kind === 'ok' && opened.live.identity.groups, groups);
});

test('LiveSessions lets nobody in by a reference whose body has gone, nor by one to the body of another', async () => {
  const { sessions, bodies } = makeSessions({ bodiesInRegistry: true, cache: noCache() });
  const first = await sessions.begin(identity, at(0), app);
  const second_ = await sessions.begin(identity, at(0), app);
  const body = bodies.get(first.live.session.id);
  bodies.clear();
  assert.equal((await sessions.open(value(first.cookies), second)).kind, 'invalid');
  bodies.set(second_.live.session.id, body ?? new Uint8Array());
  assert.equal((await sessions.open(value(second_.cookies), second)).kind, 'invalid');
});

test('LiveSessions rejects when the registry cannot be asked, and goes on for sessions that are in their cookie', async () => {
  const down = async (): Promise<never> => {
    throw new Error('down');
  };
  const inCookie = makeSessions({ cache: noCache() });
  const { cookies } = await inCookie.sessions.begin(identity, at(0), app);
  const referring = makeSessions({ bodiesInRegistry: true });
  const reference = await referring.sessions.begin(identity, at(0), app);
  const { sessions } = makeSessions({ registry: { begun: down, body: down, seen: () => {}, ended: down } });
  assert.equal((await sessions.open(value(cookies), second)).kind, 'ok');
  await assert.rejects(async () => sessions.open(value(reference.cookies), second), /down/);
});

test('LiveSessions knows a revoked session at once, in memory or not', async () => {
  const { sessions, revoked } = makeSessions();
  const { live, cookies } = await sessions.begin(identity, at(0), app);
  assert.equal((await sessions.open(value(cookies), second)).kind, 'ok');
  revoked.add(live.session.id);
  assert.equal((await sessions.open(value(cookies), second)).kind, 'revoked');
  const fresh = makeSessions({ revocations: revocationsOf(({ id }) => id === live.session.id) });
  assert.equal((await fresh.sessions.open(value(cookies), second)).kind, 'revoked');
});

test('LiveSessions opens nothing while it is not known what is revoked', async () => {
  const { sessions } = makeSessions();
  const { cookies } = await sessions.begin(identity, at(0), app);
  const { sessions: starting } = makeSessions({ revocations: { ...revocationsOf(() => true), ready: false } });
  await assert.rejects(async () => starting.open(value(cookies), second), /not been read/);
});

test('LiveSessions goes on with the person as the method knows them now, and has the cookie written again', async () => {
  const now = 30 * second;
  const begun = makeSessions();
  const { cookies } = await begun.sessions.begin({ ...identity, sids: [] }, at(0), app, { provider: 'entra' });
  const confirmed = { ...identity, sids: [], groups: ['now'], expiresAt: 1e15 };
  const { sessions } = makeSessions({
    recheck: async () => ({ kind: 'confirmed', identity: confirmed, lookUpGroups: false }),
  });
  const opened = await sessions.open(value(cookies), now);
  assert.ok(opened.kind === 'ok' && opened.renew);
  assert.deepEqual(opened.live.identity.groups, ['now']);
  assert.equal(opened.live.identity.expiresAt, identity.expiresAt);
  const again = await makeSessions().sessions.open(value(await sessions.renew(opened.live, now, false)), now);
  assert.deepEqual(again.kind === 'ok' && [again.live.identity.groups, again.live.session.checkedAt], [['now'], now]);
});

test('LiveSessions ends a session that its method does not stand by any more', async () => {
  const { cookies } = await makeSessions().sessions.begin(identity, at(0), app);
  const ended: string[] = [];
  const { sessions } = makeSessions({
    recheck: async () => ({ kind: 'ended' }),
    registry: {
      begun: async () => {},
      body: async () => undefined,
      seen: () => {},
      ended: async (id) => void ended.push(id),
    },
  });
  assert.equal((await sessions.open(value(cookies), second)).kind, 'revoked');
  assert.equal(ended.length, 1);
});

test('LiveSessions looks all groups up for methods that tell none, at the sign-in and when a cookie is opened', async () => {
  const { sessions } = makeSessions();
  const { live, cookies } = await sessions.begin({ ...identity, sids: [], groups: [] }, at(0), app, {
    lookUpGroups: true,
  });
  assert.deepEqual(live.identity.groups, ['looked up']);
  const { sessions: others } = makeSessions();
  const opened = await others.open(value(cookies), second);
  assert.deepEqual(opened.kind === 'ok' && opened.live.identity.groups, ['looked up']);
});

const barred: LookUpGroups = async (found) => ({ identity: found, note: undefined, barred: 'the account is disabled' });

test('LiveSessions begins nothing for somebody whose account the directory has disabled', async () => {
  const { sessions, bodies } = makeSessions({ lookUpGroups: barred, bodiesInRegistry: true });
  await assert.rejects(sessions.begin(identity, at(0), app, { lookUpGroups: true }), AccountBarred);
  await assert.rejects(
    sessions.passing({ kind: 'accepted', identity, lookUpGroups: true }, 'bearer', 0),
    AccountBarred,
  );
  assert.equal(bodies.size, 0);
});

test('LiveSessions ends a session within a minute after the directory has heard that the account is disabled', async () => {
  let lookUpGroups: LookUpGroups = async (found) => ({ identity: found, note: undefined, barred: undefined });
  const options = {
    lookUpGroups: (...asked: Parameters<LookUpGroups>) => lookUpGroups(...asked),
    bodiesInRegistry: true,
  };
  const { sessions, bodies } = makeSessions(options);
  const { cookies } = await sessions.begin(identity, at(0), app, { lookUpGroups: true });
  lookUpGroups = barred;
  assert.equal((await sessions.open(value(cookies), 59 * second)).kind, 'ok');
  assert.equal((await sessions.open(value(cookies), 60 * second)).kind, 'revoked');
  assert.equal(bodies.size, 0, 'its body has gone as well');
});

test('LiveSessions keeps what it made of a passing credential under the whole of it', async () => {
  const { sessions } = makeSessions();
  const accepted = { kind: 'accepted', identity, reuse: { key: 'abc', until: 60 * second } } as const;
  assert.equal((await sessions.passing(accepted, 'api_key', 0)).fresh, true);
  assert.equal((await sessions.passing(accepted, 'api_key', second)).fresh, false);
  assert.equal((await sessions.passing(accepted, 'bearer', second)).fresh, true);
  assert.equal(
    (await sessions.passing({ ...accepted, reuse: { key: 'abcd', until: 60 * second } }, 'api_key', second)).fresh,
    true,
  );
});

const noCache = () => new SessionCache<Live>({ maxEntries: 0, maxAgeMs: 0 });
