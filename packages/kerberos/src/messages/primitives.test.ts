import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DerError, DerReader, encodeTlv, Tag } from '../der.ts';
import {
  encodeFlags,
  encodeInteger,
  encodeKerberosString,
  encodeKerberosTime,
  flagsOf,
  hasFlag,
  readFlags,
  readInt32,
  readKerberosString,
  readKerberosTime,
  readList,
  readMicroseconds,
  readRealm,
  readUInt32,
} from './primitives.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const int32 = (text: string): number => DerReader.decode(hex(text), readInt32);
const string = (bytes: Uint8Array): string => DerReader.decode(encodeTlv(Tag.generalString, bytes), readKerberosString);
const time = (text: string): number =>
  DerReader.decode(encodeTlv(Tag.generalizedTime, Buffer.from(text, 'latin1')), readKerberosTime);
const flags = (text: string) => DerReader.decode(encodeTlv(Tag.bitString, hex(text)), readFlags);

const integers = [
  ['0', '02 01 00', 0],
  ['the largest of one byte', '02 01 7f', 127],
  ['the smallest that needs a zero in front', '02 02 00 80', 128],
  ['-1', '02 01 ff', -1],
  ['the lowest Int32', '02 04 80 00 00 00', -0x80000000],
  ['the highest Int32', '02 04 7f ff ff ff', 0x7fffffff],
] as const;
for (const [what, bytes, value] of integers) {
  test(`readInt32() reads ${what}`, () => assert.equal(int32(bytes), value));
  test(`encodeInteger() writes ${what}`, () =>
    assert.deepEqual(Buffer.from(encodeInteger(value)), Buffer.from(hex(bytes))));
}

const badIntegers = [
  ['without contents', '02 00'],
  ['with a zero too many', '02 02 00 7f'],
  ['with an FF too many', '02 02 ff 80'],
  ['above Int32', '02 05 00 80 00 00 00'],
  ['below Int32', '02 05 ff 7f ff ff ff'],
  ['of six bytes', '02 06 01 00 00 00 00 00'],
] as const;
for (const [what, bytes] of badIntegers)
  test(`readInt32() refuses an integer ${what}`, () => assert.throws(() => int32(bytes), DerError));

test('readUInt32() reads the highest, and keeps a number that was written as negative', () => {
  assert.equal(DerReader.decode(hex('02 05 00 ff ff ff ff'), readUInt32), 0xffffffff);
  assert.equal(DerReader.decode(hex('02 01 fe'), readUInt32), -2);
});

test('readMicroseconds() refuses a million', () => {
  assert.equal(DerReader.decode(encodeInteger(999_999), readMicroseconds), 999_999);
  assert.throws(() => DerReader.decode(encodeInteger(1_000_000), readMicroseconds), DerError);
});

test('encodeInteger() and readUInt32() work circularly', () => {
  fc.assert(
    fc.property(fc.integer({ min: -0x80000000, max: 0xffffffff }), (value) => {
      assert.equal(DerReader.decode(encodeInteger(value), readUInt32), value);
    }),
  );
});

test('readKerberosString() reads UTF-8, a byte order mark included', () => {
  assert.equal(string(Buffer.from('jürgen.łuk')), 'jürgen.łuk');
  assert.equal(string(Buffer.from('\ufeffa')), '\ufeffa');
});

const badStrings = [
  ['Latin-1', 'fc'],
  ['an overlong form', 'c0 af'],
  ['a surrogate', 'ed a0 80'],
  ['a NUL', '61 00'],
  ['a line feed', '61 0a'],
  ['DEL', '7f'],
  ['a C1 control character', 'c2 85'],
] as const;
for (const [what, bytes] of badStrings)
  test(`readKerberosString() refuses ${what}`, () => assert.throws(() => string(hex(bytes)), DerError));

test('readKerberosString() refuses more than 1,024 bytes', () => {
  assert.equal(string(Buffer.alloc(1024, 'a')).length, 1024);
  assert.throws(() => string(Buffer.alloc(1025, 'a')), DerError);
});

test('readRealm() refuses an empty realm', () => {
  assert.throws(() => DerReader.decode(encodeKerberosString(''), readRealm), /realm is empty/);
});

test('readKerberosTime() reads 29 February of a leap year', () => {
  assert.equal(time('20240229235959Z'), Date.UTC(2024, 1, 29, 23, 59, 59));
});

const badTimes = [
  '20230229000000Z',
  '19000229000000Z',
  '20260431000000Z',
  '20261301000000Z',
  '20260001000000Z',
  '20260100000000Z',
  '20260101240000Z',
  '20260101006000Z',
  '20260101000060Z',
  '19691231235959Z',
  '20260101000000',
  '20260101000000z',
  '20260101000000.5Z',
  '20260101000000+0000',
  '2026010100000 Z',
  '202601010000Z',
  '+2026010100000Z',
];
for (const text of badTimes)
  test(`readKerberosTime() refuses ${text}`, () => assert.throws(() => time(text), DerError));

test('encodeKerberosTime() and readKerberosTime() work circularly for whole seconds', () => {
  const seconds = fc.integer({ min: 0, max: 253_402_300_799 });
  fc.assert(
    fc.property(seconds, (s) =>
      assert.equal(DerReader.decode(encodeKerberosTime(s * 1000), readKerberosTime), s * 1000),
    ),
  );
});

test('readFlags() reads 32 bits and hasFlag() counts from the most significant', () => {
  const read = flags('00 40 00 00 01');
  assert.deepEqual(
    [hasFlag(read, 0), hasFlag(read, 1), hasFlag(read, 31), hasFlag(read, 32)],
    [false, true, true, false],
  );
});

test('readFlags() keeps more than 32 bits', () => {
  assert.equal(hasFlag(flags('04 00 00 00 00 10'), 35), true);
});

const badFlags = [
  ['fewer than 32 bits', '00 00 00 00'],
  ['31 bits', '01 00 00 00 00'],
  ['no contents', ''],
  ['unused bits that are set', '04 00 00 00 00 11'],
  ['eight unused bits', '08 00 00 00 00 00'],
  ['17 bytes', `00${'00'.repeat(17)}`],
] as const;
for (const [what, bytes] of badFlags)
  test(`readFlags() refuses ${what}`, () => assert.throws(() => flags(bytes), DerError));

test('flagsOf() sets exactly these bits', () => {
  assert.deepEqual(Buffer.from(encodeFlags(flagsOf(2))).toString('hex'), '03050020000000');
});

test('readList() refuses one element above its limit', () => {
  const list = (n: number): Uint8Array => encodeTlv(Tag.sequence, ...Array.from({ length: n }, () => encodeInteger(1)));
  const read = (bytes: Uint8Array) => DerReader.decode(bytes, (der) => readList(der, 1, 3, readInt32));
  assert.deepEqual(read(list(3)), [1, 1, 1]);
  assert.throws(() => read(list(4)), /more than 3 elements/);
  assert.throws(() => read(list(0)), /fewer than 1 elements/);
});
