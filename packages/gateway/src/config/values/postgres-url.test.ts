import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePostgresUrl } from './postgres-url.ts';

const right: readonly (readonly [text: string, host: string, port: number, database: string])[] = [
  ['postgres://127.0.0.1/cardea', '127.0.0.1', 5432, 'cardea'],
  ['postgresql://PG.Corp.Example:5433/usage_2', 'pg.corp.example', 5433, 'usage_2'],
  ['postgres://pg.corp.example:443/cardea', 'pg.corp.example', 443, 'cardea'],
  ['postgres://[::1]:5432/cardea', '::1', 5432, 'cardea'],
  ['postgres:///cardea?host=/run/postgresql', '/run/postgresql', 5432, 'cardea'],
  ['postgres:///cardea?host=/run/postgresql&port=5433', '/run/postgresql', 5433, 'cardea'],
];
for (const [text, host, port, database] of right)
  test(`parsePostgresUrl() reads ${text}`, () =>
    assert.deepEqual(parsePostgresUrl(text), { kind: 'ok', value: { host, port, database } }));

const wrong = [
  '',
  'cardea',
  'postgres:',
  'postgres://a',
  'postgres://a/',
  'postgres:///cardea',
  'postgres:///cardea?host=run',
  'postgres:///cardea?host=/run&port=99999',
  'postgres:///cardea?port=5432',
  'postgres://a/b?sslmode=disable',
  'postgres://a/b?',
  'postgres://a/b/c',
  'postgres://a/b#c',
  'postgres://a/-b',
  `postgres://a/${'b'.repeat(64)}`,
  'postgres://a:b/c',
  'postgres://a:/c',
  'postgres://a:0/c',
  'postgres://a:99999/c',
  'postgres://a,b/c',
  'postgres://a b/c',
  'postgres://a\\b/c',
  'POSTGRES://a/b',
  'mysql://a/b',
  'unix:/run/postgresql',
];
for (const text of wrong)
  test(`parsePostgresUrl() refuses ${JSON.stringify(text)}`, () => assert.equal(parsePostgresUrl(text).kind, 'wrong'));

for (const text of [
  'postgres://cardea:hunter2@host/cardea',
  'postgres://hunter2@',
  'postgres://host/cardea?user=x&password=hunter2',
])
  test(`parsePostgresUrl() says nothing of the password in ${text}`, () => {
    const parsed = parsePostgresUrl(text);
    assert.equal(parsed.kind, 'wrong');
    assert.doesNotMatch(JSON.stringify(parsed), /hunter2/);
  });
