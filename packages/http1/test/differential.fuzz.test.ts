import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fuzzRuns, requests, responses } from './message-grammar.ts';
import { untilClose } from './messages.ts';
import { nodeRequests, nodeResponse } from './node-reading.ts';
import { transcript } from './transcript.ts';

test('MessageReader reads no request that node:http refuses or reads differently', async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(requests, async (bytes) => {
      const ours = untilClose(transcript([bytes], { kind: 'request', ends: true }));
      const theirs = await nodeRequests(bytes);
      assert.deepEqual(theirs.slice(0, ours.length), ours);
      read += ours.length;
    }),
    { numRuns: fuzzRuns(1_000) },
  );
  // A generator that makes nothing but nonsense would prove nothing.
  assert.ok(read > 300, `only ${read} requests were read`);
});

test('MessageReader reads no response that node:http refuses or reads differently', async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(responses, fc.constantFrom('GET', 'HEAD'), async (bytes, method) => {
      const ours = untilClose(transcript([bytes], { kind: 'response', ends: true, methods: [method] }))[0];
      if (ours === undefined) return;
      assert.deepEqual(await nodeResponse(bytes, method), ours);
      read++;
    }),
    { numRuns: fuzzRuns(1_000) },
  );
  assert.ok(read > 200, `only ${read} responses were read`);
});
