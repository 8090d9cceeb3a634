import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Identity } from '../core/identity.ts';
import type { Sealer } from '../ports/sealer.ts';
import { KeyRing, newMasterKey } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import { renewedSession, startSession } from './session.ts';
import { sessionCookies } from './session-cookie.ts';

const hour = 3_600_000;
const ring = new KeyRing([newMasterKey(0)]);
const seals = sealer(ring, 'session');
const cookies = sessionCookies({ sealer: seals, idleMs: hour });
const domain = 'S-1-5-21-1004336348-1177238915-682003330';

const person = (sids: readonly string[], groups: readonly string[] = []): Identity => ({
  subject: `${domain}-1103`,
  account: 'CORP\\alice.with-a-long-name',
  upn: 'alice.with-a-long-name@subsidiary.corp.example',
  name: 'Алиса Łukasińska-陳',
  email: 'alice.with-a-long-name@corp.example',
  sids,
  groups,
  method: 'negotiate',
  authenticatedAt: 1_789_000_000_000,
  expiresAt: 1_789_028_800_000,
});
const now = 1_789_000_000_000;

function sealed(identity: Identity): string {
  const value = cookies.seal(startSession(identity, now));
  assert.ok(value !== undefined);
  return value;
}

/** The relative identifiers of `count` groups, scattered over a domain as years of growth leave them; the same in every run. */
function scattered(count: number, highest: number): readonly string[] {
  let state = 12_345;
  const rids = new Set<number>();
  while (rids.size < count) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    rids.add(1_100 + (state % highest));
  }
  return [...rids].map((rid) => `${domain}-${rid}`);
}

test('sessionCookies() opens what it sealed', () => {
  const session = startSession(person([`${domain}-513`]), now);
  assert.deepEqual(cookies.open(cookies.seal(session) ?? '', now), { kind: 'ok', session, renew: false });
});

test('sessionCookies() opens a reference with the id and the beginning of its idle limit', () => {
  const session = startSession(person([]), now);
  const value = cookies.sealReference(session);
  assert.ok(value.length < 150);
  assert.deepEqual(cookies.open(value, now + hour), {
    kind: 'reference',
    id: session.id,
    sealedAt: now,
    expiresAt: session.identity.expiresAt,
  });
  assert.equal(cookies.open(value, now + hour + 1).kind, 'idle');
  assert.equal(cookies.open(value, now + 8 * hour).kind, 'expired');
});

for (const [count, highest] of [
  [400, 100_000],
  [1_015, 100_000],
  [1_015, 2_000_000],
] as const) {
  test(`sessionCookies() fits ${count} groups scattered over ${highest} into a browser's 4,096 bytes, name and attributes included`, () => {
    const sids = scattered(count, highest);
    const value = sealed(person(sids));
    const field = `__Host-cardea=${value}; Path=/; Max-Age=28800; HttpOnly; Secure; SameSite=Strict`;
    assert.ok(field.length <= 4_096, `${field.length} bytes`);
    const opened = cookies.open(value, now);
    assert.equal(opened.kind, 'ok');
    if (opened.kind === 'ok') assert.deepEqual([...opened.session.identity.sids].sort(), [...sids].sort());
  });
}

test('sessionCookies() keeps group names that no directory gives back', () => {
  const groups = Array.from({ length: 100 }, (_, i) => `a demonstration group with the number ${i}`);
  const opened = cookies.open(sealed({ ...person([], groups), method: 'password' }), now);
  assert.equal(opened.kind, 'ok');
  if (opened.kind === 'ok') assert.deepEqual(opened.session.identity.groups, groups);
});

test('sessionCookies() says that a session is too large, and cuts nothing off', () => {
  const sids = Array.from({ length: 1_000 }, (_, i) => `S-1-5-21-${i * 3_999_971}-${i * 2_999_999}-${i * 7}-${i}`);
  assert.equal(cookies.seal(startSession(person(sids), now)), undefined);
});

test('sessionCookies() makes values that need no quoting in a cookie', () => {
  assert.match(sealed(person(scattered(400, 10_000))), /^[A-Za-z0-9_-]+$/);
});

test('sessionCookies() tells idle from expired from invalid', () => {
  const value = sealed(person([]));
  assert.equal(cookies.open(value, now + hour + 1).kind, 'idle');
  assert.equal(cookies.open(value, now + 8 * hour).kind, 'expired');
  assert.equal(cookies.open(`${value}A`, now).kind, 'invalid');
  assert.equal(cookies.open('', now).kind, 'invalid');
});

test('sessionCookies() asks for renewal, and a renewed cookie moves the idle limit alone', () => {
  const session = startSession(person([]), now);
  const later = now + hour;
  const first = cookies.seal(session);
  assert.deepEqual(cookies.open(first ?? '', later), { kind: 'ok', session, renew: true });
  const second = cookies.seal(renewedSession(session, later));
  const opened = cookies.open(second ?? '', later + hour);
  assert.equal(opened.kind, 'ok');
  if (opened.kind === 'ok') assert.deepEqual(opened.session.identity, session.identity);
});

test('sessionCookies() refuses any altered cookie', () => {
  const value = sealed(person(scattered(400, 100_000)));
  fc.assert(
    fc.property(
      fc.nat({ max: value.length - 1 }),
      fc.constantFrom('A', 'B', 'w', 'z', '0', '9', '-', '_', '=', ' ', ';'),
      (at, character) => {
        fc.pre(value[at] !== character);
        assert.equal(cookies.open(value.slice(0, at) + character + value.slice(at + 1), now).kind, 'invalid');
      },
    ),
  );
});

test('sessionCookies() calls a cookie of another version invalid, and never throws', () => {
  const unsealed: Sealer = {
    seal: (plain) => Buffer.from(plain).toString('hex'),
    open: (text) => Buffer.from(text, 'hex'),
  };
  const open = sessionCookies({ sealer: unsealed, idleMs: hour });
  const whole = open.seal(startSession(person([`${domain}-513`]), now)) ?? '';
  for (const hex of ['', '00', '01', '02', '0002', '0003', '01ff', whole.replace('0003', '0002'), `${whole}00`])
    assert.equal(open.open(hex, now).kind, 'invalid', hex);
  for (let length = 0; length < whole.length; length += 2)
    assert.equal(open.open(whole.slice(0, length), now).kind, 'invalid', `${length}`);
  assert.equal(open.open(whole, now).kind, 'ok');
});
