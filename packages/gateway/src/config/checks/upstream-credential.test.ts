import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

/** What the whole check says about an app whose upstream asks for a key. */
function problemsOf(credential: string, app = '', more = ''): readonly string[] {
  const rules = app.includes('sign_in: none') ? '' : 'rules: [{ path: /**, signed_in: true }],';
  const text = `
sign_in: [{ password: { users: users.yaml } }]
apps: [{ name: llm, host: llm, upstream: { url: "http://127.0.0.1:3000"${credential} }, ${rules} ${app} }]
${more}`;
  const { problems } = checkConfig(text, 'f', openFiles('.'), {
    env: { KEY: 'sk-1', BROKEN: 'sk-1\n' },
    now: 0,
    withFiles: false,
  });
  return problems.map(({ severity, path }) => `${severity} ${path?.replace('apps[0].', '')}`);
}

const asked = 'trusted_proxies: [10.0.0.1]\nforward_auth: { proxy: nginx }';
const cases = [
  [', credential: "${env:KEY}"', '', '', []],
  [', credential: { header: x-api-key, value: "${env:KEY}" }', '', '', []],
  [', credential: { header: Authorization, value: "${env:KEY}" }', '', '', []],
  [', credential: "${env:KEY}"', 'sign_in: none', '', ['error upstream.credential']],
  [
    ', credential: { header: x_user, value: "${env:KEY}" }',
    'headers: { user: X-User }',
    '',
    ['error upstream.credential'],
  ],
  [', credential: "${env:KEY}"', '', asked, ['warning upstream.credential']],
  ['', 'limits: { tiers: [{ name: a }] }', asked, ['warning limits']],
  ['', '', asked, []],
] as const;
for (const [credential, app, more, expected] of cases)
  test(`checkUpstreamCredential() says "${expected.join()}" to${credential} ${app} ${more.slice(-10)}`, () =>
    assert.deepEqual(problemsOf(credential, app, more), expected));

test('a key with a line break is refused, and not quoted', () => {
  const text = `
sign_in: [{ password: { users: users.yaml } }]
apps: [{ name: llm, host: llm, upstream: { url: "http://a:1", credential: "\${env:KEY}" }, rules: [{ path: /**, signed_in: true }] }]
`;
  const check = (KEY: string) =>
    checkConfig(text, 'f', openFiles('.'), { env: { KEY }, now: 0, withFiles: true }).problems;
  const about = (KEY: string) => check(KEY).filter(({ path }) => path?.startsWith('apps[0].upstream'));
  assert.deepEqual(about('sk-secret'), []);
  const found = about('sk-secret\nX-Other: 1');
  assert.equal(found.length, 1);
  assert.ok(!JSON.stringify(found).includes('sk-secret'));
});
