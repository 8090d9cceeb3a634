import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatComparison, short } from './report.ts';

const sample = (median: number, least: number, most: number) => ({ median, least, most });

test('formatComparison() aligns the columns and compares with the first contender', () =>
  assert.equal(
    formatComparison({
      title: 'A request',
      unit: 'CPU µs',
      figures: [
        { what: 'nginx', cost: sample(20, 19, 21.5), perSecond: 40_000, p50Ms: 1.5, p99Ms: 4 },
        { what: 'Cardea', cost: sample(130, 120, 140), perSecond: 7_000 },
      ],
      remarks: ['One core.'],
    }),
    [
      'A request',
      '',
      '  CPU µs  median    from - to  ratio  per second  p50 ms  p99 ms',
      '  nginx     20.0  19.0 - 21.5   1.00       40000    1.50    4.00',
      '  Cardea     130    120 - 140   6.50        7000                ',
      '  * One core.',
      '',
    ].join('\n'),
  ));

test('formatComparison() leaves out columns that nobody filled', () => {
  const figures = [{ what: 'a', cost: sample(1, 1, 1) }];
  assert.match(
    formatComparison({ title: '', unit: 'KiB', figures, remarks: [] }),
    / {2}KiB {2}median {4}from - to {2}ratio\n/,
  );
});

for (const [value, text] of [
  [0.123, '0.12'],
  [12.34, '12.3'],
  [123.4, '123'],
  [Number.NaN, '-'],
] as const)
  test(`short() writes ${value} as ${text}`, () => assert.equal(short(value), text));
