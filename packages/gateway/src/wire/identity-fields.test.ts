import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isFieldValue } from './field-grammar.ts';
import { encodeList, encodeValue } from './identity-fields.ts';

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

const values = [
  ['an account as it is', 'CORP\\alice', 'CORP\\alice', 'CORP\\alice'],
  ['a name with a space and a comma', 'Smith, Alice', 'Smith, Alice', 'Smith, Alice'],
  ['letters beyond ASCII', 'Jürgen', 'J%C3%BCrgen', utf8('Jürgen')],
  ['letters beyond the first plane', '𠮷田', '%F0%A0%AE%B7%E7%94%B0', utf8('𠮷田')],
  ['a percent sign', '100%', '100%25', '100%'],
  ['spaces at the ends', ' alice  ', '%20alice%20%20', utf8('\ufffdalice\ufffd\ufffd')],
  ['a line break', 'a\r\nX: y', 'a%EF%BF%BD%EF%BF%BDX: y', utf8('a\ufffd\ufffdX: y')],
  ['a null', 'ali\0ce', 'ali%EF%BF%BDce', utf8('ali\ufffdce')],
  ['a C1 control character', 'a\u0085b', 'a%EF%BF%BDb', utf8('a\ufffdb')],
  ['half a surrogate pair', 'a\ud800b', 'a%EF%BF%BDb', utf8('a\ufffdb')],
  ['nothing', '', '', ''],
] as const;

for (const [what, text, percent, raw] of values) {
  test(`encodeValue() writes ${what} in percent`, () => assert.equal(encodeValue(text, 'percent'), percent));
  test(`encodeValue() writes ${what} in utf-8`, () => assert.equal(encodeValue(text, 'utf-8'), raw));
}

test('encodeList() puts commas between values and leaves out empty ones', () => {
  assert.equal(encodeList(['team-ai', '', 'Domain Users'], 'percent'), 'team-ai,Domain Users');
  assert.equal(encodeList([], 'percent'), '');
});

test('encodeList() lets no comma inside a value make two of one', () => {
  assert.equal(encodeList(['a,it-admins'], 'percent'), 'a%2Cit-admins');
  assert.equal(encodeList(['a,it-admins'], 'utf-8'), utf8('a\ufffdit-admins'));
});

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(' ', ',', '%', '"', '\\', '\r', '\n', '\0', 'ü', '\u2028'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 12,
});

test('encodeValue() gives field values that lose nothing at their ends, whatever the text', () => {
  fc.assert(
    fc.property(text, fc.constantFrom('percent', 'utf-8'), (value, encoding) => {
      const encoded = encodeValue(value, encoding);
      assert.ok(isFieldValue(encoded));
      assert.doesNotMatch(encoded, /^[ \t]|[ \t]$|[\r\n]/);
      if (encoding === 'percent') assert.match(encoded, /^[ -~]*$/);
    }),
    { numRuns: 1000 },
  );
});

test('encodeList() in percent gives every list back, except for control characters', () => {
  const item = text
    .map((value) => value.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ''))
    .filter((value) => value !== '');
  fc.assert(
    fc.property(fc.array(item, { minLength: 1 }), (items) => {
      assert.deepEqual(encodeList(items, 'percent').split(',').map(decodeURIComponent), items);
    }),
    { numRuns: 1000 },
  );
});

test('encodeList() in utf-8 has as many members as the list', () => {
  fc.assert(
    fc.property(
      fc.array(
        text.filter((value) => value !== ''),
        { minLength: 1 },
      ),
      (items) => {
        assert.equal(encodeList(items, 'utf-8').split(',').length, items.length);
      },
    ),
    { numRuns: 1000 },
  );
});
