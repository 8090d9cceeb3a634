import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NdrError, NdrReader } from './ndr.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const u32 = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString('hex');
};
const header = '01100800cccccccc';

/** A serialized object: headers, top-level pointer, and these bytes padded to eight. */
function object(body: string): Uint8Array {
  const bytes = `00000200${body.replaceAll(/\s/g, '')}`;
  const padded = bytes.padEnd(Math.ceil(bytes.length / 16) * 16, '0');
  return hex(`${header}${u32(padded.length / 2)}00000000${padded}`);
}

test('NdrReader aligns each value from the start of the object', () => {
  const read = NdrReader.decode(object('0102 0304 0500 0000 0607 0000 08090a0b'), (ndr) => [
    ndr.u16(),
    ndr.u16(),
    ndr.u16(),
    ndr.u32(),
    ndr.u16(),
  ]);
  assert.deepEqual(read, [0x0201, 0x0403, 0x0005, 0x0706, 0x0908]);
});

test('NdrReader reads a string whose characters come later, with room to spare in the array', () => {
  // Length 4, maximum 6: two characters in an array of three (MS-PAC, 3.1 has such).
  const text = NdrReader.decode(object('0400 0600 04000200 03000000 00000000 02000000 6100 6200'), (ndr) =>
    ndr.characters(ndr.unicodeString()),
  );
  assert.equal(text, 'ab');
});

test('NdrReader reads null and empty strings as empty', () => {
  const texts = NdrReader.decode(object('0000 0000 00000000 0000 0000 04000200 00000000 00000000 00000000'), (ndr) => {
    const strings = [ndr.unicodeString(), ndr.unicodeString()];
    return strings.map((string) => ndr.characters(string));
  });
  assert.deepEqual(texts, ['', '']);
});

const readString = (ndr: NdrReader): string => ndr.characters(ndr.unicodeString());
const readNothing = (): void => undefined;

const refusals: readonly (readonly [string, Uint8Array, (ndr: NdrReader) => unknown])[] = [
  ['nothing', hex(''), readNothing],
  ['half a header', hex(header), readNothing],
  ['version 2', object('').with(0, 2), readNothing],
  ['big-endian', object('').with(1, 0), readNothing],
  ['another length of the common header', object('').with(2, 16), readNothing],
  ['an object that is longer than its buffer', object('').with(8, 16), readNothing],
  ['eight bytes behind the object', Uint8Array.of(...object(''), ...new Uint8Array(8)), readNothing],
  ['eight bytes left over in the object', object('00000000 0000000000000000'), readNothing],
  ['a null object', object('').with(18, 0), readNothing],
  ['a value beyond the end', object(''), (ndr) => [ndr.u32(), ndr.u32()]],
  ['a string of an odd length', object('0300 0400 04000200 02000000 00000000 01000000 6100'), readString],
  [
    'a string that is longer than its maximum',
    object('0400 0200 04000200 01000000 00000000 02000000 61006200'),
    readString,
  ],
  ['a null string that is not empty', object('0200 0200 00000000'), readString],
  ['a string with another maximum', object('0200 0200 04000200 02000000 00000000 01000000 6100'), readString],
  ['a string that does not begin at 0', object('0200 0400 04000200 02000000 01000000 01000000 6100'), readString],
  ['a string with another count', object('0200 0400 04000200 02000000 00000000 02000000 61006200'), readString],
  ['a string beyond the end', object('feff feff 04000200 ff7f0000 00000000 ff7f0000 6100'), readString],
  ['a lone surrogate', object('0200 0200 04000200 01000000 00000000 01000000 3dd8'), readString],
  [
    'an array of another size',
    object('02000000 0000000000000000'),
    (ndr) => {
      ndr.arraySize(1, 4);
      ndr.skip(8);
    },
  ],
  ['an array beyond the end', object('ffffffff'), (ndr) => ndr.arraySize(0xffffffff, 8)],
  ['an array that is one element too long', object('02000000 0000000000000000'), (ndr) => ndr.arraySize(2, 8)],
];

for (const [name, bytes, read] of refusals) {
  test(`NdrReader refuses ${name}`, () => assert.throws(() => NdrReader.decode(bytes, read), NdrError));
}
