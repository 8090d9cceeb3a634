import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outdated } from '../auth/outdated.ts';
import { AccountBarred, type LookUpGroups } from '../auth/memberships.ts';
import { type Session, unpackSession } from '../auth/session.ts';
import { SessionCache } from '../auth/session-cache.ts';
import { sessionCookies } from '../auth/session-cookie.ts';
import type { Directory } from '../ports/directory.ts';
import type { App } from './apps.ts';
import type { Fields } from '../wire/fields.ts';
import type { Held } from './live.ts';
import { LiveSessions, type LiveSessionsOptions, type RevocationCheck } from './live-sessions.ts';
import type { SessionRegistry } from './registry.ts';

const second = 1_000;
const group = 'S-1-5-21-1-2-3-1104';

// A minute, so that the cookie is renewed every five seconds: more often than the memory forgets.
const idleMs = 60 * second;

let version = 0;
const revocationsOf = (isRevoked: RevocationCheck['isRevoked']): RevocationCheck => ({
  ready: true,
  get version() {
    return version++; // everything is looked up again
  },
  isRevoked,
  earliestIssue: (_who, now) => now,
  upToDate: async () => {},
});

/** A registry that takes everything and has nothing. */
const silent: SessionRegistry = {
  begun: async () => {},
  body: async () => undefined,
  changed: async () => true,
  seen: () => {},
  ended: async () => {},
  replaced: () => {},
};

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
    cache: new SessionCache<Held>({ maxEntries: 100, maxAgeMs: 60 * second }),
    outdated: { covers: () => false },
    registry: {
      ...silent,
      begun: async (session, _place, body) => void (body && bodies.set(session.id, body)),
      body: async (id) => bodies.get(id),
      ended: async ({ id }) => void bodies.delete(id),
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
const at = (now: number, cookie?: string) => ({
  now,
  proto: 'http' as const,
  address: '127.0.0.1',
  fields: [],
  session: cookie === undefined ? ({ kind: 'none' } as const) : ({ kind: 'one', value: cookie } as const),
});
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

test('LiveSessions asks again at once about somebody whose groups were seen to be others, whatever they come with', async () => {
  const outdated = new Outdated(60 * second);
  let looked = 0;
  const lookUpGroups: LookUpGroups = async (found) => ({
    identity: { ...found, groups: [`look ${++looked}`] },
    note: undefined,
    barred: undefined,
  });
  const { sessions } = makeSessions({ outdated, lookUpGroups });
  const cookie = value((await sessions.begin(identity, at(0), app, { lookUpGroups: true })).cookies);
  const accepted = {
    kind: 'accepted',
    identity: { ...identity, subject: 'robot' },
    lookUpGroups: true,
    reuse: { key: 'k', until: 60 * second },
  } as const;
  const groupsAt = async (now: number) => {
    const [opened, passing] = [
      await sessions.open(cookie, now),
      await sessions.passing(accepted, { id: 'bearer', kind: 'bearer' }, now),
    ];
    return [opened, passing].map((found) => (found.kind === 'ok' ? found.live.identity.groups[0] : found.kind));
  };
  assert.deepEqual(await groupsAt(second), ['look 1', 'look 2']);
  assert.deepEqual(await groupsAt(2 * second), ['look 1', 'look 2']);
  outdated.note(identity.subject, 2 * second);
  assert.deepEqual(await groupsAt(3 * second), ['look 3', 'look 2']);
  outdated.note('robot', 3 * second);
  assert.deepEqual(await groupsAt(4 * second), ['look 3', 'look 4']);
  assert.deepEqual(await groupsAt(5 * second), ['look 3', 'look 4']);
});

test('LiveSessions keeps in the registry what does not fit into a cookie, and finds it again', async () => {
  const { sessions, bodies } = makeSessions();
  const groups = Array.from({ length: 2_000 }, (_, i) => `a group of its own with the number ${i * 7_919}`);
  const many = { ...identity, sids: [], groups };
  const { cookies } = await sessions.begin(many, at(0), app);
  assert.ok(value(cookies).length < 200);
  assert.equal(bodies.size, 1);
  const { sessions: others } = makeSessions({
    registry: { ...silent, body: async (id) => bodies.get(id) },
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
  const { sessions } = makeSessions({ registry: { ...silent, begun: down, body: down, ended: down } });
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
    registry: { ...silent, ended: async ({ id }) => void ended.push(id) },
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
    sessions.passing({ kind: 'accepted', identity, lookUpGroups: true }, { id: 'bearer', kind: 'bearer' }, 0),
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

test('LiveSessions asks the list of what is revoked once for a session, until there is more in it', async () => {
  let version = 1;
  let asked = 0;
  const isRevoked = (): boolean => {
    asked++;
    return version > 2;
  };
  const revocations: RevocationCheck = {
    ...revocationsOf(isRevoked),
    get version() {
      return version;
    },
  };
  const { sessions } = makeSessions({ revocations });
  const cookie = value((await sessions.begin(identity, at(0), app)).cookies);
  const open = async (): Promise<string> => (await sessions.open(cookie, second)).kind;
  assert.deepEqual([await open(), await open(), asked], ['ok', 'ok', 1]);
  version = 2;
  assert.deepEqual([await open(), await open(), asked], ['ok', 'ok', 2]);
  version = 3;
  assert.deepEqual([await open(), await open()], ['revoked', 'revoked']);
});

test('LiveSessions opens no session that is revoked while the directory is asked', async () => {
  const { sessions: first } = makeSessions();
  const { live, cookies } = await first.begin(identity, at(0), app, { lookUpGroups: true });
  const { sessions, revoked } = makeSessions({
    lookUpGroups: async (found) => {
      revoked.add(live.session.id);
      return { identity: found, note: undefined, barred: undefined };
    },
  });
  assert.equal((await sessions.open(value(cookies), second)).kind, 'revoked');
});

test('LiveSessions gives a session that is revoked while its cookie is renewed no new life', async () => {
  for (const bodiesInRegistry of [false, true]) {
    const { sessions, revoked } = makeSessions({ bodiesInRegistry });
    const { cookies } = await sessions.begin(identity, at(0), app);
    const opened = await sessions.open(value(cookies), 6 * second);
    assert.ok(opened.kind === 'ok' && opened.renew);
    revoked.add(opened.live.session.id);
    const renewed = value(await sessions.renew(opened.live, 6 * second, false));
    assert.equal((await sessions.open(renewed, 7 * second)).kind, 'revoked');
  }
});

test('LiveSessions ends the session that a browser has when another one begins in it, and none when that fails', async () => {
  for (const bodiesInRegistry of [false, true]) {
    const replaced: string[] = [];
    let fails = false;
    const { sessions } = makeSessions({
      bodiesInRegistry,
      registry: {
        ...silent,
        begun: async () => {
          if (fails) throw new Error('down');
        },
        replaced: ({ id, expiresAt }) => void replaced.push(`${id} ${expiresAt}`),
      },
    });
    const first = await sessions.begin(identity, at(0), app);
    await sessions.begin(identity, at(0, 'nonsense'), app);
    fails = true;
    if (bodiesInRegistry) await assert.rejects(sessions.begin(identity, at(0, value(first.cookies)), app), /down/);
    fails = false;
    assert.deepEqual(replaced, []);
    await sessions.begin(identity, at(second, value(first.cookies)), app);
    await new Promise((resolve) => setImmediate(resolve)); // nobody waits for it
    assert.deepEqual(replaced, [`${first.live.session.id} ${identity.expiresAt}`]);
  }
});

for (const bodiesInRegistry of [false, true])
  for (const [whose, person] of [
    ['the same person', identity],
    ['somebody else', { ...identity, subject: 'S-1-5-21-1-2-3-501' }],
  ] as const)
    test(`LiveSessions tells whether ${whose} has the place of a session, ${bodiesInRegistry ? 'kept' : 'whole'}, also of an idle one`, async () => {
      const bodies = new Map<string, Uint8Array>();
      const replaced: (readonly [id: string, successor: string | undefined, body: string | undefined])[] = [];
      const { sessions } = makeSessions({
        bodiesInRegistry,
        registry: {
          ...silent,
          begun: async ({ id }, _place, body) => void (body && bodies.set(id, body)),
          body: async (id) => bodies.get(id),
          replaced: ({ id }, successor) =>
            void replaced.push([id, successor?.session.id, successor && unpackSession(successor.body)?.id]),
        },
      });
      const first = await sessions.begin(identity, at(0), app);
      const second = await sessions.begin(person, at(2 * idleMs, value(first.cookies)), app);
      await new Promise((resolve) => setImmediate(resolve));
      const next = whose === 'the same person' ? second.live.session.id : undefined;
      assert.deepEqual(replaced, [[first.live.session.id, next, next]]);
      // One whose absolute end has passed has nothing open.
      await sessions.begin(person, at(identity.expiresAt, value(second.cookies)), app).catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(replaced.length, 1);
    });

test('LiveSessions ends a session at the sign-out that was unused for too long, and nothing for a cookie of others', async () => {
  const ended: string[] = [];
  const { sessions } = makeSessions({
    registry: { ...silent, ended: async ({ id }, why) => void ended.push(`${id} ${why}`) },
  });
  const { live, cookies } = await sessions.begin(identity, at(0), app);
  await sessions.endIdle({ kind: 'one', value: value(cookies) });
  await sessions.endIdle({ kind: 'one', value: 'nonsense' });
  await sessions.endIdle({ kind: 'none' });
  assert.deepEqual(ended, [`${live.session.id} signed-out`]);
});

test('LiveSessions begins a session when it knows all that was revoked before, and none while it knows nothing', async () => {
  let upToDate = false;
  const revocations: RevocationCheck = {
    ...revocationsOf(() => false),
    upToDate: async () => void (upToDate = true),
    earliestIssue: (_who, now) => (upToDate ? now + 10 * second : now),
  };
  const { sessions } = makeSessions({ revocations });
  const { live } = await sessions.begin(identity, at(second), app);
  assert.equal(live.identity.authenticatedAt, 11 * second);
  const { sessions: starting } = makeSessions({ revocations: { ...revocations, ready: false } });
  await assert.rejects(starting.begin(identity, at(second), app), /not been read/);
});

test('LiveSessions gives the registry the body of a session that has outgrown its cookie, and leaves the cookie when it is not taken', async () => {
  const groups = Array.from({ length: 2_000 }, (_, i) => `a group of its own with the number ${i * 7_919}`);
  const few = { ...identity, sids: [], groups: ['few'] };
  const { cookies } = await makeSessions().sessions.begin(few, at(0), app);
  const kept: Uint8Array[] = [];
  let takes = false;
  const { sessions } = makeSessions({
    recheck: async () => ({ kind: 'confirmed', identity: { ...few, groups }, lookUpGroups: false }),
    registry: {
      ...silent,
      changed: async (_session, body) => {
        if (takes) kept.push(body);
        return takes;
      },
    },
  });
  const opened = await sessions.open(value(cookies), second);
  assert.ok(opened.kind === 'ok' && opened.renew);
  assert.deepEqual(await sessions.renew(opened.live, second, false), []);
  takes = true;
  for (let i = 0; i < 3; i++) assert.ok(value(await sessions.renew(opened.live, second, false)).length < 200);
  assert.equal(kept.length, 1, 'it is written once');
  assert.deepEqual(unpackSession(kept[0] ?? new Uint8Array())?.identity.groups, groups);
});

test('LiveSessions keeps what it made of a passing credential under the whole of it', async () => {
  const { sessions } = makeSessions();
  const accepted = { kind: 'accepted', identity, reuse: { key: 'abc', until: 60 * second } } as const;
  assert.equal(isFresh(await sessions.passing(accepted, { id: 'api_key', kind: 'api_key' }, 0)), true);
  assert.equal(isFresh(await sessions.passing(accepted, { id: 'api_key', kind: 'api_key' }, second)), false);
  assert.equal(isFresh(await sessions.passing(accepted, { id: 'bearer', kind: 'bearer' }, second)), true);
  const other = { ...accepted, reuse: { key: 'abcd', until: 60 * second } };
  assert.equal(isFresh(await sessions.passing(other, { id: 'api_key', kind: 'api_key' }, second)), true);
});

const isFresh = (passing: Awaited<ReturnType<LiveSessions['passing']>>): boolean | undefined =>
  passing.kind === 'ok' ? passing.fresh : undefined;

const noCache = () => new SessionCache<Held>({ maxEntries: 0, maxAgeMs: 0 });
