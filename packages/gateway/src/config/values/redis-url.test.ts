import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRedisUrl } from './redis-url.ts';

const right: readonly (readonly [text: string, value: string])[] = [
  ['redis://127.0.0.1', 'redis://127.0.0.1'],
  ['redis://localhost:6379/', 'redis://localhost:6379'],
  ['redis://Redis.Corp.Example:6380/12', 'redis://redis.corp.example:6380/12'],
  ['rediss://redis.corp.example:443/0', 'rediss://redis.corp.example:443/0'],
  ['redis://[::1]:6379', 'redis://[::1]:6379'],
  ['unix:/run/redis/redis.sock', 'unix:/run/redis/redis.sock'],
];
for (const [text, value] of right)
  test(`parseRedisUrl() reads ${text}`, () => assert.deepEqual(parseRedisUrl(text), { kind: 'ok', value }));

const wrong = [
  '',
  'redis',
  'redis:',
  'redis://',
  'redis:127.0.0.1',
  'http://127.0.0.1',
  'REDIS://a',
  'redis://a b',
  'redis://a\n',
  'redis://a:b',
  'redis://a:99999',
  'redis://a/x',
  'redis://a/-1',
  'redis://a/01',
  'redis://a/1/2',
  'redis://a?db=1',
  'redis://a#b',
  'redis:\\\\a',
  'redis://a\\b',
  'redis+tls://a',
  'unix:run/redis.sock',
  'unix://run/redis.sock',
];
for (const text of wrong)
  test(`parseRedisUrl() refuses ${JSON.stringify(text)}`, () => assert.equal(parseRedisUrl(text).kind, 'wrong'));

for (const text of ['redis://:hunter2@host', 'redis://user:hunter2@host:6379/0', 'hunter2@host', 'redis://hunter2@'])
  test(`parseRedisUrl() says nothing of the password in ${text}`, () => {
    const parsed = parseRedisUrl(text);
    assert.equal(parsed.kind, 'wrong');
    assert.doesNotMatch(JSON.stringify(parsed), /hunter2/);
  });
