/** Stream tokens by way of the whole gateway: event streams and WebSockets, once each, also when many ask at the same moment. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, suite, test } from 'node:test';
import {
  cardea,
  makeKey,
  openSocketWith,
  openStream,
  postJson,
  reasons,
  startWatched,
  visitorIn,
  type WatchedGateway,
} from './credentials.ts';
import { send, signIn, signOut, type TestResponse, until, usersFile, withCsrf } from './harness.ts';

const app = (name: string, path: string, upstream: string): string => `
  - { name: ${name}, host: 127.0.0.1, path: ${path}, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }`;

let gateway: WatchedGateway;
let key: string;
let alice: { Cookie: string; 'X-CSRF-Token': string };
const secrets: string[] = [];

before(async () => {
  gateway = await startWatched({
    files: { 'users.yaml': await usersFile({ alice: ['traders'], bob: [] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }, { api_key: {} }, { stream_token: {} }]
apps:
  - name: desk
    host: [127.0.0.1, localhost]
    upstream: "${upstream}"
    rules:
      - { path: /app.css, public: true }
      - { path: /reports/**, groups: [traders] }
      - { path: /**, signed_in: true }${app('wiki', '/wiki', upstream)}
`,
  });
  key = await makeKey(gateway.folder, 'nightly', '--app', 'desk', '--path', '/events,/api/**');
  alice = await signedIn('alice');
  secrets.push(key, alice.Cookie.split('=')[1] ?? '');
});
after(() => gateway.close());

const signedIn = async (name: string) => withCsrf(gateway.origin, await signIn(gateway.origin, name));
const exchange = (body: object, headers: Readonly<Record<string, string>> = alice): Promise<TestResponse> =>
  postJson(`${gateway.origin}/auth/stream-tokens`, body, headers);

/** The address with a token for this path. */
async function tokenFor(
  path: string,
  headers: Readonly<Record<string, string>> = alice,
  more: object = {},
): Promise<string> {
  const { status, body } = await exchange({ path, ...more }, headers);
  assert.equal(status, 200, body);
  const { token, url } = JSON.parse(body);
  secrets.push(String(token));
  return `${gateway.origin}${String(url)}`;
}
const statusOf = async (url: string, method = 'GET'): Promise<number> => {
  if (method !== 'GET') return (await send(url, { method })).status;
  const stream = await openStream(url);
  stream.close();
  return stream.status;
};
/** The reasons of the refusals that happen meanwhile. */
async function refusedFor(work: () => Promise<unknown>): Promise<readonly string[]> {
  const [failed, refused] = [gateway.audit('sign-in-failed').length, gateway.audit('refused').length];
  await work();
  return [...reasons(gateway, 'sign-in-failed', failed), ...reasons(gateway, 'refused', refused)];
}

