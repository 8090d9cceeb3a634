import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadOf, parseWrk } from './load.ts';

test('loadOf() counts the latencies and takes its quantiles from them in whatever order they come', () =>
  assert.deepEqual(loadOf([3, 1, 2], 1.5, 1), { requests: 3, seconds: 1.5, failures: 1, p50Ms: 2, p99Ms: 3 }));

test('parseWrk() reads the line of wrk-report.lua among what wrk prints itself', () =>
  assert.deepEqual(
    parseWrk(
      'Running 2s test\n  1 threads\nJSON {"requests":900,"microseconds":2000000,"failures":3,"p50":1500,"p99":4000}\n',
    ),
    { requests: 900, seconds: 2, failures: 3, p50Ms: 1.5, p99Ms: 4 },
  ));

for (const [what, output] of [
  ['without the line', 'unable to connect to 127.0.0.1:1'],
  ['with another line', 'JSON {"requests":1}'],
] as const)
  test(`parseWrk() throws for a report ${what}`, () => assert.throws(() => parseWrk(output), /Cannot read the report/));
