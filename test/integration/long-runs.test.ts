import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { binaryReaders, structures } from './binary-readers.ts';
import { durationOf, inShape, shapes, slowest } from './long-runs.ts';
import { textReaders } from './text-readers.ts';

/*
 * Half a head of a request: what anybody may send. Whoever looks at each byte a few times is through in some milliseconds;
 * whoever looks at each one again for every other needs half a second and more.
 */
const LENGTH = 32 * 1024;
const LIMIT_MS = 150;

suite('readers of text', () => {
  for (const { name, read } of textReaders)
    test(`${name} reads long runs of anything in a time that grows no faster than they do`, () => {
      const { ms, shape } = slowest(read, shapes, LENGTH);
      assert.ok(ms < LIMIT_MS, `${Math.round(ms)} ms for ${shape}`);
    });
});

suite('readers of bytes', () => {
  const runs = Array.from({ length: 37 }, (_, i) => ({
    name: `bytes ${i * 7}`,
    bytes: new Uint8Array(LENGTH).fill(i * 7),
  }));
  const texts = shapes.map((shape) => ({
    name: JSON.stringify(shape),
    bytes: Buffer.from(inShape(shape, LENGTH), 'latin1'),
  }));
  const whole = [...structures(LENGTH), ...runs, ...texts.filter((_, i) => i % 4 === 0)];
  // What takes a microsecond for each byte is given less to read.
  const bytewise = [
    ...structures(LENGTH),
    ...runs.filter((_, i) => i % 6 === 0),
    ...texts.filter((_, i) => i % 40 === 0),
  ];

  for (const { name, read } of binaryReaders)
    test(`${name} reads long runs of anything in a time that grows no faster than they do`, () => {
      for (const { name: input, bytes } of name.endsWith(', whole') || !name.includes(', ') ? whole : bytewise) {
        const ms = durationOf(read, bytes);
        assert.ok(ms < LIMIT_MS, `${Math.round(ms)} ms for ${input}`);
      }
    });
});

test('slowest() finds a reader that looks at every blank once for each other one', () => {
  const blanks = { before: 'a', again: ' ', after: 'a' };
  const { ms, shape } = slowest((text) => text.replace(/ +$/, '').length, [{ ...blanks, again: 'b' }, blanks], LENGTH);
  assert.ok(ms > LIMIT_MS, `only ${ms} ms`);
  assert.equal(shape, JSON.stringify(blanks));
});
