import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { TopLevel } from './top-level.ts';

/** What it finds in a text that comes in pieces of this size. */
function scan(text: string | Uint8Array, size = 1 << 20): TopLevel {
  const found = new TopLevel('usage');
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for (let at = 0; at < bytes.length; at += size) found.push(bytes.subarray(at, at + size));
  return found;
}

for (const [what, text, value] of [
  ['a member of the outermost object', '{"id":"x","usage":{"a":[1,{"b":"}"}]},"z":1}', '{"a":[1,{"b":"}"}]}'],
  ['the last member', '{"usage" : 12 }', ' 12 '],
  ['the last of several', '{"usage":1,"usage":2}', '2'],
  ['nothing inside another object', '{"x":{"usage":1},"y":[{"usage":2}]}', undefined],
  ['nothing in a list', '[{"usage":1},"usage",2]', undefined],
  ['nothing in a text', '{"x":"\\"usage\\":1,","y\\\\":"usage"}', undefined],
  ['nothing that is longer than a usage can be', `{"usage":"${'x'.repeat(17_000)}"}`, undefined],
  ['what follows such a long one', `{"usage":"${'x'.repeat(17_000)}","usage":3}`, '3'],
  ['nothing of a name that only begins like it', '{"usage2":1,"usag":2,"Usage":3}', undefined],
  ['nothing of a value that was cut off', '{"usage":{"a":1', undefined],
  ['nothing after the end', '{} {"usage":1}', undefined],
] as const)
  test(`TopLevel finds ${what}`, () => {
    assert.equal(scan(text).value, value);
    assert.equal(scan(text, 1).value, value);
  });

test('TopLevel counts members and depth', () => {
  const found = scan('{"a":{"b":[[1]]},"a":2,"c":"{[","d\\"":3}');
  assert.deepEqual([found.members, found.deepest], [4, 4]);
});

test('TopLevel agrees with JSON.parse, however the text is split', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.oneof(fc.string({ unit: 'binary' }), fc.constant('usage')), fc.jsonValue({ maxDepth: 4 })),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 1),
      (members, size, indent) => {
        const text = JSON.stringify(members, undefined, indent);
        const found = scan(text, size);
        const parsed: Record<string, unknown> = JSON.parse(text);
        assert.equal(found.members, Object.keys(parsed).length);
        assert.deepEqual(found.value === undefined ? undefined : JSON.parse(found.value), parsed['usage']);
      },
    ),
  );
});

test('TopLevel takes any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 9 }), (bytes, size) => {
      const [whole, split] = [scan(bytes), scan(bytes, size)];
      assert.deepEqual([split.value, split.members, split.deepest], [whole.value, whole.members, whole.deepest]);
    }),
  );
});
