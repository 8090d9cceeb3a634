import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJobName, parseJobPattern } from './job-pattern.ts';

function pattern(text: string) {
  const parsed = parseJobPattern(text);
  assert.ok(parsed.kind === 'ok');
  return parsed.pattern;
}
const approve = pattern('/api/jobs/{job}/approve');

for (const [path, job] of [
  ['/api/jobs/7/approve', '7'],
  ['/api/jobs/2026-11-22_eod.v2/approve', '2026-11-22_eod.v2'],
  ['/api/jobs/a:b/approve', 'a:b'],
  ['/api/jobs/a%3Ab/approve', 'a:b'],
] as const)
  test(`parseJobPattern() finds ${job} in ${path}`, () => assert.equal(approve.jobOf(path), job));

for (const path of [
  '/api/jobs/7',
  '/api/jobs/7/approve/',
  '/api/jobs/7/Approve',
  '/API/jobs/7/approve',
  '/api/jobs/7/approve/x',
  '/x/api/jobs/7/approve',
  '/api/jobs/7;x/approve',
  '/api;x/jobs/7/approve',
  '/api/jobs/7/approve;x',
  '/api/jobs/7./approve',
  '/api/jobs/7%20/approve',
  '/api/jobs/%C3%A4/approve',
  '/api/jobs/*/approve',
  `/api/jobs/${'x'.repeat(129)}/approve`,
  '/api/jobs/%ff/approve',
])
  test(`parseJobPattern() finds no job in ${path.slice(0, 60)}`, () => assert.equal(approve.jobOf(path), undefined));

test('parseJobPattern() gives the path of a job, in which it finds the job again', () => {
  const spaced = pattern('/my%20jobs/{job}');
  assert.equal(spaced.pathOf('a:b'), '/my%20jobs/a:b');
  assert.equal(spaced.jobOf(spaced.pathOf('a:b')), 'a:b');
});

test('parseJobPattern() throws rather than write a path for something else', () => {
  assert.throws(() => approve.pathOf('../x'), RangeError);
});

for (const text of [
  '',
  '/',
  'jobs/{job}',
  '/jobs',
  '/jobs/x{job}',
  '/{job}/{job}',
  '/a/../{job}',
  '/a//{job}',
  '/*/{job}',
  '/{Job}',
  '/a;b/{job}',
])
  test(`parseJobPattern() refuses "${text}"`, () => assert.equal(parseJobPattern(text).kind, 'wrong'));

test('isJobName() takes no name that could be read as anything else', () => {
  for (const text of ['', '.', '..', 'a.', '-a', 'a-', 'a/b', 'a b', 'a%', 'a\n', 'a,b'])
    assert.equal(isJobName(text), false);
});
