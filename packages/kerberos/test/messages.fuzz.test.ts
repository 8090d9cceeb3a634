import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DerError } from '../src/der.ts';
import { recode } from './message-codecs.ts';
import { type VectorName, vectors } from './message-vectors.ts';
import { fuzzRuns, spoiled } from './mutate.ts';

for (const name of Object.keys(vectors) as VectorName[]) {
  test(`${name}, damaged, is refused with DerError or encodes to the same bytes`, () => {
    fc.assert(
      fc.property(spoiled([vectors[name]]), (bytes) => {
        let again: Uint8Array;
        try {
          again = recode[name](bytes);
        } catch (error) {
          assert.ok(error instanceof DerError, String(error));
          return;
        }
        assert.deepEqual(Buffer.from(again), Buffer.from(bytes));
      }),
      { numRuns: fuzzRuns(2_000) },
    );
  });
}
