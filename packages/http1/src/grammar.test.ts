import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokens, trimBlanks } from './grammar.ts';

test('tokens() gives the members of a list in lower case and skips empty ones', () => {
  assert.deepEqual(tokens(' Keep-Alive,,\tUpgrade '), ['keep-alive', 'upgrade']);
});

test('tokens() refuses a list with a member that is no token', () => {
  assert.equal(tokens('close, a b'), 'malformed');
});

test('trimBlanks() takes spaces and tabs from both ends and nothing else', () => {
  assert.equal(trimBlanks('\t a b\u00a0 '), 'a b\u00a0');
});

// A reader that looks at each blank once for every other one would be at this for half an hour, and the test would time out.
test('tokens() reads a run of two million blanks inside a member', () => {
  assert.equal(tokens(`a${' '.repeat(2_000_000)}b`), 'malformed');
});
