import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../core/identity.ts';
import {
  confirmedSession,
  packSession,
  renewedSession,
  sessionEnd,
  sessionState,
  startSession,
  unpackSession,
} from './session.ts';

const hour = 3_600_000;
const minute = 60_000;

const alice: Identity = {
  subject: 'S-1-5-21-1-2-3-1103',
  account: 'CORP\\alice',
  upn: 'alice@corp.example',
  name: 'Алиса Łukasińska-陳',
  email: undefined,
  sids: ['S-1-5-21-1-2-3-513', 'S-1-5-21-1-2-3-1104', 'S-1-5-32-545'],
  groups: ['dep1', 'team-ai'],
  method: 'negotiate',
  authenticatedAt: 1_000,
  expiresAt: 8 * hour,
};
const demo: Identity = {
  ...alice,
  subject: 'password:demo',
  method: 'password',
  sids: [],
  email: '',
  groups: ['staff', 'Größe'],
};

test('unpackSession() gives back everything about a person whose groups have no SIDs', () => {
  const session = startSession(demo, 1_000);
  assert.deepEqual(unpackSession(packSession(session)), session);
});

test('unpackSession() gives back everything but the group names that the directory knows', () => {
  const session = startSession(alice, 1_000);
  assert.deepEqual(unpackSession(packSession(session)), { ...session, identity: { ...alice, groups: [] } });
});

test('unpackSession() gives back when somebody proved who they are, and nothing when that is not known', () => {
  const proven = startSession({ ...demo, provenAt: 700 }, 1_000);
  assert.deepEqual(unpackSession(packSession(proven)), proven);
  assert.equal(unpackSession(packSession(startSession(demo, 1_000)))?.identity.provenAt, undefined);
});

test('confirmedSession() does not take what the provider stands by for a new proof of who it is', () => {
  const session = startSession({ ...demo, provenAt: 700 }, 1_000);
  const asked = { ...demo, provenAt: 5_000, authenticatedAt: 5_000 };
  const { provenAt, authenticatedAt } = confirmedSession(session, asked, false, 5_000).identity;
  assert.deepEqual([provenAt, authenticatedAt], [700, 1_000]);
});

test('startSession() gives every session another id', () => {
  assert.notEqual(startSession(alice, 0).id, startSession(alice, 0).id);
});

test('renewedSession() moves neither the sign-in nor the absolute end', () => {
  const session = startSession(alice, 1_000);
  assert.deepEqual(renewedSession(session, 2_000), { ...session, sealedAt: 2_000 });
});

const cases = [
  ['a fresh session holds', 0, { kind: 'ok', renew: false }],
  ['a session is not renewed before a twelfth of the idle limit', 5 * minute, { kind: 'ok', renew: false }],
  ['a session is renewed after a twelfth of the idle limit', 5 * minute + 1, { kind: 'ok', renew: true }],
  ['a session used just at the idle limit holds', hour, { kind: 'ok', renew: true }],
  ['a session unused for longer than the idle limit is idle', hour + 1, { kind: 'idle' }],
  ['a session at its absolute end is expired, not idle', 8 * hour, { kind: 'expired' }],
] as const;
for (const [name, now, expected] of cases) {
  test(`sessionState(): ${name}`, () => {
    assert.deepEqual(sessionState(startSession({ ...alice, authenticatedAt: 0 }, 0), hour, now), expected);
  });
}

test('sessionState(): a renewed session still ends at its absolute end', () => {
  const session = renewedSession(startSession(alice, 0), 8 * hour - 1);
  assert.deepEqual(sessionState(session, hour, 8 * hour - 1), { kind: 'ok', renew: false });
  assert.deepEqual(sessionState(session, hour, 8 * hour), { kind: 'expired' });
});

test('sessionEnd() is the idle limit or the absolute end, whichever is sooner', () => {
  assert.equal(sessionEnd(startSession(alice, 0), hour), hour);
  assert.equal(sessionEnd(startSession(alice, 7.5 * hour), hour), 8 * hour);
});
