import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Failure, failureReport } from './failure-report.ts';

const failure = (name: string, lines = 1, byOthers = false): Failure => ({
  name,
  text: Array.from({ length: lines }, (_, i) => `${name} says ${i}`).join('\n'),
  byOthers,
});
const numbered = (count: number): readonly Failure[] =>
  Array.from({ length: count }, (_, i) => failure(`test ${i}`, 30));

test('failureReport() names the file, the test and what it said, without frames of Node', () => {
  const text =
    'Error: no\n    at own (file:///x.test.ts:3:1)\n    at async Test.run (node:internal/test_runner/test:1409:7)';
  assert.equal(
    failureReport('x.test.ts', [{ name: 'one', text, byOthers: false }], ''),
    'FAIL x.test.ts\n- one\n    Error: no\n        at own (file:///x.test.ts:3:1)',
  );
});

test('failureReport() keeps to its lines, and has the beginning of every failure as long as there is room', () => {
  for (const count of [1, 2, 5, 11, 12]) {
    const report = failureReport('x', numbered(count), 'noise\n'.repeat(100)).split('\n');
    assert.ok(report.length <= 40, `${report.length} lines of ${count} failures`);
    for (let i = 0; i < count; i++) assert.ok(report.includes(`- test ${i}`));
  }
});

test('failureReport() counts the failures for which there is no room', () => {
  const report = failureReport('x', numbered(100), '').split('\n');
  assert.ok(report.length <= 40);
  const shown = report.filter((line) => line.startsWith('- ')).length;
  assert.equal(report.at(-1), `and ${100 - shown} more`);
  assert.equal(shown, 12);
});

test('failureReport() has the end of what was printed in the room that is left', () => {
  const report = failureReport('x', [failure('one')], Array.from({ length: 90 }, (_, i) => `line ${i}`).join('\n'));
  assert.equal(report.split('\n').length, 40);
  assert.match(report, /says 0\nThe last that it printed:\n[^]*line 89$/);
});

test('failureReport() leaves out what failed because of others, unless there is nothing else', () => {
  const suite = failure('a suite', 1, true);
  assert.doesNotMatch(failureReport('x', [suite, failure('a test')], ''), /a suite/);
  assert.match(failureReport('x', [suite], ''), /a suite/);
});

test('failureReport() cuts long lines', () => {
  const report = failureReport('x', [{ name: 'one', text: 'y'.repeat(10_000), byOthers: false }], '');
  assert.ok(report.length < 400);
});
