import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KeyRing, newMasterKey, rotated } from './key-ring.ts';
import { sealer } from './seal.ts';

const ring = new KeyRing([newMasterKey(0)]);
const session = sealer(ring, 'session');
const plain = Buffer.from('CORP\\alice');

test('sealer() opens what it sealed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => {
      assert.deepEqual(new Uint8Array(session.open(session.seal(bytes)) ?? [0]), bytes);
    }),
    { numRuns: 200 },
  );
});

test('sealer() never makes the same text twice', () => {
  assert.notEqual(session.seal(plain), session.seal(plain));
});

test('sealer() makes text that a cookie can carry as it is', () => {
  assert.match(session.seal(plain), /^[A-Za-z0-9_-]+$/);
});

test('sealer() refuses every altered byte', () => {
  const bytes = Buffer.from(session.seal(plain), 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ bit;
      assert.equal(session.open(altered.toString('base64url')), undefined, `byte ${at}, bit ${bit}`);
    }
  }
});

test('sealer() refuses every altered character, spare bits included', () => {
  for (const length of [10, 11, 12]) {
    const text = session.seal(plain.subarray(0, length));
    for (let at = 0; at < text.length; at++) {
      for (const other of 'AZaz09-_+/=. \n') {
        if (other === text[at]) continue;
        assert.equal(session.open(text.slice(0, at) + other + text.slice(at + 1)), undefined, `character ${at}`);
      }
    }
  }
});

test('sealer() refuses what is cut short or has more behind it', () => {
  const text = session.seal(plain);
  for (let length = 0; length < text.length; length++) assert.equal(session.open(text.slice(0, length)), undefined);
  for (const more of ['A', 'AA', 'AAA', 'AAAA', '=', ' ', text]) assert.equal(session.open(text + more), undefined);
});

test('sealer() refuses any text that it did not make, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => session.open(text) === undefined),
    { numRuns: 1_000 },
  );
});

test('sealer() refuses what is longer than any cookie before working on it', () => {
  assert.equal(session.open(session.seal(new Uint8Array(20_000))), undefined);
});

test('sealer() opens longer texts where it is told so, up to that length', () => {
  const bodies = sealer(ring, 'session-body', 30_000);
  const bytes = new Uint8Array(20_000);
  assert.deepEqual(bodies.open(bodies.seal(bytes)), Buffer.from(bytes));
  assert.equal(bodies.open(bodies.seal(new Uint8Array(30_000))), undefined);
});

test('sealer() does not open what another purpose sealed', () => {
  const text = sealer(ring, 'transaction').seal(plain);
  assert.equal(session.open(text), undefined);
  assert.deepEqual(sealer(ring, 'transaction').open(text), plain);
});

test('sealer() does not open what another ring sealed, even under the same key id', () => {
  const impostor = new KeyRing([{ ...newMasterKey(0), id: ring.newest.id }]);
  assert.equal(session.open(sealer(impostor, 'session').seal(plain)), undefined);
});

test('sealer() opens with older generations and seals with the newest', () => {
  const turning = new KeyRing([newMasterKey(0)]);
  const seals = sealer(turning, 'session');
  const before = seals.seal(plain);
  turning.replace(rotated(turning.keys, 1_000, 5_000));
  assert.deepEqual(seals.open(before), plain);
  const head = Buffer.from(seals.seal(plain), 'base64url').toString('hex', 1, 5);
  assert.equal(head, turning.newest.id);
});
