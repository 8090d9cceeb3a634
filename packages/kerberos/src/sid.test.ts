import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fuzzRuns, spoiled } from '../test/mutate.ts';
import { SidError, sidFromBytes, sidsInDomain, sidToBytes } from './sid.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

const pairs = [
  ['S-1-5-9', '010100000000000509000000'],
  ['S-1-18-1', '010100000000001201000000'],
  // The worked example of MS-PAC, 3.1.
  ['S-1-5-21-397955417-626881126-188441444', '0104000000000005150000005951b81766725d2564633b0b'],
  ['S-1-4294967295-4294967295', '01010000ffffffffffffffff'],
  ['S-1-0x000100000000-0', '010100010000000000000000'],
  ['S-1-0xffffffffffff-1', '0101ffffffffffff01000000'],
] as const;

for (const [text, bytes] of pairs) {
  test(`sidFromBytes() writes ${text}`, () => assert.equal(sidFromBytes(hex(bytes)), text));
  test(`sidToBytes() reads ${text}`, () => assert.deepEqual(sidToBytes(text), hex(bytes)));
}

const badBytes = [
  ['nothing', ''],
  ['a SID without sub-authority', '0100000000000005'],
  ['revision 2', '020100000000000509000000'],
  ['16 sub-authorities', `0110000000000005${'00000000'.repeat(16)}`],
  ['a missing sub-authority', '010200000000000509000000'],
  ['a byte too much', '01010000000000050900000000'],
] as const;

for (const [name, bytes] of badBytes) {
  test(`sidFromBytes() refuses ${name}`, () => assert.throws(() => sidFromBytes(hex(bytes)), SidError));
}

const badTexts = [
  '',
  'S-1-5',
  's-1-5-9',
  'S-2-5-9',
  'S-1-5-09',
  'S-1-05-9',
  'S-1-5-',
  'S-1-5-9-',
  ' S-1-5-9',
  'S-1-5-9\n',
  'S-1-5-+9',
  'S-1-5--9',
  'S-1-5-4294967296',
  'S-1-4294967296-1',
  'S-1-0x000000000005-9',
  'S-1-0xFFFFFFFFFFFF-1',
  `S-1-5${'-1'.repeat(16)}`,
];

for (const text of badTexts) {
  test(`sidToBytes() refuses ${JSON.stringify(text)}`, () => assert.throws(() => sidToBytes(text), SidError));
}

test('sidsInDomain() appends relative identifiers', () => {
  assert.equal(sidsInDomain('S-1-5-21-1-2-3')(513), 'S-1-5-21-1-2-3-513');
});

test('sidsInDomain() refuses a domain that has 15 sub-authorities already', () => {
  assert.throws(() => sidsInDomain(`S-1-5${'-1'.repeat(15)}`), SidError);
  assert.equal(sidsInDomain(`S-1-5${'-1'.repeat(14)}`)(1), `S-1-5${'-1'.repeat(15)}`);
});

test('sidFromBytes() accepts nothing that sidToBytes() does not write back', () => {
  fc.assert(
    fc.property(spoiled(pairs.map(([, bytes]) => hex(bytes))), (bytes) => {
      const text = attempt(() => sidFromBytes(bytes));
      if (text !== undefined) assert.deepEqual(sidToBytes(text), bytes);
    }),
    { numRuns: fuzzRuns(2_000) },
  );
});

test('sidToBytes() accepts nothing that sidFromBytes() does not write back', () => {
  const part = fc.oneof(
    fc.constantFrom('0', '00', '01', '0x000100000000', '4294967295', '4294967296', '', 'x'),
    fc.nat().map(String),
  );
  fc.assert(
    fc.property(
      fc.constantFrom('S', 's', ' S'),
      fc.constantFrom('1', '2'),
      fc.array(part, { maxLength: 18 }),
      (s, v, parts) => {
        const text = [s, v, ...parts].join('-');
        const bytes = attempt(() => sidToBytes(text));
        if (bytes !== undefined) assert.equal(sidFromBytes(bytes), text);
      },
    ),
    { numRuns: fuzzRuns(2_000) },
  );
});

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof SidError);
    return undefined;
  }
}
