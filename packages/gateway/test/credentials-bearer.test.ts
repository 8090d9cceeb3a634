/** Bearer tokens of another issuer by way of the whole gateway, with its keys at an address that can be down or changed. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { cardea, reasons, seenBy, startWatched, userIn, type WatchedGateway } from './credentials.ts';
import { asBrowser, send, signIn, until, usersFile } from './harness.ts';

/** The issuer: its keys at an address. */
let keys: JWK[] = [];
let down = false;
let asked = 0;
const issuer = createServer((_, response) => {
  asked++;
  response.writeHead(down ? 500 : 200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keys }));
});

let gateway: WatchedGateway;
let signing: { readonly kid: string; readonly key: CryptoKey };
let later = 0;
const secrets: string[] = [];
const name = 'https://login.partner.example/tenant';

/** A new key in the place of all others. */
async function rotate(kid: string): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  keys = [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }];
  signing = { kid, key: privateKey };
}

before(async () => {
  await rotate('first');
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  const where = issuer.address();
  const port = where !== null && typeof where === 'object' ? where.port : 0;
  gateway = await startWatched({
    now: () => Date.now() + later,
    files: { 'users.yaml': await usersFile({ alice: [] }) },
    config: (upstream) => `
sign_in:
  - password: { users: users.yaml }
  - bearer:
      issuers:
        - issuer: ${name}
          audience: [desk, elsewhere]
          jwks_url: http://127.0.0.1:${port}/keys
          claims: { user: "PARTNER\\\\{preferred_username}", groups: groups }
          group_names: { 5a1c: batch }
apps:
  - name: desk
    host: 127.0.0.1
    upstream: "${upstream}"
    rules:
      - { path: /app.css, public: true }
      - { path: /reports/**, groups: [batch] }
      - { path: /upload, credentials: [session, bearer] }
      - { path: /**, signed_in: true }
  - name: own
    host: 127.0.0.1
    path: /own
    upstream: "${upstream}"
    sign_in: [password]
    rules: [{ path: /**, public: true }]
`,
  });
});
after(async () => {
  await gateway.close();
  issuer.close();
});
// Beyond the time for which nobody asks again for keys, and for which a token is believed.
beforeEach(() => void (later += 61_000));

const seconds = (): number => Math.floor((Date.now() + later) / 1000);
const claims = (): Record<string, unknown> => ({
  iss: name,
  aud: 'desk',
  sub: 'p-1',
  preferred_username: 'pat',
  groups: ['5A1C', 'other'],
  iat: seconds(),
  exp: seconds() + 600,
});
async function token(more: object = {}, header: object = {}): Promise<string> {
  const text = await new SignJWT({ ...claims(), ...more })
    .setProtectedHeader({ alg: 'ES256', kid: signing.kid, ...header })
    .sign(signing.key);
  secrets.push(text);
  return text;
}
const bearing = (text: string): Readonly<Record<string, string>> => ({ Authorization: `Bearer ${text}` });
const ask = (path: string, headers: Readonly<Record<string, string>>, method = 'GET') =>
  send(`${gateway.origin}${path}`, { method, headers });

test('while the issuer is down nobody is let in by its tokens, and programs are told to come again', async () => {
  down = true;
  const { status, headers } = await ask('/api/whoami', bearing(await token()));
  assert.deepEqual([status, headers['retry-after']], [503, '5']);
  assert.equal(reasons(gateway, 'sign-in-failed').at(-1), 'unavailable');
  down = false;
  later += 10_000; // it is not asked again at once
  assert.equal((await ask('/api/whoami', bearing(await token()))).status, 200);
});

test('a token tells the app who asks, on a request, an event stream and a WebSocket', async () => {
  const account = 'PARTNER\\pat';
  assert.deepEqual(await seenBy(gateway.origin, bearing(await token())), [account, account, account]);
});

test('its groups have the names of the configuration, for rules and for the app', async () => {
  assert.equal((await ask('/reports/', bearing(await token()))).status, 200);
  assert.equal((await ask('/reports/', bearing(await token({ groups: ['batch2'] })))).status, 403);
  const { body } = await ask('/api/whoami', bearing(await token()));
  assert.deepEqual(JSON.parse(body).groups, ['batch', 'other']);
});

test('a token never reaches the app, also at a public path', async () => {
  gateway.forget();
  await ask('/api/whoami', bearing(await token()));
  await ask('/app.css', { authorization: `bEARER ${await token()}` });
  assert.doesNotMatch(gateway.received(), /authorization|eyJhbGciOiJFUzI1NiIsImtpZCI6/i);
});

test("an app's own credentials reach it: another scheme, or where nobody signs in with tokens", async () => {
  gateway.forget();
  await ask('/app.css', { Authorization: 'Basic b3duOm93bg==' });
  await ask('/own/', { Authorization: 'Bearer of-the-app-itself' });
  assert.match(gateway.received(), /Authorization: Basic b3duOm93bg==/);
  assert.match(gateway.received(), /Authorization: Bearer of-the-app-itself/);
});

