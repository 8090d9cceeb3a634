import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { AccessTokenOrigin } from '../ports/access-tokens.ts';
import { accessTokenVerifier, issueAccessToken } from '../tokens/access-token.ts';
import { newSigningKey } from '../tokens/signing-key.ts';
import { SigningRing } from '../tokens/signing-ring.ts';
import { ownTokens } from './own-token.ts';
import type { Issued } from './revocation-list.ts';

const now = 1_789_000_000_000;
const issuer = 'https://auth.corp.example';
let ring: SigningRing;
before(async () => {
  ring = new SigningRing([await newSigningKey({ algorithm: 'ES256', bits: 0 }, { createdAt: now, usedFrom: now })]);
});

async function issue(origin: Partial<AccessTokenOrigin> = {}, upn?: string): Promise<{ token: string; jti: string }> {
  const person = {
    aud: 'llm',
    sub: 'CORP\\alice',
    client_id: 'desktop',
    groups: ['team-ai'],
    auth_time: now / 1_000 - 60,
  };
  const contents = {
    ...person,
    ...(upn === undefined ? {} : { upn }),
    cardea: { at: now, sub: 'S-1-5-21-1', ...origin },
  };
  const issued = await issueAccessToken({ ring, issuer }, contents, now, now + 600_000);
  assert.ok(typeof issued === 'object');
  return { token: issued.token, jti: issued.claims.jti };
}

function place(
  options: { revoked?: (what: Issued) => boolean; keyRevoked?: (id: string) => boolean; ready?: boolean } = {},
) {
  const asked: Issued[] = [];
  const tokens = ownTokens({
    verifier: accessTokenVerifier({ ring, issuer }),
    revocations: () => ({
      ready: options.ready ?? true,
      isRevoked: (what) => {
        asked.push(what);
        return options.revoked?.(what) ?? false;
      },
      isKeyRevoked: options.keyRevoked ?? (() => false),
    }),
  });
  const verdict = (token: string, audiences = ['llm'], at = now): string => {
    const found = tokens.check(token, audiences, at);
    return found.kind === 'ok' ? found.identity.account : found.reason;
  };
  return { tokens, asked, verdict };
}

test('ownTokens() says who a token speaks of', async () => {
  const { tokens } = place();
  const { token } = await issue({}, 'alice@corp.example');
  const found = tokens.check(token, ['llm'], now);
  assert.deepEqual(found.kind === 'ok' && found.identity, {
    subject: 'S-1-5-21-1',
    account: 'CORP\\alice',
    upn: 'alice@corp.example',
    name: undefined,
    email: undefined,
    sids: [],
    groups: ['team-ai'],
    method: 'bearer',
    authenticatedAt: now,
    provenAt: now - 60_000,
    expiresAt: now + 660_000,
  });
});

test('ownTokens() knows its own tokens from others by the issuer', async () => {
  const { token } = await issue();
  const { tokens } = place();
  assert.equal(tokens.claims(token), true);
  assert.equal(
    ownTokens({
      verifier: accessTokenVerifier({ ring, issuer: 'https://other.example' }),
      revocations: () => ({ ready: true, isRevoked: () => false, isKeyRevoked: () => false }),
    }).claims(token),
    false,
  );
  assert.equal(tokens.claims('x.y.z'), false);
});

test('ownTokens() asks about the person under every name, the token, the session and the session at the provider', async () => {
  const { asked, verdict } = place();
  const { token, jti } = await issue(
    { sid: 'session-1', idp: 'entra', idp_sid: 'p-1', at: now - 5 },
    'alice@corp.example',
  );
  assert.equal(verdict(token), 'CORP\\alice');
  const person = {
    subject: 'S-1-5-21-1',
    account: 'CORP\\alice',
    upn: 'alice@corp.example',
    issuedAt: now - 5,
    provider: 'entra',
    providerSession: 'p-1',
  };
  assert.deepEqual(asked, [
    { ...person, id: jti },
    { ...person, id: 'session-1' },
  ]);
});

for (const [what, revoked] of [
  ['itself', (one: Issued, jti: string) => one.id === jti],
  ['its session', (one: Issued) => one.id === 'session-1'],
  ['its person', (one: Issued) => one.account === 'CORP\\alice'],
] as const)
  test(`ownTokens() refuses a token as soon as ${what} has been revoked, also one that it has taken before`, async () => {
    const { token, jti } = await issue({ sid: 'session-1' });
    let ended = false;
    const { verdict } = place({ revoked: (one) => ended && revoked(one, jti) });
    assert.equal(verdict(token), 'CORP\\alice');
    ended = true;
    assert.equal(verdict(token), 'revoked');
  });

test('ownTokens() refuses a token that was made of an API key which has been revoked', async () => {
  const { token } = await issue({ sub: 'api_key:k1' });
  assert.equal(place({ keyRevoked: (id) => id === 'k1' }).verdict(token), 'revoked');
  assert.equal(place({ keyRevoked: (id) => id !== 'k1' }).verdict(token), 'CORP\\alice');
});

test('ownTokens() takes no token while it is not known what has been revoked', async () => {
  const { token } = await issue();
  assert.throws(() => place({ ready: false }).verdict(token), StoreUnavailable);
});

test('ownTokens() does not let its memory stand in for the audience or the time', async () => {
  const { token } = await issue();
  const { verdict } = place();
  assert.equal(verdict(token), 'CORP\\alice');
  assert.equal(verdict(token, ['other']), 'audience');
  assert.equal(verdict(token, ['llm'], now + 659_999), 'CORP\\alice');
  assert.equal(verdict(token, ['llm'], now + 660_000), 'expired');
});

test('ownTokens() takes no token of a key that has gone, also one that it has taken before', async () => {
  const { token } = await issue();
  const { verdict } = place();
  assert.equal(verdict(token), 'CORP\\alice');
  const { keys } = ring;
  ring.replace([]);
  assert.equal(verdict(token), 'key-unknown');
  ring.replace(keys);
  assert.equal(verdict(token), 'CORP\\alice');
});

test('ownTokens() says of a token that it takes what ends it when that is revoked', async () => {
  const { tokens } = place();
  const { token, jti } = await issue({ sub: 'api_key:k1', sid: 's1', idp: 'entra', idp_sid: 'p1' });
  const found = tokens.check(token, ['llm'], now);
  const who = {
    subject: 'api_key:k1',
    account: 'CORP\\alice',
    upn: undefined,
    issuedAt: now,
    provider: 'entra',
    providerSession: 'p1',
  };
  assert.deepEqual(found.kind === 'ok' && found.restsOn, {
    issued: [
      { ...who, id: jti },
      { ...who, id: 's1' },
    ],
    keyId: 'k1',
  });
});
