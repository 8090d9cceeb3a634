import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Check, fail, type Finding, pass, unknown } from './check.ts';
import { exitStatusOf, jsonReport, prometheusReport, textReport } from './report.ts';

const about = (id: string) => ({ id, about: 'desk', tried: 'a connection', seen: 'it was taken' });
const check: Check = {
  id: 'door',
  title: 'the door is shut',
  sides: ['gateway'],
  finds: { door: 'it is open', lock: 'it is broken' },
  run: async () => [],
};

const statuses: readonly (readonly [name: string, findings: readonly Finding[], status: number])[] = [
  ['everything passes', [pass(about('door'))], 0],
  ['one of many fails', [pass(about('door')), fail(about('lock'), 'shut it'), unknown(about('lock'), 'look')], 1],
  ['nothing fails, and something is unknown', [pass(about('door')), unknown(about('lock'), 'look')], 3],
  ['nothing was tried', [], 3],
];
for (const [name, findings, status] of statuses)
  test(`exitStatusOf() is ${status} when ${name}`, () => assert.equal(exitStatusOf(findings), status));

test('textReport() says of each thing what was tried, what was seen and what to do', () => {
  const text = textReport([pass(about('door')), fail(about('lock'), 'mend it')], [check]);
  assert.match(text, /^the door is shut\n {2}pass {5}door {2}desk\n/);
  assert.match(text, /FAIL {5}lock {2}desk\n +tried: a connection\n +seen: {2}it was taken\n +to do: mend it\n/);
  assert.match(text, /1 passed, 1 failed, 0 unknown\n$/);
});

test('textReport() says that nothing was tried', () => {
  assert.match(textReport([], [check]), /^Nothing was tried/);
});

test('textReport() lets nothing that others have written steer a terminal', () => {
  const text = textReport([fail({ ...about('door'), seen: 'red\u001b[31m\u202e\nFAIL' }, 'no')], [check]);
  assert.ok(!/[\u001b\u202e]/.test(text));
  assert.equal(text.split('\n').filter((line) => line.startsWith('FAIL')).length, 0);
});

test('jsonReport() has the side, the time, the sum and the findings', () => {
  const report = JSON.parse(jsonReport([pass(about('door'))], 'gateway', 0));
  assert.equal(report.from, 'gateway');
  assert.equal(report.at, '1970-01-01T00:00:00.000Z');
  assert.deepEqual(report.counts, { pass: 1, fail: 0, unknown: 0 });
  assert.deepEqual(report.findings, [{ ...about('door'), verdict: 'pass' }]);
});

test('prometheusReport() has a row for each id and verdict, those that were not found with 0', () => {
  const text = prometheusReport([fail(about('door'), 'x'), fail(about('door'), 'x')], [check], {
    side: 'gateway',
    now: 1_500,
    durationMs: 250,
  });
  assert.ok(text.includes('cardea_doctor_findings{from="gateway",id="door",verdict="fail"} 2\n'));
  assert.ok(text.includes('cardea_doctor_findings{from="gateway",id="lock",verdict="unknown"} 0\n'));
  assert.ok(text.includes('cardea_doctor_last_run_timestamp_seconds{from="gateway"} 1.500\n'));
  assert.ok(text.includes('cardea_doctor_duration_seconds{from="gateway"} 0.250\n'));
  assert.equal(text.split('\n').filter((line) => line.startsWith('cardea_doctor_findings{')).length, 6);
});
