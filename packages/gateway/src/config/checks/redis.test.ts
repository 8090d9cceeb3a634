import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

const app = { name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:3000', rules: [{ path: '/**', public: true }] };

/** `severity path` of all problems. */
function problems(sections: object, env: Readonly<Record<string, string>> = { REDIS: 'hunter2' }): readonly string[] {
  const text = JSON.stringify({ ...sections, apps: [app] });
  const result = checkConfig(text, 'f', openFiles('.'), { env, now: 0 });
  assert.doesNotMatch(JSON.stringify(result.problems), /hunter2/);
  return result.problems.map(({ severity, path }) => `${severity} ${path}`);
}

const password = '${env:REDIS}';
const cases: readonly (readonly [what: string, sections: object, found: readonly string[]])[] = [
  ['no Redis', {}, []],
  ['redis: false', { redis: false }, []],
  ['a socket', { redis: { url: 'unix:/run/redis.sock' } }, []],
  ['loopback', { redis: { url: 'redis://127.0.0.1' } }, []],
  ['loopback of IPv6', { redis: { url: 'redis://[::1]:6379' } }, []],
  ['TLS with a password', { redis: { url: 'rediss://redis.corp.example', password } }, []],
  ['TLS without a password', { redis: { url: 'rediss://redis.corp.example' } }, ['warning redis.url']],
  ['plain text', { redis: { url: 'redis://redis.corp.example', password } }, ['warning redis.url']],
  ['neither', { redis: { url: 'redis://10.0.0.7' } }, ['warning redis.url', 'warning redis.url']],
  ['a user alone', { redis: { url: 'redis://127.0.0.1', user: 'cardea' } }, ['error redis.user']],
  ['a password in the file', { redis: { url: 'redis://127.0.0.1', password: 'hunter2' } }, ['warning redis.password']],
  ['a password in the URL', { redis: { url: 'redis://:hunter2@127.0.0.1' } }, ['error redis.url']],
  ['a CA without TLS', { redis: { url: 'redis://127.0.0.1', ca: 'no.pem' } }, ['error redis.ca', 'error redis.ca']],
  ['a prefix that cannot be one', { redis: { url: 'redis://127.0.0.1', prefix: '{a}' } }, ['error redis.prefix']],
  ['a key too many', { redis: { url: 'redis://127.0.0.1', passwort: 'hunter2' } }, ['error redis.passwort']],
  ['sessions in no Redis', { session: { store: 'redis' } }, ['error session.store']],
  ['sessions in a faulty Redis', { session: { store: 'redis' }, redis: { url: 'x' } }, ['error redis.url']],
  ['sessions in Redis', { session: { store: 'redis' }, redis: { url: 'redis://127.0.0.1' } }, []],
  ['sessions in SQLite beside Redis', { session: { store: 'sqlite' }, redis: { url: 'redis://127.0.0.1' } }, []],
  ['sessions elsewhere', { session: { store: 'memory' } }, ['error session.store']],
];
for (const [what, sections, found] of cases)
  test(`checkRedis() finds what is to be found: ${what}`, () => assert.deepEqual(problems(sections), found));

test('checkRedis() says how several gateways share their keys, where the configuration is for production', () => {
  const text = JSON.stringify({ redis: { url: 'redis://127.0.0.1' }, apps: [app] });
  const { problems: found } = checkConfig(text, 'f', openFiles('.'), { env: {}, now: 0, production: true });
  assert.deepEqual(
    found.map(({ severity, path }) => `${severity} ${path}`),
    ['warning redis'],
  );
  assert.match(found[0]?.fix ?? '', /keys\.json/);
});
