/** Several entries, several apps of one host, and several credentials in one request: none stands in for another. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { postJson, reasons, startWatched, userIn, type WatchedGateway } from './credentials.ts';
import { send, signIn, usersFile } from './harness.ts';

let gateway: WatchedGateway;

before(async () => {
  gateway = await startWatched({
    files: { 'users.yaml': await usersFile({ carol: ['staff'] }) },
    config: (upstream) => `
sign_in:
  - password: { users: users.yaml }
  - stream_token: {}
  - trusted_header: { id: weak, from: [127.0.0.1/32], header: X-Weak-User, default_domain: CORP }
  - trusted_header: { id: strong, from: [127.0.0.1/32], header: X-Strong-User, default_domain: CORP }
apps:
  - name: portal
    host: 127.0.0.1
    path: /headers
    upstream: "${upstream}"
    allowed_origins: [https://partner.example]
    sign_in: [weak, strong, password, stream_token]
    rules:
      - path: /**
        signed_in: true
        not: { signed_in_by: [weak] }
  - name: vault
    host: 127.0.0.1
    upstream: "${upstream}"
    sign_in: [strong, stream_token]
    rules: [{ path: /**, signed_in_by: [strong] }]
`,
  });
});
after(() => gateway.close());

const ask = (path: string, headers: Readonly<Record<string, string>>) => send(`${gateway.origin}${path}`, { headers });
const weak = { 'X-Weak-User': 'alice' };
const strong = { 'X-Strong-User': 'bob' };

/** A stream token by virtue of a header, as its page would ask for it. */
async function streamToken(headers: Readonly<Record<string, string>>, path: string) {
  const me = await ask('/auth/me', headers);
  const { csrf_token: token } = JSON.parse(me.body);
  return postJson(`${gateway.origin}/auth/stream-tokens`, { path }, { ...headers, 'X-CSRF-Token': String(token) });
}

test('a rule tells the entries of one kind from each other, with signed_in_by and inside not', async () => {
  assert.equal((await ask('/headers', weak)).status, 403);
  assert.equal((await ask('/headers', strong)).status, 200);
  assert.equal(userIn(await ask('/api/whoami', strong)), 'CORP\\bob');
});

test('an app that takes one entry of a kind gives nothing for another one', async () => {
  assert.equal((await ask('/api/whoami', weak)).status, 401);
  const given = await streamToken(weak, '/api/whoami');
  assert.notEqual(given.status, 200, given.body);
});

test('a stream token speaks for the method of the sign-in that it was made of', async () => {
  const given = await streamToken(strong, '/api/whoami');
  assert.equal(given.status, 200, given.body);
  assert.equal(userIn(await send(`${gateway.origin}${JSON.parse(given.body).url}`)), 'CORP\\bob');
  const other = await streamToken(weak, '/headers');
  assert.equal(other.status, 200, other.body);
  assert.equal((await send(`${gateway.origin}${JSON.parse(other.body).url}`)).status, 403);
});

test('credentials of two people in one request are refused, and those of one person add up', async () => {
  const before = gateway.audit('sign-in-failed').length;
  assert.equal((await ask('/headers', { ...strong, ...weak })).status, 401);
  assert.deepEqual(reasons(gateway, 'sign-in-failed', before), ['credentials-of-two-persons']);
  assert.notEqual((await ask('/headers', { ...strong, 'X-Weak-User': 'CORP\\bob' })).status, 401);
});

test('what one app lets another site do does not open the endpoints of the host to it', async () => {
  const form = (origin: string) =>
    send(`${gateway.origin}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: origin, 'Sec-Fetch-Site': 'cross-site' },
      body: new URLSearchParams({ name: 'carol', password: 'carol-password', return: '/headers' }).toString(),
    });
  assert.equal((await form('https://partner.example')).status, 403);
});

test('a stream token for one app is not seen by its neighbour, in the address or in Referer', async () => {
  const cookie = await signIn(gateway.origin, 'carol');
  gateway.forget();
  const referer = `${gateway.origin}/api/whoami?stream_token=secret-of-vault`;
  assert.equal((await ask('/headers?stream_token=secret-of-vault', { Cookie: cookie, Referer: referer })).status, 401);
  assert.equal((await ask('/headers', { Cookie: cookie, Referer: referer })).status, 200);
  assert.doesNotMatch(gateway.received(), /secret-of-vault/);
});