const refusals: readonly (readonly [what: string, make: () => Promise<string>, reason: string])[] = [
  ['of another issuer', () => token({ iss: 'https://evil.example' }), 'bearer-issuer'],
  ['for somebody else', () => token({ aud: 'wiki' }), 'bearer-audience'],
  ['that has expired', () => token({ exp: seconds() - 61 }), 'bearer-expired'],
  ['that is not good yet', () => token({ nbf: seconds() + 120 }), 'bearer-not-yet-valid'],
  ['from the future', () => token({ iat: seconds() + 120 }), 'bearer-claim'],
  ['without an end', () => token({ exp: undefined }), 'bearer-claim'],
  ['of another type', () => token({}, { typ: 'logout+jwt' }), 'bearer-type'],
  ['that is an ID token', () => token({ nonce: 'n' }), 'bearer-type'],
  ['that is not signed', async () => new UnsecuredJWT(claims()).encode(), 'bearer-malformed'],
  ['with a signature of its own', async () => `${(await token()).slice(0, -6)}AAAAAA`, 'bearer-signature'],
  ['with a shared secret', () => signedBySecret(), 'bearer-algorithm'],
  ['with an unknown key', () => token({}, { kid: 'unknown' }), 'bearer-key-unknown'],
  ['that is none', async () => 'nonsense-of-a-token', 'bearer-malformed'],
];
const signedBySecret = async (): Promise<string> =>
  new SignJWT(claims())
    .setProtectedHeader({ alg: 'HS256', kid: signing.kid })
    .sign(Buffer.from(JSON.stringify(keys[0])));

for (const [what, make, reason] of refusals)
  test(`a token ${what} is refused as RFC 6750 has it, with the reason in the audit log alone`, async () => {
    const from = gateway.audit('sign-in-failed').length;
    const { status, headers, body } = await ask('/api/whoami', bearing(await make()));
    assert.deepEqual([status, headers['www-authenticate']], [401, 'Bearer error="invalid_token"']);
    assert.doesNotMatch(body, /issuer|audience|expired|signature|bearer-/i);
    assert.deepEqual(reasons(gateway, 'sign-in-failed', from), [reason]);
  });

test('without a token a program is told which kind is wanted, and a browser is sent to the form', async () => {
  const program = await ask('/api/whoami', {});
  assert.deepEqual([program.status, program.headers['www-authenticate']], [401, 'Bearer']);
  const person = await ask('/', asBrowser);
  assert.deepEqual([person.status, person.headers.location], [303, '/auth/login?return=%2F']);
});

test('keys that are at hand are good while the issuer is down', async () => {
  assert.equal((await ask('/api/whoami', bearing(await token()))).status, 200);
  later += 2 * 3_600_000; // the keys are to be fetched anew
  down = true;
  assert.equal((await ask('/api/whoami', bearing(await token()))).status, 200);
  down = false;
});

test('a new key is fetched when a token names it, and the old one is good no more', async () => {
  const old = await token();
  await rotate('second');
  const before = asked;
  assert.equal((await ask('/api/whoami', bearing(await token()))).status, 200);
  assert.equal(asked, before + 1);
  assert.equal((await ask('/api/whoami', bearing(old))).status, 401);
});

test('tokens with keys that there are not make nobody ask the issuer again and again', async () => {
  const before = asked;
  for (let i = 0; i < 10; i++) await ask('/api/whoami', bearing(await token({}, { kid: `unknown-${i}` })));
  assert.equal(asked, before + 1);
});

test('a token counts as a session no more than a session counts as a token, and a session of somebody else not at all', async () => {
  const alice = await signIn(gateway.origin, 'alice');
  secrets.push(alice.split('=')[1] ?? '');
  assert.equal((await ask('/upload', { Cookie: alice }, 'POST')).status, 403);
  assert.equal((await ask('/upload', bearing(await token()), 'POST')).status, 403);
  // Two people have shown something each, and neither of them both.
  assert.equal((await ask('/upload', { Cookie: alice, ...bearing(await token()) }, 'POST')).status, 403);
  assert.equal(userIn(await ask('/api/whoami', { Cookie: alice, ...bearing(await token()) })), 'PARTNER\\pat');
});

test('a token that was issued before its owner was signed out is refused within one second', async () => {
  const text = await token({ sub: 'p-2', preferred_username: 'sam', iat: seconds() - 30 });
  assert.equal((await ask('/api/whoami', bearing(text))).status, 200);
  await cardea(gateway.folder, 'sessions', 'revoke', '--user', 'PARTNER\\sam');
  const began = performance.now();
  // The clock of the test is ahead of the command's: the revocation must count all the same for what was issued in real time.
  later = 0;
  const real = await token({ sub: 'p-2', preferred_username: 'sam', iat: seconds() - 30 });
  await until(async () => (await ask('/api/whoami', bearing(real))).status === 401, 'the token to be refused');
  assert.ok(performance.now() - began < 1_000);
  assert.equal(reasons(gateway, 'sign-in-failed').at(-1), 'revoked');
  assert.equal((await ask('/api/whoami', bearing(await token()))).status, 200, 'somebody else');
});

test('no token can be read anywhere: not by the app, in a log, a metric or the database', async () => {
  assert.match(gateway.received() + gateway.written(), /PARTNER/);
  assert.deepEqual(await gateway.leaks(secrets), []);
});
