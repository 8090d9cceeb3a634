/** API keys by way of the whole gateway: programs beside people, and where both are asked for. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { newApiKey } from '../src/auth/api-key-text.ts';
import {
  cardea,
  idOf,
  makeKey,
  openSocketWith,
  reasons,
  seenBy,
  startWatched,
  userIn,
  type WatchedGateway,
} from './credentials.ts';
import { asBrowser, send, signIn, until, usersFile } from './harness.ts';
import { agentOf, linesToAll } from './threads.ts';

let gateway: WatchedGateway;
let key: string;
let alice: string;
const secrets: string[] = [];

before(async () => {
  gateway = await startWatched({
    files: { 'users.yaml': await usersFile({ alice: ['traders'], bob: [] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }, { api_key: {} }]
apps:
  - name: desk
    host: 127.0.0.1
    upstream: "${upstream}"
    rules:
      - { path: /app.css, public: true }
      - { path: /upload, credentials: [session, api_key] }
      - { path: /reports/**, groups: [batch] }
      - { path: /**, signed_in: true }
  - name: wiki
    host: 127.0.0.1
    path: /wiki
    upstream: "${upstream}"
    rules: [{ path: /**, signed_in: true }]
  - name: people
    host: 127.0.0.1
    path: /people
    upstream: "${upstream}"
    sign_in: [password]
    rules: [{ path: /**, signed_in: true }]
`,
  });
  key = await makeKey(gateway.folder, 'nightly', '--group', 'batch');
  alice = await signIn(gateway.origin, 'alice');
  secrets.push(key, alice.split('=')[1] ?? '');
});
after(() => gateway.close());

const ask = (path: string, headers: Readonly<Record<string, string>>, method = 'GET') =>
  send(`${gateway.origin}${path}`, { method, headers });
const keyed = (value = key): Readonly<Record<string, string>> => ({ 'X-API-Key': value });

for (const [place, headers] of [
  ['X-API-Key', keyed],
  ['Authorization', () => ({ Authorization: `Bearer ${key}` })],
] as const)
  test(`a key in ${place} tells the app who asks, on a request, an event stream and a WebSocket`, async () => {
    assert.deepEqual(await seenBy(gateway.origin, headers()), ['key:nightly', 'key:nightly', 'key:nightly']);
  });

test('a key has the groups that it was given, for rules and for the app', async () => {
  const { status, body } = await ask('/reports/', keyed());
  assert.deepEqual([status, JSON.parse(body).for], [200, 'key:nightly']);
  assert.equal((await ask('/reports/', { Cookie: alice })).status, 403);
});

test('either a session or a key is enough, and without both nobody gets in', async () => {
  assert.equal(userIn(await ask('/api/whoami', { Cookie: alice })), 'CORP\\alice');
  assert.equal(userIn(await ask('/api/whoami', keyed())), 'key:nightly');
  assert.equal((await ask('/api/whoami', {})).status, 401);
});

test('with a session and a key it is the person who asks', async () => {
  assert.equal(userIn(await ask('/api/whoami', { Cookie: alice, ...keyed() })), 'CORP\\alice');
});

test('where both are asked for, neither is enough alone', async () => {
  const from = gateway.audit('refused').length;
  const statuses = [];
  for (const headers of [{}, { Cookie: alice }, keyed(), { Cookie: alice, ...keyed() }])
    statuses.push((await ask('/upload', headers, 'POST')).status);
  assert.deepEqual(statuses, [401, 403, 403, 200]);
  assert.deepEqual(reasons(gateway, 'refused', from), ['credential-missing', 'credential-missing']);
});

test('a key never reaches an app, also not at a public path, nor an app that takes none', async () => {
  gateway.forget();
  assert.equal((await ask('/app.css', keyed())).status, 200);
  assert.equal((await ask('/people/', { Cookie: alice, ...keyed() })).status, 404, 'by the app');
  assert.equal((await ask('/people/', { Cookie: alice, Authorization: `Bearer ${key}` })).status, 404, 'by the app');
  assert.equal((await ask('/people/', keyed())).status, 401);
  assert.doesNotMatch(gateway.received(), /cardea_/);
  assert.match(gateway.received(), /GET \/people\/ /);
});

test('at a public path nobody is asked, and a key that is not good keeps nobody out', async () => {
  assert.equal((await ask('/app.css', keyed('cardea_nonsense'))).status, 200);
});

test('a key that another app hands out itself reaches it where nobody signs in with ours', async () => {
  gateway.forget();
  await ask('/people/', { Cookie: alice, 'X-API-Key': 'of-the-app-itself' });
  assert.match(gateway.received(), /X-API-Key: of-the-app-itself/);
});

const unknown = newApiKey().text;
secrets.push(unknown);
const mistyped = (): string => `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`;
for (const [what, headers, reason] of [
  ['that has no such form', () => keyed('cardea_x'), 'api-key-malformed'],
  ['that nobody has made', () => keyed(unknown), 'api-key-unknown'],
  ['with a wrong letter', () => keyed(mistyped()), 'api-key-mistyped'],
  ['twice, in both places', () => ({ ...keyed(), Authorization: `Bearer ${key}` }), 'api-key-repeated'],
  ['under a name that only careless servers take for the field', () => ({ X_API_Key: key }), 'api-key-repeated'],
] as const)
  test(`a key ${what} is refused, with the reason in the audit log alone`, async () => {
    const from = gateway.audit('sign-in-failed').length;
    const { status, body } = await ask('/api/whoami', headers());
    assert.equal(status, 401);
    assert.equal(JSON.parse(body).error, 'sign-in-failed');
    assert.doesNotMatch(body, /mistyped|malformed|repeated/);
    assert.deepEqual(reasons(gateway, 'sign-in-failed', from), [reason]);
  });

test('a key that is not good keeps out a person with a good session as well', async () => {
  assert.equal((await ask('/api/whoami', { Cookie: alice, ...keyed(mistyped()) })).status, 401);
});

test('a browser with a bad key is not sent round in circles', async () => {
  const { status, headers } = await ask('/', { ...asBrowser, ...keyed(mistyped()) });
  assert.deepEqual([status, headers.location], [303, '/auth/login?return=%2F']);
});

test('a key is good for its apps, paths and methods, and for nothing else', async () => {
  const narrow = await makeKey(gateway.folder, 'narrow', '--app', 'desk', '--path', '/api/**', '--method', 'GET');
  secrets.push(narrow);
  const from = gateway.audit('sign-in-failed').length;
  assert.equal((await ask('/api/whoami', keyed(narrow))).status, 200);
  for (const [path, method] of [
    ['/headers', 'GET'],
    ['/api/whoami', 'POST'],
    ['/wiki/api/whoami', 'GET'],
    ['/wiki/', 'GET'],
    ['/API/whoami', 'GET'],
    ['/api', 'DELETE'],
  ] as const)
    assert.equal((await ask(path, keyed(narrow), method)).status, 401, `${method} ${path}`);
  assert.deepEqual(new Set(reasons(gateway, 'sign-in-failed', from)), new Set(['api-key-scope']));
  assert.equal((await openSocketWith(`${gateway.origin}/ws`, { headers: keyed(narrow) })).kind, 'refused');
});

test('a key shows a front end who it is, as a session does', async () => {
  const { body } = await ask('/auth/me', keyed());
  const { account, method, groups } = JSON.parse(body);
  assert.deepEqual([account, method, groups], ['key:nightly', 'api_key', ['batch']]);
});

test('a program that asks again and again is in the audit log once', async () => {
  const busy = await makeKey(gateway.folder, 'busy');
  secrets.push(busy);
  const end = Date.now() + 700; // longer than a key is believed without asking the store
  do assert.equal((await ask('/api/whoami', keyed(busy))).status, 200);
  while (Date.now() < end);
  const events = gateway.audit('sign-in').filter(({ account }) => account === 'key:busy');
  assert.deepEqual(
    events.map(({ method, subject, app }) => [method, subject, app]),
    [['api_key', `api_key:${idOf(busy)}`, 'desk']],
  );
});

test('a revoked key is refused within one second', async (t) => {
  const doomed = await makeKey(gateway.folder, 'doomed');
  secrets.push(doomed);
  assert.equal((await ask('/api/whoami', keyed(doomed))).status, 200);
  await cardea(gateway.folder, 'keys', 'revoke', '--name', 'doomed');
  const began = performance.now();
  await until(async () => (await ask('/api/whoami', keyed(doomed))).status === 401, 'the key to be refused');
  const elapsed = performance.now() - began;
  t.diagnostic(`${Math.ceil(elapsed)} ms`);
  assert.ok(elapsed < 1_000, `${elapsed} ms`);
  assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'api-key-revoked');
});

test('signing everybody out does not stop a program', async () => {
  await cardea(gateway.folder, 'sessions', 'revoke', '--all', '--yes');
  await until(async () => (await ask('/api/whoami', { Cookie: alice })).status === 401, 'the session to end');
  assert.equal((await ask('/api/whoami', keyed())).status, 200);
});

test('no key can be read anywhere: not by the app, in a log, a metric or the database', async () => {
  const seen = gateway.received() + gateway.written();
  assert.match(seen, /key:nightly/);
  assert.deepEqual(await gateway.leaks(secrets), []);
});

suite('with two threads', () => {
  test('a revoked key is refused by each of them within one second', async (t) => {
    const threads = 2;
    const two = await startWatched({
      threads,
      config: (upstream) => `
sign_in: [{ api_key: {} }]
apps: [{ name: desk, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
    });
    const lines = await linesToAll(two, threads);
    try {
      const made = await makeKey(two.folder, 'nightly');
      const statuses = (): Promise<number[]> =>
        Promise.all(
          lines.map(async (line) => {
            const options = { agent: agentOf(line), headers: keyed(made) };
            return (await send(`${two.origin}/api/whoami`, options)).status;
          }),
        );
      assert.deepEqual(await statuses(), [200, 200]);
      await cardea(two.folder, 'keys', 'revoke', '--name', 'nightly');
      const began = performance.now();
      await until(async () => (await statuses()).every((status) => status === 401), 'the key to be refused');
      t.diagnostic(`${Math.ceil(performance.now() - began)} ms`);
      assert.ok(performance.now() - began < 1_000);
    } finally {
      for (const { agent } of lines) agent.destroy();
      await two.close();
    }
  });
});

suite('with a clock', () => {
  test('a key ends when it was said to', async () => {
    let later = 0;
    const timed = await startWatched({
      now: () => Date.now() + later,
      config: (upstream) => `
sign_in: [{ api_key: {} }]
apps: [{ name: desk, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
    });
    try {
      const made = await makeKey(timed.folder, 'short', '--expires', '1d');
      const status = async (): Promise<number> =>
        (await send(`${timed.origin}/api/whoami`, { headers: keyed(made) })).status;
      assert.equal(await status(), 200);
      later = 86_400_000 - 5_000;
      assert.equal(await status(), 200);
      later = 86_400_000;
      assert.equal(await status(), 401);
      assert.equal(timed.audit('sign-in-failed').at(-1)?.['reason'], 'api-key-expired');
    } finally {
      await timed.close();
    }
  });
});
