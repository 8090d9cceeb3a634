import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { contrast, inkOn, lightenedForDark, parseColour, readableContrast, sheets } from './page-colours.ts';

const value = (text: string): string | undefined => {
  const parsed = parseColour(text);
  return parsed.kind === 'ok' ? parsed.value : undefined;
};

test('parseColour() gives short and long colours one spelling', () => {
  assert.deepEqual([value('#0a5C36'), value('#aBc')], ['#0a5c36', '#aabbcc']);
});

for (const text of ['', '0a5c36', '#0a5c3', '#0a5c3g', '#0a5c3600', ' #fff', '#fff;x:y', 'red', 'rgb(0,0,0)'])
  test(`parseColour() refuses ${JSON.stringify(text)}`, () => assert.equal(value(text), undefined));

// The figures of WebAIM's and W3C's own examples.
const known = [
  ['#000000', '#ffffff', 21],
  ['#777777', '#ffffff', 4.48],
  ['#767676', '#ffffff', 4.54],
  ['#595959', '#ffffff', 7.0],
  ['#ff0000', '#ffffff', 4.0],
  ['#0000ff', '#ffffff', 8.59],
  ['#ffffff', '#ffffff', 1],
] as const;
for (const [one, other, expected] of known)
  test(`contrast() of ${one} and ${other} is ${expected}, whichever comes first`, () => {
    assert.equal(Number(contrast(one, other).toFixed(2)), expected);
    assert.equal(contrast(one, other), contrast(other, one));
  });

const colour = fc.integer({ min: 0, max: 0xffffff }).map((number) => `#${number.toString(16).padStart(6, '0')}`);

test('inkOn() can be read on every colour', () => {
  fc.assert(fc.property(colour, (any) => contrast(any, inkOn(any)) >= readableContrast));
});

test('lightenedForDark() can be read on the dark sheet, and leaves what can be read already', () => {
  fc.assert(
    fc.property(colour, (any) => {
      const lighter = lightenedForDark(any);
      assert.ok(contrast(lighter, sheets.dark) >= readableContrast);
      if (contrast(any, sheets.dark) >= readableContrast) assert.equal(lighter, any);
    }),
  );
});
