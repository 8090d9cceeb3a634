import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyRing, newMasterKey, rotated } from '../tokens/key-ring.ts';
import { csrfTokens } from './csrf.ts';

const ring = new KeyRing([newMasterKey(0)]);
const tokens = csrfTokens(ring);

test('csrfTokens() takes the token of a session, and that alone', () => {
  const token = tokens.tokenFor('one');
  assert.equal(tokens.matches(token, 'one'), true);
  assert.equal(tokens.matches(token, 'two'), false);
  assert.equal(tokens.matches(tokens.tokenFor('two'), 'one'), false);
});

test('csrfTokens() refuses whatever is not a token of ours in its one spelling', () => {
  const token = tokens.tokenFor('one');
  const altered = token.slice(0, -2) + (token.at(-2) === 'A' ? 'B' : 'A') + token.slice(-1);
  for (const other of [
    '',
    '.',
    token.slice(1),
    `${token}=`,
    ` ${token}`,
    token.toUpperCase(),
    altered,
    token.replace('.', ','),
  ])
    assert.equal(tokens.matches(other, 'one'), false, other);
});

test('csrfTokens() takes tokens of an older key until it leaves the ring', () => {
  const keys = new KeyRing([newMasterKey(0)]);
  const old = csrfTokens(keys).tokenFor('one');
  keys.replace(rotated(keys.keys, 10, 100));
  assert.equal(csrfTokens(keys).matches(old, 'one'), true);
  keys.replace(keys.keys.slice(0, 1));
  assert.equal(csrfTokens(keys).matches(old, 'one'), false);
});
