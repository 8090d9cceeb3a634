import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

/** Paths of the problems of one app behind these addresses. */
function problemPaths(listen: string, upstream: string | readonly string[]): readonly string[] {
  const text = JSON.stringify({
    listen: { address: listen },
    trusted_proxies: ['10.0.0.1'],
    apps: [{ name: 'desk', host: 'desk', upstream, rules: [{ path: '/**', public: true }] }],
  });
  const { problems } = checkConfig(text, 'f', openFiles('.'), { env: {}, now: 0, withFiles: false });
  return problems.map(({ path }) => path);
}

const cases: readonly (readonly [listen: string, upstream: string, itself: boolean])[] = [
  ['127.0.0.1:8080', 'http://127.0.0.1:8080', true],
  ['127.0.0.1:8080', 'http://localhost:8080', true],
  ['0.0.0.0:8080', 'http://127.0.0.1:8080', true],
  ['[::]:8080', 'http://[::1]:8080', true],
  ['127.0.0.1:8080', 'http://LOCALHOST.:8080', true],
  ['127.0.0.1:8080', 'http://[::ffff:127.0.0.1]:8080', true],
  ['10.0.0.7:80', 'http://10.0.0.7', true],
  ['0.0.0.0:443', 'https://localhost', true],
  ['127.0.0.1:8080', 'http://127.0.0.1:8081', false],
  ['0.0.0.0:8080', 'http://10.0.0.7:8080', false],
  ['127.0.0.1:8080', 'http://app:8080', false],
  ['127.0.0.1:8080', 'unix:/run/app.sock', false],
];

for (const [listen, upstream, itself] of cases)
  test(`checkAppsAreReachable() takes ${upstream} for ${itself ? 'Cardea itself' : 'an app'} when it listens on ${listen}`, () => {
    assert.deepEqual(problemPaths(listen, upstream), itself ? ['apps[0].upstream'] : []);
  });

test('checkAppsAreReachable() looks at every address of an app', () => {
  assert.deepEqual(problemPaths('127.0.0.1:8080', ['http://10.0.0.1', 'http://127.0.0.1:8080']), ['apps[0].upstream']);
  assert.deepEqual(problemPaths('127.0.0.1:8080', ['http://10.0.0.1', 'http://10.0.0.2:8080']), []);
});
