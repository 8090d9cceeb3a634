import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PackedError, PackedReader, PackedWriter } from './packed.ts';

test('PackedReader reads what PackedWriter wrote', () => {
  const parts = fc.record({
    number: fc.oneof(fc.maxSafeNat(), fc.nat({ max: 300 })),
    text: fc.string({ unit: 'grapheme' }),
    optional: fc.option(fc.string(), { nil: undefined }),
    bytes: fc.uint8Array(),
    list: fc.array(fc.nat()),
  });
  fc.assert(
    fc.property(parts, ({ number, text, optional, bytes, list }) => {
      const writer = new PackedWriter();
      writer.number(number);
      writer.text(text);
      writer.optionalText(optional);
      writer.bytes(bytes);
      writer.list(list, (each) => writer.number(each));
      const reader = new PackedReader(writer.end());
      assert.equal(reader.number(), number);
      assert.equal(reader.text(), text);
      assert.equal(reader.optionalText(), optional);
      assert.deepEqual(new Uint8Array(reader.bytes()), bytes);
      assert.deepEqual(
        reader.list(() => reader.number()),
        list,
      );
      reader.end();
    }),
  );
});

test('PackedReader accepts a number only in the form that PackedWriter gives it', () => {
  const padded = (byte: number): fc.Arbitrary<Uint8Array> =>
    fc
      .uint8Array({ minLength: 1, maxLength: 8 })
      .map((bytes) => Uint8Array.from([...bytes.map((each) => each | 0x80), byte]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 10 }), padded(0), padded(1), padded(0x7f)), (bytes) => {
      const reader = new PackedReader(bytes);
      let value: number;
      try {
        value = reader.number();
        reader.end();
      } catch (error) {
        assert.ok(error instanceof PackedError);
        return;
      }
      const writer = new PackedWriter();
      writer.number(value);
      assert.deepEqual(new Uint8Array(writer.end()), bytes);
    }),
    { numRuns: 2_000 },
  );
});

const cases: readonly (readonly [string, readonly number[], (reader: PackedReader) => unknown])[] = [
  ['a number without an end', [0x80], (reader) => reader.number()],
  ['a number above 2^53 - 1', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], (reader) => reader.number()],
  ['a padded number', [0x80, 0x00], (reader) => reader.number()],
  ['bytes that are longer than the input', [2, 1], (reader) => reader.bytes()],
  [
    'a list that is longer than the input',
    [0x80, 0x80, 0x80, 0x80, 0x20, 1],
    (reader) => reader.list(() => reader.number()),
  ],
  ['a text that is not UTF-8', [2, 0xc0, 0xaf], (reader) => reader.text()],
  ['an option that is neither present nor absent', [2, 0], (reader) => reader.optionalText()],
  ['bytes left over', [0], (reader) => reader.end()],
];
for (const [name, bytes, read] of cases) {
  test(`PackedReader refuses ${name}`, () => {
    assert.throws(() => read(new PackedReader(Uint8Array.from(bytes))), PackedError);
  });
}

test('PackedWriter refuses what is no unsigned integer', () => {
  for (const value of [-1, 1.5, Number.NaN, 2 ** 53]) assert.throws(() => new PackedWriter().number(value), RangeError);
});