test('an event stream with a token shows the app the person, and neither token nor cookie', async () => {
  const url = await tokenFor('/events');
  gateway.forget();
  const stream = await openStream(`${url}&from=7`, { Referer: `${url}#x` });
  stream.close();
  assert.deepEqual(
    [stream.status, visitorIn(stream.first).user, visitorIn(stream.first).groups],
    [200, 'CORP\\alice', ['traders']],
  );
  assert.match(gateway.received(), /^GET \/events\?from=7 HTTP\/1\.1\r\n/);
  assert.match(gateway.received(), /\r\nReferer: http:\/\/127\.0\.0\.1:[0-9]+\/events#?x?\r\n/);
  assert.doesNotMatch(gateway.received(), /stream_token/);
});

test('a WebSocket with a token shows the app the person', async () => {
  const upgrade = await openSocketWith(await tokenFor('/ws'), {});
  assert.equal(upgrade.kind === 'open' && upgrade.visitor.user, 'CORP\\alice');
  if (upgrade.kind === 'open') upgrade.socket.terminate();
});

test('a browser that sends its cookie along as well is the same person', async () => {
  const stream = await openStream(await tokenFor('/events'), { Cookie: alice.Cookie });
  stream.close();
  assert.equal(visitorIn(stream.first).user, 'CORP\\alice');
});

test('a token speaks for its owner also in the browser of somebody else', async () => {
  const bob = await signedIn('bob');
  const stream = await openStream(await tokenFor('/events'), { Cookie: bob.Cookie });
  stream.close();
  assert.equal(visitorIn(stream.first).user, 'CORP\\alice');
});

test('a token is good once', async () => {
  const url = await tokenFor('/events');
  assert.deepEqual(
    await refusedFor(async () => assert.deepEqual([await statusOf(url), await statusOf(url)], [200, 401])),
    ['credential-spent'],
  );
});

test('only a use that counted is written down as a sign-in', async () => {
  const url = await tokenFor('/events');
  const count = (): number => gateway.audit('sign-in').filter(({ method }) => method === 'stream_token').length;
  const from = count();
  for (let i = 0; i < 5; i++) await statusOf(url);
  assert.equal(count() - from, 1);
  const bob = await signedIn('bob');
  await statusOf(await tokenFor('/reports/', bob));
  assert.equal(count() - from, 1, 'who was refused has not come in');
});

test('a token is refused in another app, at another path and with another method, and is not spent by that', async () => {
  const url = await tokenFor('/events');
  const token = new URL(url).search;
  const found = await refusedFor(async () => {
    for (const path of [
      '/wiki/events',
      '/wiki',
      '/event',
      '/events/',
      '/events/x',
      '/EVENTS',
      '/%65vents/x',
      '/api/whoami',
    ])
      assert.equal(await statusOf(`${gateway.origin}${path}${token}`), 401, path);
    assert.equal(await statusOf(url, 'POST'), 401);
    assert.equal(await statusOf(url, 'HEAD'), 401);
  });
  assert.deepEqual(found.filter((reason) => reason === 'stream-token-other-app').length, 2);
  assert.deepEqual(
    new Set(found),
    new Set(['stream-token-other-app', 'stream-token-other-path', 'stream-token-method']),
  );
  assert.equal(await statusOf(url), 200);
});

test('a token for one job reaches its parts, and no other job', async () => {
  const url = await tokenFor('/jobs/7', alice, { below: 'true' });
  const token = new URL(url).search;
  for (const path of ['/jobs/8', '/jobs/77/events', '/jobs', '/jobs/7x'])
    assert.equal(await statusOf(`${gateway.origin}${path}${token}`), 401, path);
  assert.equal(await statusOf(`${gateway.origin}/jobs/7/events${token}`), 404, 'by the app');
});

test('a token opens nothing that its owner may not have, and is not spent by a refusal', async () => {
  const bob = await signedIn('bob');
  const url = await tokenFor('/reports/', bob);
  assert.deepEqual([await statusOf(url), await statusOf(url)], [403, 403]);
});

test('a token that is given twice, or in a spelling of its own, is not taken', async () => {
  const url = await tokenFor('/events');
  const token = new URL(url).search.slice(1);
  assert.equal(await statusOf(`${url}&${token}`), 400);
  assert.equal(await statusOf(`${gateway.origin}/events?stream%5Ftoken=${token.split('=')[1]}&${token}`), 400);
  assert.equal(await statusOf(url), 200);
});

test('a token in the address of a public path does not reach the app, and is not spent', async () => {
  const url = await tokenFor('/app.css');
  gateway.forget();
  assert.deepEqual([await statusOf(url), await statusOf(url)], [200, 200]);
  assert.doesNotMatch(gateway.received(), /stream_token/);
});

test('a token that was made up or altered is refused', async () => {
  const url = await tokenFor('/events');
  const altered = `${url.slice(0, -9)}${url.at(-9) === 'A' ? 'B' : 'A'}${url.slice(-8)}`;
  for (const wrong of [altered, `${gateway.origin}/events?stream_token=x`, `${gateway.origin}/events?stream_token=`])
    assert.equal(await statusOf(wrong), 401, 'an altered token');
});

test('only a page of ours gets a token, and only with a credential', async () => {
  assert.equal((await exchange({ path: '/events' }, {})).status, 401);
  assert.equal((await exchange({ path: '/events' }, { Cookie: alice.Cookie })).status, 403);
  const evil = { ...alice, Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
  assert.equal((await exchange({ path: '/events' }, evil)).status, 403);
});

test('a program exchanges its key, within what the key is for', async () => {
  const program = { 'X-API-Key': key };
  const stream = await openStream(await tokenFor('/events', program));
  stream.close();
  assert.equal(visitorIn(stream.first).user, 'key:nightly');
  for (const path of ['/reports/', '/wiki/events', '/eventsource'])
    assert.equal((await exchange({ path }, program)).status, 403, path);
});

test('a token of a revoked key is refused within one second', async () => {
  const doomed = await makeKey(gateway.folder, 'doomed');
  secrets.push(doomed);
  const url = await tokenFor('/reports/', { 'X-API-Key': doomed });
  assert.equal(await statusOf(url), 403); // it may not, which spends nothing
  await cardea(gateway.folder, 'keys', 'revoke', '--name', 'doomed');
  const began = performance.now();
  await until(async () => (await statusOf(url)) === 401, 'the token to be refused');
  assert.ok(performance.now() - began < 1_000);
  assert.equal(reasons(gateway, 'sign-in-failed').at(-1), 'stream-token-revoked');
});

test('signing out takes the tokens along', async () => {
  const cookie = await signIn(gateway.origin, 'bob');
  const url = await tokenFor('/events', await withCsrf(gateway.origin, cookie));
  await signOut(gateway.origin, cookie);
  assert.deepEqual(await refusedFor(async () => assert.equal(await statusOf(url), 401)), ['stream-token-revoked']);
});

/** How many of these many get in, all asking at the same moment over connections of their own. */
async function winners(
  origins: readonly string[],
  path: string,
  many: number,
): Promise<Readonly<Record<string, number>>> {
  const agents = Array.from({ length: many }, () => new Agent({ keepAlive: true }));
  // The connections first, so that the requests themselves meet.
  await Promise.all(agents.map((agent, i) => send(`${origins[i % origins.length]}/app.css`, { agent })));
  const statuses = await Promise.all(
    agents.map(async (agent, i) => {
      const stream = await openStream(`${origins[i % origins.length]}${path}`, {}, agent);
      stream.close();
      return stream.status;
    }),
  );
  for (const agent of agents) agent.destroy();
  const counts: Record<string, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

test('of 50 connections that use one token at once, one wins', async () => {
  const { pathname, search } = new URL(await tokenFor('/events'));
  assert.deepEqual(await winners([gateway.origin], pathname + search, 50), { 200: 1, 401: 49 });
});

test('no token can be read anywhere: not by the app, in a log, a metric or the database', async () => {
  assert.match(gateway.received() + gateway.written(), /stream-token-issued/);
  assert.deepEqual(await gateway.leaks(secrets), []);
});

for (const [what, more] of [
  ['over two threads', { threads: 2 }],
  ['over two listeners', { listen: '[{ address: "127.0.0.1:0" }, { address: "127.0.0.2:0" }]' }],
] as const)
  suite(what, () => {
    test('of 50 connections that use one token at once, one wins', async () => {
      const other = await startWatched({
        files: { 'users.yaml': await usersFile({ alice: [] }) },
        ...more,
        config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }, { stream_token: { parameter: ticket } }]
apps:
  - name: desk
    host: [127.0.0.1, 127.0.0.2]
    upstream: "${upstream}"
    rules: [{ path: /app.css, public: true }, { path: /**, signed_in: true }]
`,
      });
      try {
        const headers = await withCsrf(other.origin, await signIn(other.origin, 'alice'));
        const origins = other.gateway.addresses.map((address) => `http://${address}`);
        for (let round = 0; round < 5; round++) {
          const { body } = await postJson(`${other.origin}/auth/stream-tokens`, { path: '/events' }, headers);
          const { url, token } = JSON.parse(body);
          assert.match(url, /^\/events\?ticket=/);
          secrets.push(String(token));
          assert.deepEqual(await winners(origins, String(url), 50), { 200: 1, 401: 49 });
        }
        assert.deepEqual(await other.leaks(secrets), []);
      } finally {
        await other.close();
      }
    });
  });

suite('with a clock', () => {
  test('a token waits for five minutes, and never longer than the session that it was made of', async () => {
    let later = 0;
    const timed = await startWatched({
      now: () => Date.now() + later,
      files: { 'users.yaml': await usersFile({ alice: [] }) },
      config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }, { stream_token: {} }]
session: { lifetime: 10m, idle: 10m }
apps: [{ name: desk, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
    });
    try {
      const headers = await withCsrf(timed.origin, await signIn(timed.origin, 'alice'));
      const issue = async () => {
        const { body } = await postJson(`${timed.origin}/auth/stream-tokens`, { path: '/events' }, headers);
        return JSON.parse(body);
      };
      const [one, two] = [await issue(), await issue()];
      assert.equal(one.expires_in, 300);
      later = 295_000;
      assert.equal(await statusOf(`${timed.origin}${one.url}`), 200);
      later = 300_001;
      assert.equal(await statusOf(`${timed.origin}${two.url}`), 401);
      assert.deepEqual(reasons(timed, 'sign-in-failed'), ['stream-token-expired']);
      later = 500_000;
      const last = await issue();
      assert.ok(last.expires_in <= 100, last.expires_in);
      later = 600_100;
      assert.equal(await statusOf(`${timed.origin}${last.url}`), 401);
    } finally {
      await timed.close();
    }
  });
});
