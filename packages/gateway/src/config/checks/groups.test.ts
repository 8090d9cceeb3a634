import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

/** What the whole check says about a rule of an app with Windows sign-in and one named group. */
function problemsOf(rule: string, others = ''): readonly string[] {
  const text = `
sign_in: [{ negotiate: { keytab: k } }${others}]
directory: { groups: { S-1-5-21-1-2-3-1: staff } }
apps: [{ name: desk, host: desk, upstream: http://127.0.0.1:3000, rules: [${rule}] }]
`;
  const { problems } = checkConfig(text, 'f', openFiles('.'), { env: {}, now: 0, withFiles: false });
  return problems.map(({ severity, path }) => `${severity} ${path}`);
}

const passwords = ', { password: { users: users.yaml } }';
const cases = [
  ['{ path: /**, groups: [Staff] }', '', []],
  ['{ path: /**, groups: [board] }', '', ['warning apps[0].rules[0].groups[0]']],
  ['{ path: /**, groups: [board] }', passwords, []],
  ['{ path: /**, not: { groups: [staff, board] } }', '', ['error apps[0].rules[0].not.groups[1]']],
  ['{ path: /**, not: { groups: [board] } }', passwords, ['error apps[0].rules[0].not.groups[0]']],
  ['{ path: /**, not: { groups: [S-1-5-21-1-2-3-9] } }', '', []],
  ['{ path: /**, not: { not: { groups: [board] } } }', '', ['warning apps[0].rules[0].not.not.groups[0]']],
  ['{ path: /**, any_of: [{ groups: [board] }] }', '', ['warning apps[0].rules[0].any_of[0].groups[0]']],
] as const;

for (const [rule, others, expected] of cases)
  test(`checkGroupsHaveNames() says "${expected.join()}" to ${rule}${others === '' ? '' : ' with passwords'}`, () => {
    assert.deepEqual(problemsOf(rule, others), expected);
  });
