import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createLocalJWKSet, jwtVerify, SignJWT, UnsecuredJWT } from 'jose';
import {
  type AccessTokenContents,
  accessTokenType,
  issueAccessToken,
  maxAccessTokenLength,
  verifyAccessToken,
} from './access-token.ts';
import { newSigningKey, type SigningKey } from './signing-key.ts';
import { SigningRing } from './signing-ring.ts';

const now = 1_789_000_000_000;
const seconds = now / 1_000;
const issuer = 'https://auth.corp.example';
let key: SigningKey;
let ring: SigningRing;
before(async () => {
  key = await newSigningKey({ algorithm: 'RS256', bits: 2048 }, { createdAt: now, usedFrom: now });
  ring = new SigningRing([key]);
});

const contents: AccessTokenContents = {
  aud: 'llm',
  sub: 'CORP\\jürgen',
  client_id: 'desktop',
  groups: ['team-ai', 'Ökonomie-経理'],
  cardea: { at: now, sub: 'S-1-5-21-1-2-3-1103' },
};
async function issue(more: Partial<AccessTokenContents> = {}, at = now, until = now + 1_800_000): Promise<string> {
  const issued = await issueAccessToken({ ring, issuer }, { ...contents, ...more }, at, until);
  assert.ok(typeof issued === 'object');
  return issued.token;
}
const verify = (token: string, more: { readonly now?: number; readonly audiences?: readonly string[] } = {}) =>
  verifyAccessToken(token, { ring, issuer, audiences: ['llm'], now, ...more });

test('issueAccessToken() makes a token that another library verifies by the published keys', async () => {
  const { payload, protectedHeader } = await jwtVerify(await issue(), createLocalJWKSet({ keys: [...ring.jwks()] }), {
    issuer,
    audience: 'llm',
    typ: 'at+jwt',
    algorithms: ['RS256'],
    currentDate: new Date(now),
  });
  assert.deepEqual(protectedHeader, { alg: 'RS256', typ: 'at+jwt', kid: key.kid });
  assert.deepEqual(payload, {
    iss: issuer,
    aud: 'llm',
    sub: 'CORP\\jürgen',
    client_id: 'desktop',
    iat: seconds,
    exp: seconds + 1_800,
    jti: payload.jti,
    groups: ['team-ai', 'Ökonomie-経理'],
    cardea: { at: now, sub: 'S-1-5-21-1-2-3-1103' },
  });
});

test('issueAccessToken() never gives two tokens the same id', async () => {
  const ids = await Promise.all(
    [1, 2].map(async () => {
      const found = verify(await issue());
      return found.kind === 'ok' ? found.claims.jti : '';
    }),
  );
  assert.notEqual(ids[0], ids[1]);
});

test('issueAccessToken() says so when there is no key, and when the token would be too long', async () => {
  assert.equal(await issueAccessToken({ ring: new SigningRing(), issuer }, contents, now, now + 1), 'no-key');
  const groups = Array.from({ length: 400 }, (_, i) => `a group with a long name ${i}`);
  assert.equal(await issueAccessToken({ ring, issuer }, { ...contents, groups }, now, now + 1), 'too-long');
});

test('issueAccessToken() uses the key whose time has come', async () => {
  const next = await newSigningKey({ algorithm: 'ES256', bits: 0 }, { createdAt: now, usedFrom: now + 5_000 });
  const both = new SigningRing([key, next]);
  for (const [at, kid] of [
    [now, key.kid],
    [now + 5_000, next.kid],
  ] as const) {
    const issued = await issueAccessToken({ ring: both, issuer }, contents, at, at + 60_000);
    assert.ok(typeof issued === 'object');
    const header: unknown = JSON.parse(Buffer.from(issued.token.split('.')[0] ?? '', 'base64url').toString());
    assert.deepEqual(header, { alg: kid === key.kid ? 'RS256' : 'ES256', typ: 'at+jwt', kid });
    assert.equal(verifyAccessToken(issued.token, { ring: both, issuer, audiences: ['llm'], now: at }).kind, 'ok');
  }
});

test('verifyAccessToken() gives the claims of a good token', async () => {
  const found = verify(await issue());
  assert.ok(found.kind === 'ok');
  assert.deepEqual([found.claims.sub, found.claims.groups], ['CORP\\jürgen', ['team-ai', 'Ökonomie-経理']]);
});

test('verifyAccessToken() allows for clocks that differ by a minute, and no more', async () => {
  const token = await issue({}, now, now + 60_000);
  const kind = (at: number): string => verify(token, { now: at }).kind;
  assert.deepEqual([kind(now - 60_000), kind(now - 61_000)], ['ok', 'refused']);
  assert.deepEqual([kind(now + 119_000), kind(now + 120_000)], ['ok', 'refused']);
});

