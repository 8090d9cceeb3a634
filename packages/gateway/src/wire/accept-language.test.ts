import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { preferredLanguage } from './accept-language.ts';

const offered = ['en', 'de', 'fr', 'pl'] as const;
const cases = [
  ['takes the first on offer without the field', undefined, 'en'],
  ['takes the one language', 'de', 'de'],
  ['takes a language without its region', 'de-AT', 'de'],
  ['takes a language without script and region', 'pl-Latn-PL', 'pl'],
  ['takes the heavier one', 'de;q=0.8, fr;q=0.9', 'fr'],
  ['takes the first of two that weigh the same', 'fr;q=0.5, de;q=0.5', 'fr'],
  ['reads a weight of one as the default', 'de;q=0.9, fr', 'fr'],
  ['passes over languages that nobody has', 'nl, da;q=0.9, pl;q=0.1', 'pl'],
  ['reads tags in any case', 'DE-at', 'de'],
  ['takes the first on offer for anything', '*', 'en'],
  ['takes the first on offer that is not refused', 'en;q=0, *;q=0.1', 'de'],
  ['takes the first that is not refused, when only refusals are there', 'en;q=0', 'de'],
  ['takes the first on offer when everything is refused', 'en;q=0, de;q=0, fr;q=0, pl;q=0', 'en'],
  ['does not take a weight of nothing for a wish', 'de;q=0.000, fr;q=0.001', 'fr'],
  ['does not take the refusal of a region for a wish', 'de-CH;q=0', 'en'],
  ['lets a refusal of a region leave the language', 'de-CH;q=0, de;q=0.5', 'de'],
  ['does not take a longer tag for the language', 'deu', 'en'],
  ['reads blanks around the parts', ' \tde ; q=0.9 ,\tfr ; q=1.000 ', 'fr'],
  ['passes over empty members', ',, de ,', 'de'],
  ['does not read a weight above one', 'de;q=1.1', 'en'],
  ['does not read a weight of four digits', 'de;q=0.9999', 'en'],
  ['does not read a negative weight', 'de;q=-1', 'en'],
  ['does not read a weight without its digit', 'de;q=.5', 'en'],
  ['does not read another parameter', 'de;level=1', 'en'],
  ['does not read a blank in a weight', 'de;q= 1', 'en'],
  ['does not read a subtag of nine letters', 'de-abcdefghi', 'en'],
  ['does not read an underscore', 'de_AT', 'en'],
  ['ignores the whole field for one wrong part', 'de, fr;q=2', 'en'],
  ['ignores a list of more than 40 ranges', `${'nl,'.repeat(40)}de`, 'en'],
  ['ignores a list of more than 1,000 characters', `de,${' '.repeat(1_000)}fr`, 'en'],
] as const;

for (const [name, value, expected] of cases) {
  test(`preferredLanguage() ${name}`, () => {
    assert.equal(preferredLanguage(value === undefined ? [] : ['Accept-Language', value], offered), expected);
  });
}

test('preferredLanguage() reads several fields as one list', () => {
  assert.equal(preferredLanguage(['Accept-Language', 'de;q=0.5', 'accept-language', 'fr'], offered), 'fr');
});

test('preferredLanguage() gives one of those on offer whatever is sent', () => {
  const piece = fc.constantFrom(
    'de',
    'fr',
    '*',
    'en',
    '-',
    ';',
    'q',
    '=',
    '0',
    '1',
    '.',
    ',',
    ' ',
    '\t',
    'é',
    '__proto__',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      assert.ok(offered.includes(preferredLanguage(['Accept-Language', pieces.join('')], offered)));
    }),
  );
});
