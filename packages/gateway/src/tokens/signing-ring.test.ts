import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { newSigningKey, type SigningKey } from './signing-key.ts';
import {
  dueAt,
  keySetMaxAgeMs,
  packSigningKeys,
  type SigningSchedule,
  SigningRing,
  unpackSigningKeys,
} from './signing-ring.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const schedule: SigningSchedule = {
  algorithm: 'ES256',
  bits: 2048,
  everyMs: 30 * day,
  aheadMs: hour,
  longestTokenMs: 4 * hour,
};

let made: SigningKey;
before(async () => {
  made = await newSigningKey({ algorithm: 'ES256', bits: 0 }, { createdAt: 0, usedFrom: 0 });
});
const key = (kid: string, usedFrom: number, more: Partial<SigningKey> = {}): SigningKey => ({
  ...made,
  kid,
  usedFrom,
  createdAt: usedFrom,
  ...more,
});
const kids = (keys: readonly SigningKey[]): readonly string[] => keys.map(({ kid }) => kid);

test('SigningRing signs with the key that began last, and not with one whose time is still to come', () => {
  const ring = new SigningRing([key('b', 10), key('c', 20), key('a', 0)]);
  assert.deepEqual(
    [9, 10, 19, 20].map((now) => ring.signer(now)?.kid),
    ['a', 'b', 'b', 'c'],
  );
});

test('SigningRing passes over keys that cannot sign', () => {
  const ring = new SigningRing([key('a', 0), key('b', 10, { privateKey: undefined })]);
  assert.equal(ring.signer(15)?.kid, 'a');
});

test('SigningRing signs with the first key of a replica whose clock is ahead, rather than not at all', () => {
  assert.equal(new SigningRing([key('a', 5)]).signer(0)?.kid, 'a');
});

test('SigningRing has no signer without keys', () => {
  assert.equal(new SigningRing().signer(0), undefined);
  assert.deepEqual(new SigningRing().jwks(), []);
});

test('SigningRing publishes every key, those that do not sign yet or any more as well', () => {
  const ring = new SigningRing([key('a', 0)]);
  assert.deepEqual(
    ring.jwks().map(({ kid }) => kid),
    ['a'],
  );
  ring.replace([key('a', 0), key('b', 99)]);
  assert.deepEqual(
    ring.jwks().map(({ kid }) => kid),
    ['a', 'b'],
  );
  assert.equal(ring.find('b')?.kid, 'b');
  assert.equal(ring.find('c'), undefined);
});

test('dueAt() wants a first key at once', () => {
  assert.deepEqual(dueAt([], schedule, 7), { kept: [], newFrom: 7 });
});

test('dueAt() wants the next key so early that it is published before it signs', () => {
  const keys = [key('a', 0)];
  assert.equal(dueAt(keys, schedule, 30 * day - hour - 1).newFrom, undefined);
  assert.equal(dueAt(keys, schedule, 30 * day - hour).newFrom, 30 * day);
  // After a long stop it is late, and published ahead all the same.
  assert.equal(dueAt(keys, schedule, 90 * day).newFrom, 90 * day + hour);
});

test('dueAt() wants no third key while the next one waits for its time', () => {
  const keys = [key('a', 0), key('b', 30 * day)];
  assert.equal(dueAt(keys, schedule, 30 * day - 1).newFrom, undefined);
  assert.equal(dueAt(keys, schedule, 30 * day).newFrom, undefined);
});

test('dueAt() keeps a key for as long as a token of its can be good', () => {
  const keys = [key('a', 0), key('b', 30 * day)];
  const last = 30 * day + schedule.longestTokenMs;
  assert.deepEqual(kids(dueAt(keys, schedule, last + minute).kept), ['a', 'b']);
  assert.deepEqual(kids(dueAt(keys, schedule, last + 2 * minute).kept), ['b']);
});

test('dueAt() wants another key when another algorithm is configured, published ahead as well', () => {
  assert.equal(dueAt([key('a', 0)], { ...schedule, algorithm: 'EdDSA' }, 5).newFrom, 5 + hour);
});

test('dueAt() wants another key when RSA keys are to be longer', async () => {
  const rsa = { algorithm: 'RS256', bits: 2048 } as const;
  const keys = [await newSigningKey(rsa, { createdAt: 0, usedFrom: 0 })];
  assert.equal(dueAt(keys, { ...schedule, ...rsa }, 5).newFrom, undefined);
  assert.equal(dueAt(keys, { ...schedule, ...rsa, bits: 3072 }, 5).newFrom, 5 + hour);
});

test('dueAt() wants a key at once when none of those that are there can sign', () => {
  assert.equal(dueAt([key('a', 0, { privateKey: undefined })], schedule, 5).newFrom, 5);
});

test('over a year of rotations, whoever keeps the key set for as long as is allowed knows every key that signs and every token that is good', () => {
  let keys: readonly SigningKey[] = [];
  let number = 0;
  const step = minute;
  /** Published key sets, by time, over the last five minutes. */
  const published: (readonly string[])[] = [];
  const signedBy: { readonly kid: string; readonly until: number }[] = [];
  const fast: SigningSchedule = { ...schedule, everyMs: day, aheadMs: 10 * minute };
  for (let now = 0; now < 40 * day; now += step) {
    const { kept, newFrom } = dueAt(keys, fast, now);
    keys = newFrom === undefined ? kept : [...kept, key(`k${number++}`, newFrom, { createdAt: now })];
    published.push(kids(keys));
    if (published.length > keySetMaxAgeMs / step) published.shift();
    const signer = new SigningRing(keys).signer(now)?.kid ?? '';
    assert.ok(
      published.every((set) => set.includes(signer)),
      `${signer} at ${now}`,
    );
    if (signedBy.at(-1)?.kid !== signer) signedBy.push({ kid: signer, until: now });
    signedBy[signedBy.length - 1] = { kid: signer, until: now + fast.longestTokenMs + minute };
    for (const { kid, until } of signedBy.slice(-3))
      if (now < until) assert.ok(kids(keys).includes(kid), `${kid} at ${now}`);
    assert.ok(keys.length <= 3);
  }
  assert.ok(number > 35);
});

test('unpackSigningKeys() gives the keys that were packed, those without a private half too', () => {
  const keys = [key(made.kid, 1), key(made.kid, 2, { privateKey: undefined })];
  const again = unpackSigningKeys(packSigningKeys(keys));
  assert.deepEqual(
    again.map(({ kid, usedFrom, createdAt, algorithm }) => ({ kid, usedFrom, createdAt, algorithm })),
    keys.map(({ kid, usedFrom, createdAt, algorithm }) => ({ kid, usedFrom, createdAt, algorithm })),
  );
  assert.equal(again[0]?.privateKey?.equals(made.privateKey ?? made.publicKey), true);
  assert.equal(again[1]?.privateKey, undefined);
});

for (const text of [
  '',
  '{}',
  'hunter2',
  '{"keys":[{}]}',
  '{"keys":[{"created_at":0,"used_from":0,"key":"aHVudGVyMg==","private":true}]}',
])
  test(`unpackSigningKeys() refuses ${JSON.stringify(text)}, and quotes nothing of it`, () => {
    assert.throws(
      () => unpackSigningKeys(Buffer.from(text)),
      (error) => error instanceof RangeError && !/hunter2|aHVu/.test(error.message),
    );
  });
