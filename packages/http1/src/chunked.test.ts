import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { latin1, transcript } from '../test/transcript.ts';
import { CHUNK_END, chunkHead, lastChunk } from './chunked.ts';

test('chunkHead() and lastChunk() write what the reader reads', () => {
  const name = fc.stringMatching(/^x-[a-z]{1,8}$/);
  const value = fc.stringMatching(/^(?:[!-~](?:[ -~]{0,6}[!-~])?)?$/);
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 5 }),
      fc.array(fc.tuple(name, value), { maxLength: 3 }),
      (chunks, pairs) => {
        const trailers = pairs.flat();
        const pieces = chunks.flatMap((bytes) => [latin1(chunkHead(bytes.length)), bytes, latin1(CHUNK_END)]);
        const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
        const read = transcript([latin1(head), ...pieces, latin1(lastChunk(trailers))], { kind: 'response' }).slice(1);
        const data = chunks.length === 0 ? [] : [{ data: Buffer.concat(chunks).toString('latin1') }];
        assert.deepEqual(read, [...data, ...(trailers.length === 0 ? [] : [{ trailers }]), { end: true }]);
      },
    ),
  );
});

test('lastChunk() without trailers is the shortest end there is', () => {
  assert.equal(lastChunk([]), '0\r\n\r\n');
});
