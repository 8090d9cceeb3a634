import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { refererWithout, takeQueryParameter, withoutParameterInReferer } from './query-parameter.ts';

const take = (query: string) => takeQueryParameter(query, 'stream_token');

const taken = [
  ['alone', '?stream_token=abc', 'abc', ''],
  ['first', '?stream_token=abc&x=1', 'abc', '?x=1'],
  ['last', '?x=1&stream_token=abc', 'abc', '?x=1'],
  ['in the middle', '?x=%41+%zz&stream_token=abc&&y', 'abc', '?x=%41+%zz&&y'],
  ['beside a second question mark', '?x=1?&stream_token=a', 'a', '?x=1?'],
  ['with an equals sign in its value', '?stream_token=a=b', 'a=b', ''],
  ['without a value', '?stream_token=', '', ''],
  ['without an equals sign', '?stream_token', '', ''],
] as const;

for (const [where, query, value, rest] of taken)
  test(`takeQueryParameter() takes the parameter that stands ${where}`, () => {
    assert.deepEqual(take(query), { kind: 'one', value, query: rest });
  });

for (const query of [
  '',
  '?',
  '?x=1',
  '?xstream_token=1',
  '?stream_tokens=1',
  '?x=stream_token',
  '?a&b=%',
  '?stream-token=1',
])
  test(`takeQueryParameter() finds nothing in "${query}"`, () => {
    assert.deepEqual(take(query), { kind: 'none' });
  });

const doubtful = [
  ['twice', '?stream_token=a&stream_token=b'],
  ['twice with the same value', '?stream_token=a&x=1&stream_token=a'],
  ['with its name encoded', '?stream%5Ftoken=a'],
  ['with a letter of its name encoded', '?%73tream_token=a'],
  ['encoded beside the plain one', '?stream_token=a&stream%5ftoken=b'],
  ['in capitals', '?Stream_Token=a'],
  ['with a dot, as PHP reads it', '?stream.token=a'],
  ['with a plus, as PHP reads it', '?stream+token=a'],
  ['as a list', '?stream_token[]=a'],
  ['as a list, encoded', '?stream_token%5B0%5D=a'],
  ['behind a blank', '?+stream_token=a'],
  ['behind a semicolon', '?x=1;stream_token=a'],
  ['before a semicolon', '?stream_token=a;x=1'],
  ['twice by a semicolon', '?stream_token=a;stream_token=b'],
  ['encoded beside bytes that are no UTF-8', '?stream%5ftoken[%ff]=a'],
] as const;

for (const [how, query] of doubtful)
  test(`takeQueryParameter() calls it ambiguous ${how}`, () => {
    assert.deepEqual(take(query), { kind: 'ambiguous' });
  });

test('takeQueryParameter() leaves nothing behind that a URL parser would find under the name', () => {
  const piece = fc.constantFrom(
    'a=1',
    'stream_token=x',
    'stream%5Ftoken=y',
    'STREAM_TOKEN=z',
    '',
    '=',
    '%',
    'b;c=2',
    'stream_token',
  );
  let ones = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
      const result = take(pieces.length === 0 ? '' : `?${pieces.join('&')}`);
      if (result.kind === 'ambiguous') return;
      const rest = result.kind === 'one' ? result.query : `?${pieces.join('&')}`;
      if (result.kind === 'one') ones++;
      assert.equal(new URLSearchParams(rest).get('stream_token'), null);
      // Every other piece is still there, in its place and as it was.
      const kept = pieces.filter((text) => text !== 'stream_token' && !text.startsWith('stream_token='));
      assert.equal(rest.slice(1), kept.join('&'));
    }),
  );
  assert.ok(ones > 5);
});

const referers = [
  ['https://desk.example/a?stream_token=s&b=1', 'https://desk.example/a?b=1'],
  ['https://desk.example/a?stream_token=s', 'https://desk.example/a'],
  ['https://desk.example/a?stream_token=s#f', 'https://desk.example/a#f'],
  ['https://desk.example/a?b=1&stream_token=s&stream_token=t&STREAM%5FTOKEN=u', 'https://desk.example/a?b=1'],
  ['https://desk.example/a?b=1;stream_token=s&c=2', 'https://desk.example/a?c=2'],
  ['https://desk.example/a?b=1', 'https://desk.example/a?b=1'],
  ['https://desk.example/stream_token=s', 'https://desk.example/stream_token=s'],
  ['not a URL at all?stream_token=s', 'not a URL at all'],
] as const;

for (const [value, cleaned] of referers)
  test(`refererWithout() makes ${cleaned} of ${value}`, () => {
    assert.equal(refererWithout(value, 'stream_token'), cleaned);
  });

test('withoutParameterInReferer() cleans each Referer, in whatever case its name is, and nothing else', () => {
  const fields = [
    'Referer',
    'https://a/?stream_token=s',
    'X-Url',
    'https://a/?stream_token=s',
    'REFERER',
    '?stream_token=s',
  ];
  assert.deepEqual(withoutParameterInReferer(fields, 'stream_token'), [
    'Referer',
    'https://a/',
    'X-Url',
    'https://a/?stream_token=s',
    'REFERER',
    '',
  ]);
});

test('withoutParameterInReferer() gives the very same fields when there is nothing to clean', () => {
  const fields = ['Referer', 'https://a/?b=1', 'Accept', '*/*'];
  assert.equal(withoutParameterInReferer(fields, 'stream_token'), fields);
});
