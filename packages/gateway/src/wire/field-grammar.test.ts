import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFieldValue, isToken, tokenList, trimBlanks } from './field-grammar.ts';

test('isToken() accepts every character of a token and no other', () => {
  const accepted = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(isToken);
  assert.equal(accepted.join(''), "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
});

test('isToken() refuses the empty text', () => assert.equal(isToken(''), false));

test('isFieldValue() refuses control characters other than the tab, and characters beyond a byte', () => {
  const refused = Array.from({ length: 300 }, (_, code) => code).filter(
    (code) => !isFieldValue(String.fromCharCode(code)),
  );
  const controls = Array.from({ length: 32 }, (_, code) => code).filter((code) => code !== 9);
  assert.deepEqual(refused, [...controls, 0x7f, ...Array.from({ length: 44 }, (_, i) => 256 + i)]);
});

test('tokenList() reads all fields as one list, in lower case, and skips empty members', () => {
  assert.deepEqual(tokenList(['Keep-Alive, ,\tUpgrade', 'close,']), ['keep-alive', 'upgrade', 'close']);
});

test('tokenList() gives up a list with a member that is no token', () => {
  assert.equal(tokenList(['close', 'x y']), 'malformed');
});

test('trimBlanks() cuts spaces and tabs, and leaves other white space', () => {
  assert.equal(trimBlanks(' \t\u00a0x\v \t'), '\u00a0x\v');
});
