import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

const app = { name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:3000', rules: [{ path: '/**', public: true }] };

/** `severity path` of all problems. */
function problems(postgres: object, env: Readonly<Record<string, string>> = { PG: 'hunter2' }): readonly string[] {
  const text = JSON.stringify({ usage: { postgres }, apps: [app] });
  const result = checkConfig(text, 'f', openFiles('.'), { env, now: 0 });
  assert.doesNotMatch(JSON.stringify(result.problems), /hunter2/);
  return result.problems.map(({ severity, path }) => `${severity} ${path}`);
}

const user = 'cardea';
const password = '${env:PG}';
const url = 'postgres://pg.corp.example/cardea';
const cases: readonly (readonly [what: string, postgres: object, found: readonly string[]])[] = [
  ['a server with a password', { url, user, password }, []],
  ['a server without', { url, user }, ['warning usage.postgres']],
  ['loopback', { url: 'postgres://127.0.0.1/cardea', user }, []],
  ['a socket', { url: 'postgres:///cardea?host=/run/postgresql', user }, []],
  ['a password in the file', { url, user, password: 'hunter2' }, ['warning usage.postgres.password']],
  ['a password in the URL', { url: 'postgres://cardea:hunter2@pg/cardea', user }, ['error usage.postgres.url']],
  ['no user', { url, password }, ['error usage.postgres.user']],
  ['an authority that cannot be read', { url, user, password, ca: 'no.pem' }, ['error usage.postgres.ca']],
  ['TLS switched off', { url, user, password, tls: false }, ['error usage.postgres.tls']],
];
for (const [what, postgres, found] of cases)
  test(`checkUsage() finds what is to be found: ${what}`, () => assert.deepEqual(problems(postgres), found));
