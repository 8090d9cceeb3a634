import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantile, sampleOf } from './sample.ts';

for (const [values, median] of [
  [[5], 5],
  [[9, 1, 10], 9],
  [[1, 10, 2, 4], 3],
] as const)
  test(`sampleOf() finds the middle of ${values.join(', ')}`, () => assert.equal(sampleOf(values).median, median));

test('sampleOf() tells the ends', () => assert.deepEqual(sampleOf([9, 1, 10]), { median: 9, least: 1, most: 10 }));

test('sampleOf() throws for no measurements', () => assert.throws(() => sampleOf([]), RangeError));

test('quantile() is the value that so many do not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((share) => quantile(hundred, share)),
    [1, 50, 99, 100],
  );
});

test('quantile() of nothing is undefined', () => assert.equal(quantile([], 0.5), undefined));
