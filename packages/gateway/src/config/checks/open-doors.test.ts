import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

const desk = {
  name: 'desk',
  host: 'desk',
  upstream: 'http://127.0.0.1:3000',
  rules: [{ path: '/**', signed_in: true }],
};

/** Places of the warnings about doors, and what they say. */
function doors(...apps: readonly object[]): readonly string[] {
  const text = JSON.stringify({
    listen: { address: '127.0.0.1:8080' },
    trusted_proxies: ['10.0.0.1'],
    sign_in: [{ api_key: {} }],
    apps,
  });
  const { problems } = checkConfig(text, 'f', openFiles('.'), { env: {}, now: 0, withFiles: false });
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  );
  return problems
    .filter(({ message }) => message.startsWith('everybody gets'))
    .map((one) => `${one.path}: ${one.message}`);
}

const open = (upstream: string | readonly string[], also: object = {}): object => ({
  name: 'open',
  host: 'open',
  upstream,
  sign_in: 'none',
  ...also,
});

for (const upstream of [
  'http://127.0.0.1:3000',
  'http://localhost:3000',
  'http://LOCALHOST.:3000',
  'http://[::1]:3000',
  'https://0.0.0.0:3000',
])
  test(`checkOpenDoors() warns of an app without sign-in at ${upstream}, in front of an app with one`, () => {
    assert.deepEqual(doors(desk, open(upstream)), [
      'apps[1].upstream: everybody gets to http://127.0.0.1:3000/ by the host open, and apps[0] asks for a sign-in there',
    ]);
  });

test('checkOpenDoors() looks at every address', () => {
  const two = { ...desk, upstream: ['http://10.0.0.1', 'http://10.0.0.2'] };
  assert.equal(doors(two, open(['http://10.0.0.3', 'http://10.0.0.2:80'])).length, 1);
});

test('checkOpenDoors() warns of a part that another host leaves open', () => {
  const admin = { ...desk, path: '/admin' };
  assert.match(doors(admin, open('http://localhost:3000'))[0] ?? '', /127\.0\.0\.1:3000\/admin by the host open/);
});

const fine: readonly (readonly [what: string, apps: readonly object[]])[] = [
  ['another upstream', [desk, open('http://127.0.0.1:3001')]],
  ['only a part of the app', [desk, open('http://127.0.0.1:3000', { path: '/static' })]],
  ['a part of the same host', [desk, open('http://127.0.0.1:3000', { host: 'desk', path: '/static' })]],
  [
    'all but the part that the other app has on the same host',
    [{ ...desk, path: '/admin' }, open('http://127.0.0.1:3000', { host: 'desk' })],
  ],
  [
    'what no app asks for a sign-in',
    [open('http://127.0.0.1:3000'), open('http://localhost:3000', { name: 'b', host: 'b' })],
  ],
];
for (const [what, apps] of fine)
  test(`checkOpenDoors() is content with ${what}`, () => {
    assert.deepEqual(doors(...apps), []);
  });
