import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fuzzRuns, repeatingRequests, repeatingResponses } from './message-grammar.ts';
import { cut, type Reading, transcript } from './transcript.ts';

const kinds = [
  ['requests', repeatingRequests, { kind: 'request' }],
  ['responses to GET', repeatingResponses, { kind: 'response' }],
  [
    'responses to GET, HEAD and POST',
    repeatingResponses,
    { kind: 'response', methods: ['GET', 'HEAD', 'POST', 'GET'] },
  ],
] as const satisfies readonly (readonly [string, fc.Arbitrary<Buffer>, Reading])[];

/** Small enough for a request line to make the difference. */
const tight = { headBytes: 60, headerCount: 2, bodyBytes: 2 };

for (const [what, streams, reading] of kinds)
  for (const [limits, under] of [
    [{}, 'wide limits'],
    [tight, 'tight limits'],
  ] as const)
    test(`MessageReader reads repeated ${what} under ${under} as if each were the first on its connection`, () => {
      let read = 0;
      fc.assert(
        fc.property(streams, fc.nat(200), fc.boolean(), (bytes, at, ends) => {
          const options = { ...reading, limits, ends };
          const forgetful = transcript([bytes], { ...options, forgetting: true });
          read += forgetful.filter((entry) => 'end' in entry).length;
          assert.deepEqual(transcript([bytes], options), forgetful);
          assert.deepEqual(transcript(cut(bytes, Math.min(at, bytes.length)), options), forgetful);
        }),
        { numRuns: fuzzRuns(1_000) },
      );
      // A generator that makes nothing but nonsense would prove nothing.
      assert.ok(read > 100, `only ${read} messages were read`);
    });
