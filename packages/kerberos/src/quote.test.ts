import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quote, quoteAll } from './quote.ts';

test('quote() replaces what could end a line, hide text or leave the quotes', () => {
  assert.equal(quote('a\nb\u202ec\u2028d"e\u0000'), '"a?b?c?d?e?"');
});

test('quote() keeps letters of all scripts', () => assert.equal(quote('jürgen łuk'), '"jürgen łuk"'));

test('quote() bounds its length', () => assert.equal(quote('x'.repeat(500)).length, 125));

test('quoteAll() names five and counts the rest', () => {
  assert.equal(quoteAll(['a', 'b', 'c', 'd', 'e', 'f', 'g']), '"a", "b", "c", "d", "e" and 2 more');
});
