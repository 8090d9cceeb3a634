import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { EventData } from './event-data.ts';

/** The data of all events, when the stream comes in pieces of this size; `too-long` for one that is passed over. */
function events(stream: string | Uint8Array, size = 1 << 20, maxEvent = 100): readonly string[] {
  const found: string[] = [];
  const reader = new EventData({
    onData: (data) => found.push(data),
    onTooLong: () => found.push('too-long'),
    maxEvent,
  });
  const bytes = typeof stream === 'string' ? Buffer.from(stream) : stream;
  for (let at = 0; at < bytes.length; at += size) {
    const piece = Uint8Array.from(bytes.subarray(at, at + size));
    reader.push(piece);
    piece.fill(0x7e); // the engine uses its memory again
  }
  reader.end();
  return found;
}

for (const [what, stream, expected] of [
  ['events that end in LF', 'data: a\n\ndata: b\n\n', ['a', 'b']],
  ['events that end in CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
  ['events that end in CR', 'data: a\r\rdata: b\r\r', ['a', 'b']],
  ['data of several lines', 'data: a\ndata:b\ndata\ndata:  c\n\n', ['a\nb\n\n c']],
  ['comments, names and ids', ': ping\n\nevent: x\nid: 1\ndata: a\nretry: 2\ndatax: b\n\n', ['a']],
  ['characters outside ASCII', 'data: zażółć 陳 😀\n\n', ['zażółć 陳 😀']],
  ['a byte order mark', '\uFEFFdata: a\n\ndata: \uFEFFb\n\n', ['a', '\uFEFFb']],
  ['an end without a blank line', 'data: a\n\ndata: b', ['a', 'b']],
  ['an end without a blank line, after a line end', 'data: a\n', ['a']],
  ['an event that is too long', `data: ${'x'.repeat(200)}\ndata: y\n\ndata: b\n\n`, ['too-long', 'b']],
  ['an event of too many lines', `${'data: x\n'.repeat(30)}\ndata: b\n\n`, ['too-long', 'b']],
  ['an event after many comments', `${': ping\n'.repeat(50)}data: a\n\n`, ['a']],
  ['nothing', '', []],
] as const)
  test(`EventData reads ${what}, however it is split`, () => {
    for (const size of [1, 2, 3, 7, 1 << 20]) assert.deepEqual(events(stream, size), expected, `pieces of ${size}`);
  });

test('EventData finds the same in any bytes, however they are split', () => {
  const byte = fc.oneof(fc.constantFrom(...Buffer.from('\r\n\r\ndata: ')), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 300 }), fc.integer({ min: 1, max: 9 }), (bytes, size) => {
      const stream = Uint8Array.from(bytes);
      assert.deepEqual(events(stream, size, 40), events(stream, 1 << 20, 40));
    }),
  );
});

test('EventData finds what was written, however it is split', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', ':', 'ż', '😀', '{'), maxLength: 12 });
  fc.assert(
    fc.property(
      fc.array(fc.array(text, { minLength: 1, maxLength: 3 }), { maxLength: 6 }),
      fc.constantFrom('\n', '\r', '\r\n'),
      fc.integer({ min: 1, max: 20 }),
      (written, lineEnd, size) => {
        const stream = written.map((lines) => lines.map((line) => `data: ${line}${lineEnd}`).join('') + lineEnd);
        assert.deepEqual(
          events(stream.join(`: comment${lineEnd}`), size, 1_000),
          written.map((lines) => lines.join('\n')),
        );
      },
    ),
  );
});