/** What our own key has signed, with other claims or another header. */
const forge = (claims: object, header: object = {}): Promise<string> =>
  new SignJWT({
    iss: issuer,
    iat: seconds,
    exp: seconds + 600,
    jti: 'j',
    ...contents,
    ...claims,
  })
    .setProtectedHeader({ alg: 'RS256', typ: accessTokenType, kid: key.kid, ...header })
    .sign(key.privateKey ?? key.publicKey);

const cases: readonly (readonly [
  what: string,
  reason: string,
  token: () => Promise<string> | string,
  more?: Parameters<typeof verify>[1],
])[] = [
  ['no token', 'malformed', () => 'x'],
  ['two parts', 'malformed', async () => (await issue()).split('.').slice(0, 2).join('.')],
  ['a part too many', 'malformed', async () => `${await issue()}.x`],
  ['padding', 'malformed', async () => `${await issue()}=`],
  ['another spelling of the same signature', 'malformed', async () => respelled(await issue())],
  ['one that is longer than any', 'malformed', () => `${'a'.repeat(maxAccessTokenLength)}.b.c`],
  ['one without a signature', 'malformed', () => new UnsecuredJWT({ iss: issuer }).encode()],
  ['an assertion', 'type', () => forge({}, { typ: 'cardea-assertion+jwt' })],
  ['no type', 'type', () => forge({}, { typ: undefined })],
  ['an extension that is critical', 'malformed', () => forged({ crit: ['b64'], b64: false })],
  ['another issuer', 'issuer', () => forge({ iss: 'https://evil.example' })],
  ['an issuer with a slash more', 'issuer', () => forge({ iss: `${issuer}/` })],
  ['no issuer', 'issuer', () => forge({ iss: undefined })],
  ['a key that is not ours', 'key-unknown', () => forge({}, { kid: 'x' })],
  ['no key id', 'key-unknown', () => forge({}, { kid: undefined })],
  ['a key id that is no text', 'key-unknown', () => forged({ kid: [key.kid] })],
  ['alg none', 'algorithm', () => forged({ alg: 'none' })],
  ['alg HS256', 'algorithm', () => forged({ alg: 'HS256' })],
  ['alg RS512', 'algorithm', () => forged({ alg: 'RS512' })],
  ['altered claims', 'signature', async () => altered(await issue())],
  ['another audience', 'audience', () => issue(), { audiences: ['other'] }],
  ['no audience that is expected', 'audience', () => issue(), { audiences: [] }],
  ['a list of audiences', 'claim', () => forge({ aud: ['llm'] })],
  ['one that has expired', 'expired', () => issue(), { now: now + 1_860_000 }],
  ['one of the future', 'not-yet-valid', () => issue(), { now: now - 61_000 }],
  ['nbf in the future', 'not-yet-valid', () => forge({ nbf: seconds + 61 })],
  ['nbf that is no time', 'claim', () => forge({ nbf: 'x' })],
  ['no iat', 'claim', () => forge({ iat: undefined })],
  ['no exp', 'claim', () => forge({ exp: undefined })],
  ['no sub', 'claim', () => forge({ sub: undefined })],
  ['an empty sub', 'claim', () => forge({ sub: '' })],
  ['no jti', 'claim', () => forge({ jti: undefined })],
  ['no groups', 'claim', () => forge({ groups: undefined })],
  ['groups in a text', 'claim', () => forge({ groups: 'team-ai' })],
  ['nothing of what it was made of', 'claim', () => forge({ cardea: undefined })],
  ['no time of the sign-in', 'claim', () => forge({ cardea: { sub: 'x' } })],
];
for (const [what, reason, token, more] of cases)
  test(`verifyAccessToken() refuses ${what}: ${reason}`, async () => {
    const found = verify(await token(), more);
    assert.equal(found.kind === 'refused' ? found.reason : 'accepted', reason);
  });

test('verifyAccessToken() refuses a token whose key has left the ring', async () => {
  const token = await issue();
  const found = verifyAccessToken(token, { ring: new SigningRing(), issuer, audiences: ['llm'], now });
  assert.equal(found.kind === 'refused' && found.reason, 'key-unknown');
});

/** A header of one's own before claims and signature of a good token. */
async function forged(header: object): Promise<string> {
  const [, body = '', signature = ''] = (await issue()).split('.');
  const head = { alg: 'RS256', typ: accessTokenType, kid: key.kid, ...header };
  return `${Buffer.from(JSON.stringify(head)).toString('base64url')}.${body}.${signature}`;
}

function altered(token: string): string {
  const [head = '', body = '', signature = ''] = token.split('.');
  const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString());
  assert.ok(typeof claims === 'object' && claims !== null);
  return `${head}.${Buffer.from(JSON.stringify({ ...claims, sub: 'CORP\\admin' })).toString('base64url')}.${signature}`;
}

/** 256 bytes leave four spare bits in the last character. */
function respelled(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(token.at(-1) ?? '');
  return `${token.slice(0, -1)}${alphabet[last ^ 1]}`;
}
