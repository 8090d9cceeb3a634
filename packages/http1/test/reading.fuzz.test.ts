import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RequestLine, StatusLine } from '../src/head.ts';
import { fuzzRuns, requests, responses } from './message-grammar.ts';
import { cut, type Entry, latin1, type Reading, transcript } from './transcript.ts';

const kinds = [
  ['requests', requests, { kind: 'request' }],
  ['responses to GET', responses, { kind: 'response' }],
  ['responses to HEAD and GET', responses, { kind: 'response', methods: ['HEAD', 'GET'] }],
] as const satisfies readonly (readonly [string, fc.Arbitrary<Buffer>, Reading])[];

/** Small enough for the generated messages to meet every limit. */
const tight = { headBytes: 90, headerCount: 4, bodyBytes: 7 };

for (const [what, streams, reading] of kinds) {
  for (const [limits, under] of [
    [{}, 'wide limits'],
    [tight, 'tight limits'],
  ] as const) {
    test(`MessageReader reads ${what} under ${under} alike, wherever they are cut`, () => {
      fc.assert(
        fc.property(streams, fc.boolean(), (bytes, ends) => {
          const options = { ...reading, limits, ends };
          const whole = transcript([bytes], options);
          for (let at = 1; at < bytes.length; at++) assert.deepEqual(transcript(cut(bytes, at), options), whole);
          const single = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
          assert.deepEqual(transcript(single, options), whole);
          for (const pausing of ['shortly', 'for long'] as const) {
            assert.deepEqual(transcript([bytes], { ...options, pausing }), whole);
            assert.deepEqual(transcript(single, { ...options, pausing }), whole);
            assert.deepEqual(transcript(cut(bytes, 1, bytes.length >> 1), { ...options, pausing }), whole);
          }
        }),
        { numRuns: fuzzRuns(150) },
      );
    });
  }

  test(`MessageReader reads ${what} so that they mean the same when they are written anew`, () => {
    let accepted = 0;
    fc.assert(
      fc.property(streams, (bytes) => {
        const read = withoutFault(transcript([bytes], { ...reading, ends: true }));
        accepted += read.filter((entry) => 'end' in entry).length;
        assert.deepEqual(withoutFault(transcript([latin1(written(read))], { ...reading, ends: true })), read);
      }),
      { numRuns: fuzzRuns(1_500) },
    );
    // A generator that makes nothing but nonsense would prove nothing.
    assert.ok(accepted > 300, `only ${accepted} messages were accepted`);
  });
}

test('MessageReader survives any bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }), (pieces) => {
      for (const kind of ['request', 'response'] as const) transcript(pieces, { kind, ends: true });
    }),
  );
});

const withoutFault = (entries: readonly Entry[]): Entry[] => {
  const end = entries.findLastIndex((entry) => 'end' in entry);
  return entries.slice(0, end + 1);
};

/** The messages as bytes: a chunked one as one chunk, everything else as it was read. */
function written(entries: readonly Entry[]): string {
  let text = '';
  let chunked = false;
  let trailers = '';
  for (const entry of entries) {
    if ('head' in entry) {
      text += headText(entry.head);
      chunked = entry.head.body.kind === 'chunked';
      trailers = '';
    } else if ('data' in entry) {
      text += chunked ? `${entry.data.length.toString(16)}\r\n${entry.data}\r\n` : entry.data;
    } else if ('trailers' in entry) trailers = fieldText(entry.trailers);
    else if ('end' in entry && chunked) text += `0\r\n${trailers}\r\n`;
  }
  return text;
}

const headText = (head: RequestLine | StatusLine): string =>
  ('status' in head
    ? `HTTP/1.${head.minor} ${head.status} ${head.reason}\r\n`
    : `${head.method} ${head.target} HTTP/1.${head.minor}\r\n`) + `${fieldText(head.fields)}\r\n`;

function fieldText(fields: readonly string[]): string {
  let text = '';
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i] ?? ''}:${fields[i + 1] ?? ''}\r\n`;
  return text;
}
