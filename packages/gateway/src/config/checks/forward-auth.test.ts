import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

const problems = (settings: string): readonly string[] =>
  checkConfig(
    `${settings}
sign_in: [{ password: { users: users.yaml } }]
apps: [{ name: desk, host: desk.corp.example, upstream: "http://127.0.0.1:3000", rules: [{ path: /**, signed_in: true }] }]
`,
    'cardea.yaml',
    openFiles('.'),
    { env: {}, now: 0, withFiles: false },
  ).problems.map(({ path, message }) => `${path}: ${message}`);

test('checkForwardAuth() finds that nobody may ask, since no proxy is trusted', () => {
  assert.deepEqual(problems('forward_auth: { proxy: nginx }'), [
    'forward_auth: nobody may ask: trusted_proxies names no proxy',
  ]);
});

test('checkForwardAuth() finds an entry behind one that is for all proxies', () => {
  const settings = (first: string): string =>
    `trusted_proxies: [10.0.0.0/8]\nforward_auth: [{ proxy: nginx${first} }, { proxy: envoy }]`;
  assert.deepEqual(problems(settings('')), ['forward_auth[1]: the entry before it is for all proxies already']);
  assert.deepEqual(problems(settings(', from: [10.1.0.0/16]')), []);
});
