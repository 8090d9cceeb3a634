/** Apps of one host that differ in how people sign in: what one of them takes is nothing to another. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, test } from 'node:test';
import { makeKey, postJson, seenBy, startWatched, userIn, type WatchedGateway } from './credentials.ts';
import { asBrowser, send, sessionOf, signIn, usersFile, withCsrf } from './harness.ts';

const proxy = new Agent({ localAddress: '127.0.0.2' });
let gateway: WatchedGateway;
let byPassword: string;
let byProxy: string;
let key: string;

before(async () => {
  const rules = 'rules: [{ path: /**, signed_in: true }]';
  gateway = await startWatched({
    files: { 'users.yaml': await usersFile({ alice: ['approvers'] }) },
    config: (upstream) => `
sign_in:
  - password: { users: users.yaml }
  - trusted_header: { id: iis, from: [127.0.0.2/32], session: true }
  - api_key: {}
  - stream_token: {}
  - approval: { approvers: [approvers], actions: [{ action: approve, app: lab, path: "/lab/jobs/{job}" }] }
apps:
  - { name: desk, host: 127.0.0.1, upstream: "${upstream}", sign_in: [password, api_key, stream_token], ${rules} }
  - { name: lab, host: 127.0.0.1, path: /lab, upstream: "${upstream}", sign_in: [iis, stream_token, approval], ${rules} }
  - { name: open, host: 127.0.0.1, path: /open, upstream: "${upstream}", sign_in: none }
`,
  });
  byPassword = await signIn(gateway.origin, 'alice');
  byProxy = sessionOf(
    await send(`${gateway.origin}/lab/`, { agent: proxy, headers: { 'X-Remote-User': 'CORP\\bob' } }),
  );
  key = await makeKey(gateway.folder, 'nightly');
  assert.notEqual(byProxy, '');
});
after(async () => {
  proxy.destroy();
  await gateway.close();
});

const ask = (path: string, headers: Readonly<Record<string, string>> = {}, agent?: Agent) =>
  send(`${gateway.origin}${path}`, { headers, ...(agent === undefined ? {} : { agent }) });
/** The app knows no such page: the request has got through. */
const through = 404;

test('a session is taken where its method is, and left alone where it is not', async () => {
  for (const [cookie, path, status] of [
    [byPassword, '/', 200],
    [byPassword, '/lab/', 401],
    [byProxy, '/lab/', through],
    [byProxy, '/', 401],
  ] as const) {
    const response = await ask(path, { Cookie: cookie });
    assert.deepEqual([response.status, response.headers['set-cookie']], [status, undefined], path);
  }
});

test('a key, or the header of a proxy, is taken where its method is', async () => {
  assert.deepEqual(await seenBy(gateway.origin, { 'X-API-Key': key }), ['key:nightly', 'key:nightly', 'key:nightly']);
  assert.equal((await ask('/lab/', { 'X-API-Key': key })).status, 401);
  assert.equal((await ask('/api/whoami', { 'X-Remote-User': 'CORP\\bob' }, proxy)).status, 401);
});

test('somebody whose session is not taken is shown the way in, and not sent round in circles', async () => {
  const there = await ask('/', { ...asBrowser, Cookie: byProxy });
  assert.deepEqual([there.status, there.headers.location], [303, '/auth/login?return=%2F']);
  const page = await ask('/auth/login?return=%2F', { ...asBrowser, Cookie: byProxy });
  assert.equal(page.status, 200);
  assert.match(page.body, /<input[^>]*type="password"/);
  const other = await ask('/auth/login?return=%2F', { ...asBrowser, Cookie: byPassword });
  assert.deepEqual([other.status, other.headers.location], [303, '/']);
  const open = await ask('/auth/login?return=%2Fopen%2F', { ...asBrowser, Cookie: byProxy });
  assert.deepEqual([open.status, open.headers.location], [303, '/open/']);
});

test('nothing is handed out for an app that does not take the sign-in', async () => {
  const [alice, bob] = [await withCsrf(gateway.origin, byPassword), await withCsrf(gateway.origin, byProxy)];
  const tokenFor = async (path: string, headers: Readonly<Record<string, string>>): Promise<number> =>
    (await postJson(`${gateway.origin}/auth/stream-tokens`, { path }, headers)).status;
  assert.equal(await tokenFor('/events', alice), 200);
  assert.equal(await tokenFor('/events', bob), 403);
  assert.equal(await tokenFor('/lab/events', bob), 200);
  assert.equal(await tokenFor('/lab/events', alice), 403);
  assert.equal(await tokenFor('/lab/events', { 'X-API-Key': key }), 403);
  assert.equal(await tokenFor('/open/events', alice), 400);
  // In the group of those who decide, and signed in by what the app does not take.
  const { status } = await postJson(`${gateway.origin}/auth/approvals`, { job: '1', action: 'approve' }, alice);
  assert.equal(status, 403);
});

test("the host's own endpoints are for everybody who is signed in to one of its apps", async () => {
  for (const [headers, account] of [
    [{ Cookie: byPassword }, 'CORP\\alice'],
    [{ Cookie: byProxy }, 'CORP\\bob'],
    [{ 'X-API-Key': key }, 'key:nightly'],
  ] as const)
    assert.equal(JSON.parse((await ask('/auth/me', headers)).body).account, account);
  assert.equal((await ask('/auth/me')).status, 401);
});

test('an app without sign-in beside them gets no identity, whoever asks, and nobody is asked', async () => {
  gateway.forget();
  for (const headers of [
    {},
    { Cookie: byPassword },
    { 'X-Remote-User': 'CORP\\root' },
    { Authorization: 'Bearer own' },
  ])
    assert.equal((await ask('/open/?stream_token=own', headers, proxy)).status, through);
  const got = gateway.received();
  assert.doesNotMatch(got, /X-Authenticated|X-Cardea|X-Remote-User|cardea=/i);
  assert.match(got, /GET \/open\/\?stream_token=own HTTP/);
  assert.match(got, /Authorization: Bearer own/);
  const crossSite = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
  assert.equal((await send(`${gateway.origin}/open/`, { method: 'POST', headers: crossSite })).status, through);
});

test('nobody gets from there to an app that asks', async () => {
  for (const path of ['/open/../lab/', '/open/%2e%2e/lab/', '/open/..;/lab/', '/open;/../', '//lab/', '/OPEN/'])
    assert.ok([400, 401].includes((await ask(path)).status), path);
  assert.equal(userIn(await ask('/api/whoami', { Cookie: byPassword })), 'CORP\\alice');
});
