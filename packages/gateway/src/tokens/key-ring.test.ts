import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyRing, newMasterKey, type Purpose, publicJwk, readStoredKey, rotated, storedKey } from './key-ring.ts';

const hour = 3_600_000;

test('KeyRing gives the newest generation, whatever the order it was made with', () => {
  const [old, young] = [newMasterKey(1), newMasterKey(2)];
  assert.equal(new KeyRing([old, young]).newest.id, young.id);
  assert.equal(new KeyRing([young, old]).newest.id, young.id);
});

test('KeyRing refuses to be empty', () => {
  assert.throws(() => new KeyRing([]), RangeError);
});

test('KeyRing refuses two generations with one id', () => {
  const key = newMasterKey(1);
  assert.throws(() => new KeyRing([key, { ...newMasterKey(2), id: key.id }]), RangeError);
});

test('KeyRing derives a different key for each purpose and generation, and never the secret itself', () => {
  const keys = [newMasterKey(1), newMasterKey(2)];
  const ring = new KeyRing(keys);
  const purposes: readonly Purpose[] = ['session', 'transaction', 'csrf', 'stream', 'approval'];
  const derived = keys.flatMap((key) => purposes.map((purpose) => hex(ring.derive(key.id, purpose))));
  const secrets = keys.map((key) => hex(key.secret));
  assert.equal(new Set([...derived, ...secrets]).size, derived.length + secrets.length);
});

test('KeyRing derives the same key again after a restart', () => {
  const key = newMasterKey(1);
  const first = new KeyRing([key]).derive(key.id, 'session');
  const second = new KeyRing([readStoredKey(JSON.parse(JSON.stringify(storedKey(key))))]).derive(key.id, 'session');
  assert.deepEqual(first, second);
});

test('KeyRing derives nothing for a generation that was replaced', () => {
  const key = newMasterKey(1);
  const ring = new KeyRing([key]);
  assert.notEqual(ring.derive(key.id, 'session'), undefined);
  ring.replace([newMasterKey(2)]);
  assert.equal(ring.derive(key.id, 'session'), undefined);
});

test('KeyRing publishes the public halves only', () => {
  const keys = [newMasterKey(1), newMasterKey(2)];
  const { keys: published } = new KeyRing(keys).jwks();
  assert.deepEqual(
    published.map(({ kid }) => kid),
    [keys[1]?.id, keys[0]?.id],
  );
  for (const jwk of published) assert.deepEqual(Object.keys(jwk), ['kty', 'crv', 'x', 'y', 'kid', 'alg', 'use']);
});

test('rotated() puts a new generation first and keeps the one that was in use', () => {
  const key = newMasterKey(0);
  const keys = rotated([key], 100 * hour, 8 * hour);
  assert.equal(keys.length, 2);
  assert.equal(keys[0]?.createdAt, 100 * hour);
  assert.equal(keys[1]?.id, key.id);
});

test('rotated() keeps a generation as long as a session sealed at its last moment may live', () => {
  const keys = [newMasterKey(10 * hour), newMasterKey(0)];
  assert.equal(rotated(keys, 18 * hour, 8 * hour).length, 3);
  assert.equal(rotated(keys, 18 * hour + 1, 8 * hour).length, 2);
});

test('readStoredKey() reads what storedKey() wrote', () => {
  const key = newMasterKey(1_234);
  const again = readStoredKey(JSON.parse(JSON.stringify(storedKey(key))));
  assert.deepEqual(
    { ...again, signing: publicJwk(again) },
    { ...key, signing: publicJwk(key), secret: new Uint8Array(key.secret) },
  );
});

const good = storedKey(newMasterKey(0));
const wrong: readonly (readonly [string, unknown])[] = [
  ['nothing', null],
  ['a text', 'key'],
  ['a missing part', { ...good, signing: undefined }],
  ['an id of another form', { ...good, id: 'KEY' }],
  ['a date that is none', { ...good, created_at: 'yesterday' }],
  ['a short secret', { ...good, secret: good.secret.slice(4) }],
  ['a signing key that is none', { ...good, signing: good.secret }],
];
for (const [name, value] of wrong) {
  test(`readStoredKey() refuses ${name} without quoting key material`, () => {
    assert.throws(
      () => readStoredKey(value),
      (error) =>
        error instanceof RangeError &&
        !error.message.includes(good.secret) &&
        !error.message.includes(good.signing.slice(0, 20)),
    );
  });
}

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

test('KeyRing asks for newer generations when one is wanted that it does not have, and takes them over', () => {
  const [known, other] = [newMasterKey(1), newMasterKey(2)];
  const ring = new KeyRing([known], () => [other, known]);
  assert.equal(ring.newest.id, known.id);
  assert.deepEqual(ring.derive(other.id, 'session'), new KeyRing([other]).derive(other.id, 'session'));
  assert.equal(ring.newest.id, other.id);
});

test('KeyRing does not ask for newer generations while it has the one that is wanted', () => {
  const key = newMasterKey(1);
  const ring = new KeyRing([key], () => assert.fail());
  ring.derive(key.id, 'session');
  ring.derive(key.id, 'csrf');
});

test('KeyRing derives nothing for a generation that nobody has', () => {
  const ring = new KeyRing([newMasterKey(1)], () => undefined);
  assert.equal(ring.derive('00000000', 'session'), undefined);
});

test('KeyRing publishes the newest generations there are', () => {
  const [known, other] = [newMasterKey(1), newMasterKey(2)];
  const ring = new KeyRing([known], () => [other, known]);
  assert.equal(ring.jwks().keys.length, 2);
});
