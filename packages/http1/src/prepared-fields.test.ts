import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { requestHead } from './outgoing-head.ts';
import { prepareFields } from './prepared-fields.ts';

const names = [
  'Host',
  'X-A',
  'expect',
  'Trailer',
  'Upgrade',
  'Connection',
  'Keep-Alive',
  'content-length',
  'Transfer-Encoding',
];
const bodies = [{ kind: 'none' }, { kind: 'length', length: 3 }, { kind: 'chunked' }] as const;

test('requestHead() writes prepared fields as it writes others, in front of them, for every kind of request', () => {
  const fields = fc
    .array(fc.tuple(fc.constantFrom(...names), fc.constantFrom('', 'a', '\u00e4 b')), { maxLength: 5 })
    .map((pairs) => pairs.flat());
  fc.assert(
    fc.property(fields, fields, fc.constantFrom(...bodies), fc.boolean(), (first, then, body, expectContinue) => {
      const request = { method: 'PUT', target: '/', body, upgrade: false, expectContinue };
      const whole = requestHead({ ...request, fields: [...first, ...then] });
      const prepared = prepareFields(first);
      // Twice: once they were put into text for other requests already.
      requestHead({ ...request, body: { kind: 'none' }, expectContinue: false, prepared: [prepared], fields: [] });
      assert.equal(requestHead({ ...request, prepared: [prepared], fields: then }), whole);
    }),
  );
});

test('prepareFields() refuses what would break a head', () => {
  for (const bad of [
    ['X', 'a\r\nY: b'],
    ['X', 'a\0'],
    ['X', '\u0100'],
    ['X Y', 'a'],
    ['', 'a'],
  ])
    assert.throws(() => prepareFields(['Host', 'a', ...bad]), TypeError);
});

test('prepareFields() is not moved by what becomes of the array that it was given', () => {
  const fields = ['Host', 'a', 'Expect', '100-continue'];
  const prepared = prepareFields(fields);
  fields[1] = 'b\r\n';
  assert.equal(prepared.lines({ chunked: false, expectContinue: true }), 'Host: a\r\nExpect: 100-continue\r\n');
});
