import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import type { Identity } from '../core/identity.ts';
import { assertions, assertionType, maxAssertionLength, verifyAssertion } from './assertion.ts';
import { KeyRing, newMasterKey, rotated } from './key-ring.ts';

const now = 1_789_000_000_000;
const issuer = 'https://gateway.corp.example';
const ring = new KeyRing([newMasterKey(0)]);
const { assertionFor } = assertions({ ring, issuer });

const alice: Identity = {
  subject: 'S-1-5-21-1-2-3-1103',
  account: 'CORP\\alice',
  upn: 'alice@corp.example',
  name: 'Алиса Łukasińska-陳',
  email: undefined,
  sids: ['S-1-5-21-1-2-3-1104'],
  groups: ['dep1', 'team-ai'],
  method: 'negotiate',
  authenticatedAt: now,
  expiresAt: now + 3_600_000,
};
const expected = { jwks: ring.jwks(), issuer, audience: 'desk', now };

test('assertionFor() tells one app who is there', async () => {
  const claims = await verifyAssertion(assertionFor('desk', alice, ['risk'], now, 'session-id'), expected);
  assert.deepEqual(claims, {
    iss: issuer,
    aud: 'desk',
    sub: 'S-1-5-21-1-2-3-1103',
    iat: now / 1_000,
    exp: now / 1_000 + 300,
    jti: claims.jti,
    account: 'CORP\\alice',
    upn: 'alice@corp.example',
    name: 'Алиса Łukasińska-陳',
    groups: ['dep1', 'team-ai'],
    roles: ['risk'],
    sid: 'session-id',
  });
});

test('assertionFor() never gives two assertions the same id', async () => {
  const ids = await Promise.all(
    [1, 2].map(async () => verifyAssertion(assertionFor('desk', alice, [], now), expected)),
  );
  assert.notEqual(ids[0]?.jti, ids[1]?.jti);
});

test('assertionFor() does not outlive the session', async () => {
  const claims = await verifyAssertion(assertionFor('desk', { ...alice, expiresAt: now + 60_000 }, [], now), expected);
  assert.equal(claims.exp, now / 1_000 + 60);
});

test('assertionFor() keeps 200 group names', async () => {
  const groups = Array.from({ length: 200 }, (_, i) => `big-group-${i}`);
  const token = assertionFor('desk', { ...alice, groups }, [], now);
  assert.ok(token.length <= maxAssertionLength);
  assert.deepEqual((await verifyAssertion(token, expected)).groups, groups);
});

for (const [count, name] of [
  [400, 'a group whose name is long enough'],
  [1_000, 'große Gruppe mit längerem Namen'],
] as const) {
  test(`assertionFor() leaves ${count} longer group names out and says so, rather than break the app's header limit`, async () => {
    const groups = Array.from({ length: count }, (_, i) => `${name} ${i}`);
    const token = assertionFor('desk', { ...alice, groups }, ['risk'], now);
    assert.ok(token.length <= maxAssertionLength);
    const claims = await verifyAssertion(token, expected);
    assert.deepEqual([claims.groups, claims.groups_omitted, claims.roles], [undefined, true, ['risk']]);
  });
}

test('assertionFor() signs with the newest key, and apps still accept what older ones signed', async () => {
  const turning = new KeyRing([newMasterKey(0)]);
  const { assertionFor: sign } = assertions({ ring: turning, issuer });
  const before = sign('desk', alice, [], now);
  turning.replace(rotated(turning.keys, now, 3_600_000));
  const after = sign('desk', alice, [], now);
  for (const token of [before, after]) await verifyAssertion(token, { ...expected, jwks: turning.jwks() });
});

const refused: readonly (readonly [string, Partial<typeof expected>, string])[] = [
  ['for another app', { audience: 'wiki' }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
  ['of another issuer', { issuer: 'https://evil.example' }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
  ['after its time', { now: now + 301_000 }, 'ERR_JWT_EXPIRED'],
  ['signed with an unknown key', { jwks: new KeyRing([newMasterKey(0)]).jwks() }, 'ERR_JWKS_NO_MATCHING_KEY'],
];
for (const [name, change, code] of refused) {
  test(`verifyAssertion() refuses an assertion ${name}`, async () => {
    await assert.rejects(verifyAssertion(assertionFor('desk', alice, [], now), { ...expected, ...change }), {
      code,
    });
  });
}

test('verifyAssertion() refuses a token of another type, though our own key signed it', async () => {
  const { id, signing } = ring.newest;
  const forge = (typ: string): Promise<string> =>
    new SignJWT({ iss: issuer, aud: 'desk', sub: 'x', jti: 'x', iat: now / 1_000, exp: now / 1_000 + 60 })
      .setProtectedHeader({ alg: 'ES256', typ, kid: id })
      .sign(signing);
  await verifyAssertion(await forge(assertionType), expected);
  await assert.rejects(verifyAssertion(await forge('at+jwt'), expected), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
});

test('verifyAssertion() refuses an altered assertion', async () => {
  const token = assertionFor('desk', alice, [], now);
  const [head = '', payload = '', signature = ''] = token.split('.');
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
  assert.ok(typeof claims === 'object' && claims !== null);
  const altered = Buffer.from(JSON.stringify({ ...claims, account: 'CORP\\admin' })).toString('base64url');
  const refusal = { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' };
  await assert.rejects(verifyAssertion(`${head}.${altered}.${signature}`, expected), refusal);
});

test('verifyAssertion() refuses an assertion that nobody signed', async () => {
  const [, payload = ''] = assertionFor('desk', alice, [], now).split('.');
  const head = Buffer.from(JSON.stringify({ alg: 'none', typ: assertionType })).toString('base64url');
  await assert.rejects(verifyAssertion(`${head}.${payload}.`, expected), { code: 'ERR_JOSE_ALG_NOT_ALLOWED' });
});
