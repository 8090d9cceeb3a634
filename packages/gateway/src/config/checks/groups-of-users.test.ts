import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-groups-of-users-'));
after(() => rmSync(folder, { recursive: true }));
const hash = '$argon2id$v=19$m=65536,t=3,p=1$ZjwIaIQE/k3IOk0avClVyQ$3JV4tBk+bJJCAJIIgdf31KC2xG3uHRiPZcxD2Lbo9Hs';
writeFileSync(
  join(folder, 'users.yaml'),
  `users: [{ name: a, password_hash: "${hash}", groups: [risk-team, Zürich] }]\n`,
  {
    mode: 0o600,
  },
);

/** What the whole check says of the groups in these conditions. */
function problemsOf(terms: string, others: string): readonly string[] {
  const text = `
sign_in: [{ password: { users: users.yaml } }${others}]
apps: [{ name: desk, host: localhost, upstream: http://127.0.0.1:3000, rules: [{ path: /**, ${terms} }] }]
`;
  const { problems } = checkConfig(text, 'f', openFiles(folder), { env: {}, now: 0 });
  return problems
    .filter(({ path }) => /groups/.test(path))
    .map(({ severity, path, fix }) => `${severity} ${path}: ${fix}`);
}

const unheard = 'Add the group to somebody there, or correct the name.';
const cases = [
  ['groups: [Risk-Team, ZÜRICH]', '', []],
  ['groups: [risk-taem]', '', ['warning apps[0].rules[0].groups[0]: Did you mean risk-team?']],
  ['groups: [board]', '', [`warning apps[0].rules[0].groups[0]: ${unheard}`]],
  ['not: { groups: [board] }', '', [`warning apps[0].rules[0].not.groups[0]: ${unheard}`]],
  ['groups: [board]', ', { stream_token: {} }', [`warning apps[0].rules[0].groups[0]: ${unheard}`]],
  ['groups: [board]', ', { development: { account: DEV\\me, groups: [board] } }', []],
  ['groups: [board]', ', { api_key: {} }', []],
  ['groups: [board]', ', { oidc: { issuer: "https://login.example", client_id: c } }', []],
] as const;

for (const [terms, others, expected] of cases)
  test(`checkGroupsOfUsers() says "${expected.join()}" to ${terms}${others}`, () => {
    assert.deepEqual(problemsOf(terms, others), expected);
  });
