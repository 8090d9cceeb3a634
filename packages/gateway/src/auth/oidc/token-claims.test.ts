import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Claims, VerifiedToken } from './token.ts';
import { checkIdToken, checkLogoutToken, type IdTokenExpectations } from './token-claims.ts';

type Signed = Extract<VerifiedToken, { kind: 'ok' }>;

const now = 1_800_000_000_000;
const s = now / 1000;
const right: Claims = { iss: 'https://login.example', sub: 'alice', aud: 'cardea', iat: s, exp: s + 300, nonce: 'n' };
const expected: IdTokenExpectations = {
  issuer: 'https://login.example',
  tenants: [],
  clientId: 'cardea',
  nonce: 'n',
  accessToken: 'access',
};
const signed = (claims: Claims, type?: string, algorithm = 'RS256'): Signed => ({
  kind: 'ok',
  claims,
  algorithm,
  type,
});
const id = (change: Claims, more: Partial<IdTokenExpectations> = {}, type?: string): string => {
  const outcome = checkIdToken(signed({ ...right, ...change }, type), { ...expected, ...more }, now);
  return outcome.kind === 'ok' ? 'ok' : outcome.reason;
};
const hash = (algorithm: string, text: string): string => {
  const digest = createHash(algorithm).update(text).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
};

const cases: readonly (readonly [what: string, outcome: string, expectedOutcome: string])[] = [
  ['takes a right token', id({}), 'ok'],
  [
    'takes the client among several audiences when it is the authorized party',
    id({ aud: ['x', 'cardea'], azp: 'cardea' }),
    'ok',
  ],
  ['refuses several audiences without an authorized party', id({ aud: ['x', 'cardea'] }), 'token-authorized-party'],
  ['refuses another authorized party', id({ azp: 'x' }), 'token-authorized-party'],
  ['refuses an audience that only begins like the client', id({ aud: 'cardea2' }), 'token-audience'],
  ['refuses an audience that is an object', id({ aud: { cardea: true } }), 'token-audience'],
  ['refuses another issuer', id({ iss: 'https://evil.example' }), 'token-issuer'],
  ['refuses an issuer that is a list', id({ iss: ['https://login.example'] }), 'token-issuer'],
  ['takes a token until a minute after its expiry', id({ exp: s - 59 }), 'ok'],
  ['refuses a token a minute after its expiry', id({ exp: s - 60 }), 'token-expired'],
  ['refuses an expiry that is text', id({ exp: String(s + 300) }), 'token-claim-missing'],
  ['refuses an expiry that is not finite', id({ exp: Number.POSITIVE_INFINITY }), 'token-claim-missing'],
  ['refuses no time of issue', id({ iat: undefined }), 'token-claim-missing'],
  ['takes a token that is issued a minute ahead', id({ iat: s + 60 }), 'ok'],
  ['refuses a token that is issued more than a minute ahead', id({ iat: s + 61 }), 'token-from-the-future'],
  ['takes a token that is valid a minute from now', id({ nbf: s + 60 }), 'ok'],
  ['refuses a token that is valid later', id({ nbf: s + 61 }), 'token-not-yet-valid'],
  ['refuses an nbf that is text', id({ nbf: 'soon' }), 'token-malformed'],
  ['refuses another nonce', id({ nonce: 'm' }), 'token-nonce'],
  ['refuses no nonce', id({ nonce: undefined }), 'token-nonce'],
  ['refuses no subject', id({ sub: undefined }), 'token-subject'],
  ['refuses an empty subject', id({ sub: '' }), 'token-subject'],
  ['refuses a subject of 256 characters', id({ sub: 'x'.repeat(256) }), 'token-subject'],
  ['refuses a subject with a line break', id({ sub: 'alice\nbob' }), 'token-subject'],
  ['refuses another subject than the one that is known', id({}, { subject: 'bob' }), 'token-subject'],
  ['refuses a security event', id({ events: {} }), 'token-type'],
  ['refuses an access token', id({}, {}, 'at+jwt'), 'token-type'],
  ['refuses a logout token by its type', id({}, {}, 'logout+jwt'), 'token-type'],
  ['takes the right at_hash', id({ at_hash: hash('sha256', 'access') }), 'ok'],
  ['refuses the at_hash of another access token', id({ at_hash: hash('sha256', 'other') }), 'token-hash'],
  ['refuses an at_hash without an access token', id({ at_hash: 'x' }, { accessToken: undefined }), 'token-hash'],
  ['takes a recent authentication', id({ auth_time: s - 100 }, { maxAge: 100 }), 'ok'],
  ['refuses an authentication in the future', id({ auth_time: s + 61 }, { maxAge: 100 }), 'authentication-too-old'],
  ['refuses an authentication that is too old', id({ auth_time: s - 161 }, { maxAge: 100 }), 'authentication-too-old'],
  [
    'refuses an unknown time of authentication when one was asked for',
    id({}, { maxAge: 100 }),
    'authentication-too-old',
  ],
  ['takes one of the acr values asked for', id({ acr: 'mfa' }, { acrValues: ['mfa', 'hw'] }), 'ok'],
  ['refuses another acr', id({ acr: 'pwd' }, { acrValues: ['mfa'] }), 'authentication-too-weak'],
  ['refuses no acr when one was asked for', id({}, { acrValues: ['mfa'] }), 'authentication-too-weak'],
];
for (const [what, outcome, wanted] of cases) {
  test(`checkIdToken() ${what}`, () => assert.equal(outcome, wanted));
}

test('checkIdToken() hashes the access token with SHA-512 for EdDSA', () => {
  const token = signed({ ...right, at_hash: hash('sha512', 'access') }, undefined, 'EdDSA');
  assert.equal(checkIdToken(token, expected, now).kind, 'ok');
});

const tenant = '11111111-1111-1111-1111-111111111111';
const multi = { issuer: 'https://login.example/{tenantid}/v2.0', tenants: [tenant] };
test('checkIdToken() takes a token of an allowed tenant', () => {
  assert.equal(id({ iss: `https://login.example/${tenant}/v2.0`, tid: tenant }, multi), 'ok');
});
test('checkIdToken() refuses a token of another tenant', () => {
  const other = '22222222-2222-2222-2222-222222222222';
  assert.equal(id({ iss: `https://login.example/${other}/v2.0`, tid: other }, multi), 'tenant-not-allowed');
});
test('checkIdToken() refuses a token whose issuer is not that of its tenant', () => {
  assert.equal(id({ iss: 'https://login.example/22222222/v2.0', tid: tenant }, multi), 'token-issuer');
});
test('checkIdToken() refuses a token without a tenant where several are possible', () => {
  assert.equal(id({ iss: multi.issuer }, multi), 'tenant-not-allowed');
});

test('checkLogoutToken() wants sub and sid to be text when they are there', () => {
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const { nonce: _, ...claims } = right;
  const outcome = (change: Claims): string => {
    const checked = checkLogoutToken(signed({ ...claims, jti: 'j', events, ...change }), expected, now);
    return checked.kind === 'ok' ? 'ok' : checked.reason;
  };
  assert.deepEqual(
    [outcome({}), outcome({ sub: 7 }), outcome({ sid: ['x'] }), outcome({ jti: 7 })],
    ['ok', 'token-subject', 'token-subject', 'token-claim-missing'],
  );
});
