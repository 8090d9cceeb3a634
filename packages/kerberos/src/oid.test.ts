import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fuzzRuns, spoiled } from '../test/mutate.ts';
import { DerError } from './der.ts';
import { decodeOid, encodeOid } from './oid.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

const pairs = [
  ['1.2.840.113554.1.2.2', '2a864886f712010202'],
  ['1.2.840.48018.1.2.2', '2a864882f712010202'],
  ['1.3.6.1.5.5.2', '2b0601050502'],
  ['1.3.6.1.4.1.311.2.2.10', '2b06010401823702020a'],
  ['1.3.6.1.4.1.311.2.2.30', '2b06010401823702021e'],
  ['0.0', '00'],
  ['0.39', '27'],
  ['1.0', '28'],
  ['1.39', '4f'],
  ['2.0', '50'],
  ['2.999.3', '883703'], // X.690 8.19.5
  ['1.2.562949953421311', '2affffffffffff7f'],
] as const;

for (const [text, bytes] of pairs) {
  test(`decodeOid() reads ${text}`, () => assert.equal(decodeOid(hex(bytes)), text));
  test(`encodeOid() writes ${text}`, () => assert.deepEqual(encodeOid(text), hex(bytes)));
}

const bad = [
  ['nothing', ''],
  ['an arc that is not in shortest form', '2a800148'],
  ['a first arc that is not in shortest form', '802a'],
  ['an end inside an arc', '2a86'],
  ['an arc of 8 bytes', '2affffffffffffff7f'],
  ['65 bytes', '2a'.repeat(65)],
] as const;

for (const [name, bytes] of bad) {
  test(`decodeOid() refuses ${name}`, () => assert.throws(() => decodeOid(hex(bytes)), DerError));
}

for (const text of [
  '',
  '1',
  '3.1',
  '1.40',
  '1.2.',
  '.1.2',
  '1..2',
  '1.02',
  '1.2.x',
  '1.2.562949953421312',
  `1.2${'.1'.repeat(64)}`,
]) {
  test(`encodeOid() refuses ${JSON.stringify(text.slice(0, 30))}`, () =>
    assert.throws(() => encodeOid(text), RangeError));
}

test('decodeOid() accepts nothing that encodeOid() does not write back', () => {
  fc.assert(
    fc.property(spoiled(pairs.map(([, bytes]) => hex(bytes))), (bytes) => {
      let text: string;
      try {
        text = decodeOid(bytes);
      } catch (error) {
        assert.ok(error instanceof DerError);
        return;
      }
      assert.deepEqual(encodeOid(text), bytes);
    }),
    { numRuns: fuzzRuns(3_000) },
  );
});
