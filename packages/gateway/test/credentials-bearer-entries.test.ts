/** Two entries for bearer tokens on one host, each with issuers of its own. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { after, before, test } from 'node:test';
import { exportJWK, SignJWT } from 'jose';
import { send, startTestGateway, type TestGateway } from './harness.ts';

const issuers = { one: 'https://one.example', two: 'https://two.example' };
const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keys = { one: pair(), two: pair() };
let gateway: TestGateway;

const keyFile = async (key: KeyObject): Promise<string> =>
  JSON.stringify({ keys: [{ ...(await exportJWK(key)), kid: 'k', alg: 'ES256' }] });

before(async () => {
  const entry = (id: 'one' | 'two'): string =>
    `{ bearer: { id: ${id}, issuers: [{ issuer: "${issuers[id]}", audience: desk, keys: ${id}.json }] } }`;
  gateway = await startTestGateway({
    files: { 'one.json': await keyFile(keys.one.publicKey), 'two.json': await keyFile(keys.two.publicKey) },
    config: (upstream) => `
sign_in: [${entry('one')}, ${entry('two')}]
apps:
  - name: both
    host: both.example
    upstream: ${upstream}
    rules: [{ path: /only-two/**, signed_in_by: [two] }, { path: /**, signed_in: true }]
  - { name: first, host: first.example, upstream: "${upstream}", sign_in: [one], rules: [{ path: /**, signed_in: true }] }
`,
  });
});
after(() => gateway.close());

const token = (iss: string, key: KeyObject, aud = 'desk'): Promise<string> =>
  new SignJWT({ sub: 'robot' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setIssuer(iss)
    .setAudience(aud)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key);

const ask = async (host: string, bearer: string, path = '/api/whoami') =>
  send(`${gateway.origin}${path}`, { headers: { Host: host, Authorization: `Bearer ${bearer}` } });
const lastReason = (): unknown => gateway.audit('sign-in-failed').at(-1)?.['reason'];

test('a token of the second entry is judged by that, and counts as signed in by it', async () => {
  const second = await token(issuers.two, keys.two.privateKey);
  assert.equal((await ask('both.example', second)).status, 200);
  assert.notEqual((await ask('both.example', second, '/only-two/')).status, 403);
  const first = await token(issuers.one, keys.one.privateKey);
  assert.equal((await ask('both.example', first)).status, 200);
  assert.equal((await ask('both.example', first, '/only-two/')).status, 403);
});

test('a token that names the issuer of one entry and has a key of the other is refused', async () => {
  for (const [issuer, key] of [
    [issuers.one, keys.two],
    [issuers.two, keys.one],
  ] as const) {
    assert.equal((await ask('both.example', await token(issuer, key.privateKey))).status, 401);
    assert.equal(lastReason(), 'bearer-signature');
  }
});

test('a bad token of the second entry is refused with its reason, and one of no issuer with another', async () => {
  assert.equal((await ask('both.example', await token(issuers.two, keys.two.privateKey, 'elsewhere'))).status, 401);
  assert.equal(lastReason(), 'bearer-audience');
  assert.equal((await ask('both.example', await token('https://three.example', keys.two.privateKey))).status, 401);
  assert.equal(lastReason(), 'bearer-issuer');
});

test('an app that takes the first entry alone does not let in by a token of the second', async () => {
  const response = await ask('first.example', await token(issuers.two, keys.two.privateKey));
  assert.equal(response.status, 401);
  assert.equal(response.headers['www-authenticate'], 'Bearer');
});
