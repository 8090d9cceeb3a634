import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { requestHead } from './outgoing-head.ts';
import { prepareAsReceived, prepareFields } from './prepared-fields.ts';

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

test('prepareAsReceived() leaves what frames the content in its place, and nothing else that is ours to write', () => {
  const fields = ['A', '1', 'content-LENGTH', '003', 'Connection', 'x', 'Upgrade', 'h2c', 'Expect', '100-continue'];
  const block = prepareAsReceived(fields);
  assert.equal(block.framing, 3);
  assert.equal(block.lines({ chunked: false, expectContinue: false }), 'A: 1\r\ncontent-LENGTH: 003\r\n');
  const chunked = prepareAsReceived(['Transfer-Encoding', 'chunked', 'Trailer', 'X-Sum']);
  assert.equal(chunked.framing, 'chunked');
  assert.equal(
    chunked.lines({ chunked: true, expectContinue: false }),
    'Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n',
  );
  assert.equal(prepareAsReceived(['A', '1']).framing, 'none');
});
