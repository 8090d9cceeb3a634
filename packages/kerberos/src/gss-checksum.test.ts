import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fuzzRuns, spoiled } from '../test/mutate.ts';
import { GssError } from './gss.ts';
import { encodeGssChecksum, GssFlag, readGssChecksum } from './gss-checksum.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

const bnd = '000102030405060708090a0b0c0d0e0f';
const plain = hex(`10000000 ${bnd} 3e000000`);
const delegating = hex(`10000000 ${bnd} 3f000000 0100 0300 aabbcc`);
const extended = hex(`10000000 ${bnd} 3f000000 0100 0300 aabbcc 00000002 00000002 dead 00000001 00000000`);

test('readGssChecksum() reads bindings and flags', () => {
  assert.deepEqual(readGssChecksum(plain), { bindings: hex(bnd), flags: 0x3e, extensions: [] });
});

test('readGssChecksum() finds the delegated credential by its length', () => {
  const { flags, delegation, extensions } = readGssChecksum(delegating);
  assert.equal(flags & GssFlag.delegation, GssFlag.delegation);
  assert.deepEqual({ delegation, extensions }, { delegation: hex('aabbcc'), extensions: [] });
});

test('readGssChecksum() reads extensions behind a delegated credential (RFC 6542, 3)', () => {
  assert.deepEqual(readGssChecksum(extended).extensions, [
    { type: 2, data: hex('dead') },
    { type: 1, data: hex('') },
  ]);
});

test('readGssChecksum() reads extensions without a delegated credential', () => {
  assert.deepEqual(readGssChecksum(hex(`10000000 ${bnd} 02000000 00000002 00000001 ff`)).extensions, [
    { type: 2, data: hex('ff') },
  ]);
});

const bad = [
  ['nothing', ''],
  ['23 bytes', `10000000 ${bnd} 3e0000`],
  ['bindings of 15 bytes', `0f000000 ${bnd} 3e000000`],
  ['bindings of 2^28 bytes', `00000010 ${bnd} 3e000000`],
  ['delegation announced and missing', `10000000 ${bnd} 3f000000`],
  ['delegation of another kind', `10000000 ${bnd} 3f000000 0200 0100 aa`],
  ['a delegated credential that is cut short', `10000000 ${bnd} 3f000000 0100 0400 aabbcc`],
  ['delegation that was not announced', `10000000 ${bnd} 3e000000 0100 0300 aabbcc`],
  ['an extension header that is cut short', `10000000 ${bnd} 3e000000 00000001 000000`],
  ['an extension that is cut short', `10000000 ${bnd} 3e000000 00000001 00000002 aa`],
  ['an extension of 4 GiB', `10000000 ${bnd} 3e000000 00000001 ffffffff aa`],
] as const;

for (const [name, bytes] of bad) {
  test(`readGssChecksum() refuses ${name}`, () => {
    assert.throws(
      () => readGssChecksum(hex(bytes)),
      (error) => error instanceof GssError && error.code === 'gss-checksum',
    );
  });
}

test('readGssChecksum() accepts nothing that encodeGssChecksum() does not write back', () => {
  fc.assert(
    fc.property(spoiled([plain, delegating, extended]), (bytes) => {
      let checksum: ReturnType<typeof readGssChecksum>;
      try {
        checksum = readGssChecksum(bytes);
      } catch (error) {
        assert.ok(error instanceof GssError);
        return;
      }
      assert.deepEqual(Uint8Array.from(encodeGssChecksum(checksum)), bytes);
    }),
    { numRuns: fuzzRuns(3_000) },
  );
});
