import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

/** What the whole check says about the limits of an app. */
function problemsOf(limits: string, more = 'rules: [{ path: /**, signed_in: true }]'): readonly string[] {
  const text = `
sign_in: [{ password: { users: users.yaml } }]
apps: [{ name: llm, host: llm, upstream: http://127.0.0.1:3000, limits: ${limits}, ${more} }]
`;
  const { problems } = checkConfig(text, 'f', openFiles('.'), { env: {}, now: 0, withFiles: false });
  return problems.map(({ severity, path }) => `${severity} ${path?.replace('apps[0].limits', '')}`);
}

const cases = [
  ['{ tiers: [{ name: max, groups: [a] }, { name: default, requests_per_minute: 5 }] }', []],
  ['{ tiers: [{ name: a }, { name: b, groups: [b] }] }', ['error .tiers[1]']],
  ['{ tiers: [{ name: a, groups: [x, y] }, { name: b, groups: [Y] }] }', ['error .tiers[1].groups']],
  ['{ tiers: [{ name: a, groups: [x] }, { name: b, groups: [x, y] }] }', []],
  ['{ tiers: [{ name: a, groups: [x] }, { name: a }] }', ['error .tiers[1].name']],
  ['{ tiers: [{ name: a, requests_per_minute: 5, concurrent: 6 }] }', ['warning .tiers[0].concurrent']],
  [
    '{ usual_answer: 5, tiers: [{ name: a, tokens_per_minute: 6, tokens_per_day: 5 }] }',
    ['warning .tiers[0].tokens_per_minute'],
  ],
  ['{ tiers: [{ name: a, tokens_per_minute: 999 }] }', ['warning .tiers[0].tokens_per_minute']],
  ['{ tiers: [{ name: a, tokens_per_day: 1000 }] }', []],
  [
    '{ tiers: [{ name: a }], groups: [{ group: g, tokens_per_day: 10 }], usual_answer: 11 }',
    ['warning .groups[0].tokens_per_day'],
  ],
  ['{ tiers: [{ name: a }], groups: [{ group: d }] }', ['error .groups[0]']],
  [
    '{ tiers: [{ name: a }], groups: [{ group: d, concurrent: 1 }, { group: D, concurrent: 2 }] }',
    ['error .groups[1].group'],
  ],
  ['{ tiers: [{ name: a }], when_redis_is_down: refuse }', ['warning .when_redis_is_down']],
  ['{ tiers: [{ name: a, models: [m] }], read_body: false }', ['error .read_body']],
  ['{ tiers: [{ name: a, tokens_per_day: 5000 }], read_body: false }', []],
  ['{ tiers: [] }', ['error .tiers']],
  ['{ tiers: [{ name: a, requests_per_minute: 0 }] }', ['error .tiers[0].requests_per_minute']],
] as const;
for (const [limits, expected] of cases)
  test(`checkAppLimits() says "${expected.join()}" to ${limits}`, () => assert.deepEqual(problemsOf(limits), expected));

test('checkAppLimits() finds limits where nobody signs in', () => {
  assert.ok(problemsOf('{ tiers: [{ name: a }] }', 'sign_in: none').includes('error '));
});
