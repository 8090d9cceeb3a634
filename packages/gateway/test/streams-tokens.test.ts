/** WebSockets that were opened with a bearer token: they end with it, and with whatever it was made of. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type CryptoKey, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { cardea, idOf, makeKey } from './credentials.ts';
import { send, signIn, signOut, startTestGateway, type TestGateway, usersFile, withCsrf } from './harness.ts';
import { cardeaSessions } from './revocations.ts';
import { type OpenSocket, openWs } from './streams-testing.ts';

const minute = 60_000;
const issuer = 'https://auth.corp.example';
const other = 'https://login.partner.example';

let key: CryptoKey;
let jwk: object;
const keys = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
let later = 0;
let gateway: TestGateway;

before(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  key = privateKey;
  jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
  gateway = await startTestGateway({
    now: () => Date.now() + later,
    files: { 'users.yaml': await usersFile({ alice: [], bob: [] }) },
    config: (upstream) => `
sign_in:
  - password: { users: users.yaml }
  - api_key: {}
  - bearer:
      issuers:
        - { issuer: "${issuer}", audience: [desk] }
        - { issuer: "${other}", audience: [desk], jwks_url: "http://127.0.0.1:${(keys.address() as AddressInfo).port}/" }
issuer:
  url: ${issuer}
  clients: [{ id: own, audience: desk, groups: ["*"], pages: true }]
apps:
  - { name: desk, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }
`,
  });
});
after(async () => {
  await gateway.close();
  keys.close();
});

/** A token of our own issuer. */
async function tokenFor(
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly text: string; readonly jti: string }> {
  const { status, body } = await send(`${gateway.origin}/desktop/token`, { method: 'POST', headers });
  assert.equal(status, 200, body);
  const text = String(JSON.parse(body).access_token);
  return { text, jti: String(decodeJwt(text).jti) };
}
const open = (token: string): Promise<OpenSocket> =>
  openWs(`${gateway.origin}/ws`, { Authorization: `Bearer ${token}` });
async function endOf({ closing }: OpenSocket): Promise<readonly unknown[]> {
  const { code, reason } = await closing;
  return [code, reason];
}
const asAlice = async () => withCsrf(gateway.origin, await signIn(gateway.origin, 'alice'));

test('a socket of a token ends when the token is revoked by its id, and no other one does', async () => {
  const alice = await asAlice();
  const [one, two] = [await tokenFor(alice), await tokenFor(alice)];
  const [first, second] = [await open(one.text), await open(two.text)];
  await cardeaSessions(gateway.folder, 'revoke', '--id', one.jti);
  assert.deepEqual(await endOf(first), [4401, 'credential-revoked']);
  assert.equal(second.ended(), false);
  second.socket.terminate();
});

test('a socket of a token ends when its person is revoked, and nobody else', async () => {
  const [alice, bob] = [
    await open((await tokenFor(await asAlice())).text),
    await open((await tokenFor(await withCsrf(gateway.origin, await signIn(gateway.origin, 'bob')))).text),
  ];
  await cardeaSessions(gateway.folder, 'revoke', '--user', 'alice');
  assert.deepEqual(await endOf(alice), [4401, 'credential-revoked']);
  assert.equal(bob.ended(), false);
  bob.socket.terminate();
});

test('a socket of a token ends when the session is signed out of which the token was made', async () => {
  const alice = await asAlice();
  const socket = await open((await tokenFor(alice)).text);
  await signOut(gateway.origin, alice.Cookie);
  assert.deepEqual(await endOf(socket), [4401, 'credential-revoked']);
});

test('a socket of a token ends when the API key is revoked of which the token was made', async () => {
  const robot = await makeKey(gateway.folder, 'robot');
  const socket = await open((await tokenFor({ 'X-API-Key': robot })).text);
  await cardea(gateway.folder, 'keys', 'revoke', '--id', idOf(robot));
  assert.deepEqual(await endOf(socket), [4401, 'credential-revoked']);
});

test('a socket of any token ends at the end of the token, which clocks may see a minute later', async () => {
  const now = Math.floor((Date.now() + later) / 1_000);
  const foreign = await new SignJWT({
    iss: other,
    aud: 'desk',
    sub: 'p-1',
    preferred_username: 'pat',
    iat: now,
    exp: now + 1_800,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .sign(key);
  const sockets = [await open((await tokenFor(await asAlice())).text), await open(foreign)];
  later += 29 * minute;
  // What is due by this clock is looked at a few times a second.
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.deepEqual(
    sockets.map(({ ended }) => ended()),
    [false, false],
  );
  later += 2 * minute + 1_000;
  for (const socket of sockets) assert.deepEqual(await endOf(socket), [4401, 'credential-expired']);
});

test('a socket that was opened with a session and a key ends at the end of the key', async () => {
  const limited = await makeKey(gateway.folder, 'limited', '--expires', '1h');
  const headers = { ...(await asAlice()), 'X-API-Key': limited };
  const beside = await openWs(`${gateway.origin}/ws`, headers);
  const alone = await openWs(`${gateway.origin}/ws`, { Cookie: headers.Cookie });
  later += 60 * minute;
  assert.deepEqual(await endOf(beside), [4401, 'credential-expired']);
  assert.equal(alone.ended(), false);
  alone.socket.terminate();
});
