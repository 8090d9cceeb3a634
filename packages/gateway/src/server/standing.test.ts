import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { LookUpGroups } from '../auth/memberships.ts';
import { packSession, type Session, startSession } from '../auth/session.ts';
import type { Identity } from '../core/identity.ts';
import { type Directory, DirectoryError } from '../ports/directory.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { Recheck } from './recheck.ts';
import { type Holder, type StandingOptions, Standings } from './standing.ts';

const hour = 3_600_000;
const alice: Identity = {
  subject: 'S-1-5-21-1-2-3-1103',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: ['desk'],
  method: 'oidc',
  authenticatedAt: 0,
  expiresAt: 8 * hour,
};

let bodies: Map<string, Uint8Array>;
let ended: string[];
let revoked: Set<string>;
beforeEach(() => {
  bodies = new Map();
  ended = [];
  revoked = new Set();
});

const standings = (more: Partial<StandingOptions> = {}): Standings =>
  new Standings({
    registry: {
      body: async (id) => bodies.get(id),
      changed: async ({ id }, body) => {
        bodies.set(id, body);
        return true;
      },
      ended: async ({ id }, why) => void ended.push(`${id} ${why}`),
    },
    revocations: { isRevoked: ({ id }) => id !== undefined && revoked.has(id) },
    recheck: () => undefined,
    directory: undefined,
    lookUpGroups: async (found) => ({ identity: found, note: undefined, barred: undefined }),
    roles: { trader: { groups: ['desk'], modules: [] } },
    ...more,
  });

const session = (identity: Partial<Identity> = {}, lookUpGroups = false): Session =>
  startSession({ ...alice, ...identity }, 0, { provider: 'entra', lookUpGroups });
const holder = (of: Session, more: Partial<Holder> = {}): Holder => ({ session: of, passing: false, ...more });

test('Standings finds somebody whose session goes on, however long it was unused', async () => {
  const standing = await standings().of(holder(session()), 7 * hour);
  assert.deepEqual(standing.kind === 'ok' && [[...standing.live.subject.roles], standing.outage], [['trader'], false]);
});

test('Standings finds nobody at the absolute end, and where the session was revoked', async () => {
  const one = session();
  assert.equal((await standings().of(holder(one), 8 * hour)).kind, 'gone');
  revoked.add(one.id);
  assert.equal((await standings().of(holder(one), hour)).kind, 'gone');
});

test('Standings goes by what lies in the store, where that is where sessions lie', async () => {
  const one = session();
  assert.equal((await standings().of(holder(one, { inRegistry: true }), hour)).kind, 'gone');
  bodies.set(one.id, packSession({ ...one, identity: { ...one.identity, groups: ['other'] } }));
  const standing = await standings().of(holder(one, { inRegistry: true }), hour);
  assert.deepEqual(standing.kind === 'ok' && standing.live.identity.groups, ['other']);
  bodies.set(one.id, packSession(session()));
  assert.equal((await standings().of(holder(one, { inRegistry: true }), hour)).kind, 'gone', 'another session');
});

test('Standings rejects when the store cannot be asked', async () => {
  const down = {
    body: () => Promise.reject(new StoreUnavailable('down')),
    changed: async () => false,
    ended: async () => {},
  };
  const asked = standings({ registry: down }).of(holder(session(), { inRegistry: true }), hour);
  await assert.rejects(asked, StoreUnavailable);
});

test('Standings takes what the method says now, and keeps it where sessions lie in the store', async () => {
  const one = session();
  bodies.set(one.id, packSession(one));
  const identity = { ...alice, groups: ['other'] };
  const recheck = async (): Promise<Recheck> => ({ kind: 'confirmed', identity, lookUpGroups: false });
  const asked = standings({ recheck });
  const standing = await asked.of(holder(one, { inRegistry: true }), hour);
  assert.ok(standing.kind === 'ok');
  assert.deepEqual([standing.live.identity.groups, standing.live.session.checkedAt], [['other'], hour]);
  assert.deepEqual(bodies.get(one.id), packSession(standing.live.session));
});

test('Standings ends the session that the method does not stand by, and none of a credential that came by itself', async () => {
  const one = session();
  const asked = standings({ recheck: async () => ({ kind: 'ended' }) });
  assert.equal((await asked.of(holder(one, { passing: true }), hour)).kind, 'gone');
  assert.deepEqual(ended, []);
  assert.equal((await asked.of(holder(one), hour)).kind, 'gone');
  assert.deepEqual(ended, [`${one.id} ended-by-provider`]);
});

test('Standings ends the session of somebody whose account is barred', async () => {
  const one = session({}, true);
  const lookUpGroups: LookUpGroups = async (found) => ({ identity: found, note: undefined, barred: 'disabled' });
  assert.equal((await standings({ lookUpGroups }).of(holder(one), hour)).kind, 'gone');
  assert.deepEqual(ended, [`${one.id} account-barred`]);
});

for (const [what, answer, outage] of [
  ['cannot be asked', { answer: 'unavailable' }, true],
  ['cannot name all groups', { answer: 'found', namesMissing: true }, true],
  ['does not know the person', { answer: 'none' }, false],
] as const)
  test(`Standings tells an outage from an answer: a directory that ${what}`, async () => {
    const lookUpGroups: LookUpGroups = async (found) => ({
      identity: { ...found, groups: [] },
      note: 'no groups',
      barred: undefined,
      ...answer,
    });
    const standing = await standings({ lookUpGroups }).of(holder(session({}, true)), hour);
    assert.equal(standing.kind === 'ok' && standing.outage, outage);
  });

test('Standings tells an outage where groups come as SIDs and cannot be named', async () => {
  const directory: Directory = {
    groupNames: async () => {
      throw new DirectoryError('down');
    },
    person: async () => undefined,
    ping: async () => {},
    close: async () => {},
  };
  const standing = await standings({ directory }).of(holder(session({ sids: ['S-1-5-21-1-2-3-4'] })), hour);
  assert.equal(standing.kind === 'ok' && standing.outage, true);
});

test('Standings finds what happened while a provider was being asked', async () => {
  const one = session();
  const recheck = async (): Promise<Recheck> => {
    revoked.add(one.id);
    return { kind: 'later' };
  };
  assert.equal((await standings({ recheck }).of(holder(one), hour)).kind, 'gone');
});

test('Standings finds the session that has taken the place of another one, unless that is over as well', async () => {
  const next = session();
  assert.equal((await standings().successor(next.id, hour)).kind, 'gone');
  bodies.set(next.id, packSession(next));
  const standing = await standings().successor(next.id, hour);
  assert.deepEqual(standing.kind === 'ok' && standing.live.session.id, next.id);
  assert.equal((await standings().successor(next.id, 8 * hour)).kind, 'gone');
  revoked.add(next.id);
  assert.equal((await standings().successor(next.id, hour)).kind, 'gone');
});
