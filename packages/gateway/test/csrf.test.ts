import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  openSocket,
  send,
  sessionOf,
  startTestGateway,
  type TestGateway,
  type TestResponse,
  usersFile,
} from './harness.ts';

let gateway: TestGateway;
let cookie: string;
let token: string;

before(async () => {
  gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: [], mallory: [] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
apps:
  - { name: desk, host: desk.corp.example, upstream: "${upstream}", csrf: true, rules: [{ path: /open/**, public: true }, { path: /**, signed_in: true }] }
  - { name: wiki, host: wiki.corp.example, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }
`,
  });
  cookie = await signInAt('alice');
  token = await tokenOf(cookie);
});
after(() => gateway.close());

const host = { Host: 'desk.corp.example' };
/** Signs in by the form of a host and gives the cookie. */
async function signInAt(name: string, where = host): Promise<string> {
  const response = await send(`${gateway.origin}/auth/login`, {
    method: 'POST',
    headers: { ...where, 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ name, password: `${name}-password` }).toString(),
  });
  return sessionOf(response);
}
async function tokenOf(of: string): Promise<string> {
  const me = await send(`${gateway.origin}/auth/me`, { headers: { ...host, Cookie: of } });
  return String(JSON.parse(me.body).csrf_token);
}
const ask = (
  method: string,
  fields: readonly string[],
  { path = '/upload', as = cookie }: { readonly path?: string; readonly as?: string } = {},
): Promise<TestResponse> =>
  send(gateway.origin + path, {
    method,
    headers: ['Host', host.Host, 'Cookie', as, 'Content-Length', '1', ...fields],
    body: 'x',
  });

for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])
  test(`csrf: true lets ${method} pass with the token of the session, and not without`, async () => {
    assert.equal((await ask(method, ['X-CSRF-Token', token])).status, 200);
    const refused = await ask(method, []);
    assert.deepEqual([refused.status, JSON.parse(refused.body).error], [403, 'csrf']);
    assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'csrf');
  });

for (const method of ['GET', 'HEAD', 'OPTIONS'])
  test(`csrf: true asks nothing of ${method}`, async () => {
    assert.notEqual((await send(gateway.origin, { method, headers: { ...host, Cookie: cookie } })).status, 403);
  });

const wrong: readonly (readonly [what: string, fields: () => readonly string[], path?: string])[] = [
  ['in the query', () => [], '/upload?x-csrf-token='],
  ['in two fields', () => ['X-CSRF-Token', token, 'X-CSRF-Token', token]],
  ['in two fields, one of them wrong', () => ['X-CSRF-Token', 'x', 'X-CSRF-Token', token]],
  ['twice in one field', () => ['X-CSRF-Token', `${token}, ${token}`]],
  ['in the cookie alone', () => []],
  ['in a field of another name', () => ['X-XSRF-Token', token]],
  ['in a field that folds into the right one', () => ['X_CSRF_Token', token]],
  ['cut short', () => ['X-CSRF-Token', token.slice(0, -1)]],
];
for (const [where, fields, path] of wrong)
  test(`csrf: true does not take a token ${where}`, async () => {
    const asked = path === undefined ? {} : { path: path + token };
    assert.ok([400, 403].includes((await ask('POST', fields(), asked)).status));
  });

test("csrf: true does not take another person's token, or another session's of the same person", async () => {
  const [mallory, again] = [await signInAt('mallory'), await signInAt('alice')];
  for (const other of [mallory, again])
    assert.equal((await ask('POST', ['X-CSRF-Token', await tokenOf(other)])).status, 403);
});

test('csrf: true does not take a token whose cookie somebody has planted beside it', async () => {
  const theirs = await tokenOf(await signInAt('mallory'));
  const as = `${cookie}; cardea-csrf=${theirs}; __Host-cardea-csrf=${theirs}`;
  assert.equal((await ask('POST', ['X-CSRF-Token', theirs], { as })).status, 403);
});

test('csrf: true does not take the token of a session that has ended', async () => {
  const session = await signInAt('alice');
  const old = await tokenOf(session);
  assert.equal((await ask('POST', ['X-CSRF-Token', old], { path: '/auth/logout', as: session })).status, 200);
  const next = await signInAt('alice');
  assert.equal((await ask('POST', ['X-CSRF-Token', old], { as: next })).status, 403);
});

test('csrf: true does not stand in the way of WebSockets, which Origin guards', async () => {
  const handshake = await openSocket(`${gateway.origin}/ws`, { ...host, Cookie: cookie });
  assert.equal(handshake.kind, 'open');
  if (handshake.kind === 'open') handshake.socket.terminate();
});

test('an app without csrf takes what its own page sends, and our endpoints ask for the token all the same', async () => {
  const there = { Host: 'wiki.corp.example' };
  const wiki = { ...there, Cookie: await signInAt('alice', there) };
  assert.equal((await send(`${gateway.origin}/upload`, { method: 'POST', headers: wiki, body: 'x' })).status, 200);
  assert.equal((await send(`${gateway.origin}/auth/logout`, { method: 'POST', headers: wiki })).status, 403);
});
