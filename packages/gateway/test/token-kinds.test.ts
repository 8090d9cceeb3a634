/**
 * Every kind of token in the place of every other kind. A new kind is one entry in
 * `kinds`: how one is made, and how its own place takes it. Each place must take its own
 * and refuse all others.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { createLocalJWKSet, exportJWK, jwtVerify, SignJWT } from 'jose';
import { apiKey, KnownApiKeys } from '../src/auth/api-key.ts';
import { apiKeyHash, newApiKey } from '../src/auth/api-key-text.ts';
import { approval, approvalTokens } from '../src/auth/approval.ts';
import type { Authenticator, Credentials } from '../src/auth/authenticator.ts';
import { bearer } from '../src/auth/bearer.ts';
import { credentials } from '../src/auth/credentials-testing.ts';
import { csrfTokens } from '../src/auth/csrf.ts';
import { keysOf } from '../src/auth/issuer-keys.ts';
import { ownTokens } from '../src/auth/own-token.ts';
import { openGrant, sealGrant } from '../src/auth/oidc/grant.ts';
import { findTransaction, keepTransaction, transactionCookiePrefix } from '../src/auth/oidc/transaction.ts';
import { packSession, startSession, unpackSession } from '../src/auth/session.ts';
import { sessionCookies } from '../src/auth/session-cookie.ts';
import { streamToken, streamTokens } from '../src/auth/stream-token.ts';
import type { Identity } from '../src/core/identity.ts';
import { parseJobPattern } from '../src/policy/job-pattern.ts';
import { probeToken, readProbe } from '../src/server/probe.ts';
import { anApiKey } from '../src/stores/api-keys.contract.ts';
import { accessTokenVerifier, issueAccessToken } from '../src/tokens/access-token.ts';
import { assertions, verifyAssertion } from '../src/tokens/assertion.ts';
import { KeyRing, newMasterKey } from '../src/tokens/key-ring.ts';
import { sealer } from '../src/tokens/seal.ts';
import { newSigningKey } from '../src/tokens/signing-key.ts';
import { packSigningKeys, SigningRing, unpackSigningKeys } from '../src/tokens/signing-ring.ts';

const now = Date.now();
const hour = 3_600_000;
const path = '/api/jobs/7/approve';
const ring = new KeyRing([newMasterKey(now)]);

const alice: Identity = {
  subject: 'password:alice',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: ['approvers'],
  method: 'password',
  authenticatedAt: now,
  expiresAt: now + hour,
};
const session = startSession(alice, now, { provider: 'password' });

interface Kind {
  readonly name: string;
  /** A good one. */
  readonly token: string;
  /** Whether the place of this kind takes a text for one. */
  readonly taken: (text: string) => boolean | Promise<boolean>;
}

/** A place that is a sign-in method: the text is put where the method looks. */
const asked =
  (method: Authenticator, carry: (text: string) => Partial<Credentials>) =>
  async (text: string): Promise<boolean> => {
    const outcome = await method.authenticate(credentials({ now, app: 'desk', method: 'POST', path, ...carry(text) }));
    return outcome.kind === 'accepted';
  };

const isRevoked = (): boolean => false;
const claims = { claim: (): boolean => true };

const cookies = sessionCookies({ sealer: sealer(ring, 'session'), idleMs: hour });
const grants = sealer(ring, 'refresh');
const bodies = sealer(ring, 'session-body');
const transactions = sealer(ring, 'transaction');
const csrf = csrfTokens(ring);

const state = 'a'.repeat(43);
const [, setTransaction = ''] = keepTransaction(
  transactions,
  {
    state,
    nonce: 'n',
    verifier: 'v',
    provider: 'entra',
    redirectUri: 'https://desk/auth/callback/entra',
    returnTo: '/',
    startedAt: now,
    silent: false,
    maxAge: undefined,
    acrValues: [],
  },
  [],
  true,
  now,
);
const [transactionPair = ''] = setTransaction.split(';');
const transactionName = transactionPair.slice(0, transactionPair.indexOf('='));
assert.ok(transactionName.startsWith(transactionCookiePrefix(true)));

const streams = streamTokens(sealer(ring, 'stream'), hour);
const approvals = approvalTokens(sealer(ring, 'approval'), hour);
const pattern = parseJobPattern('/api/jobs/{job}/approve');
assert.ok(pattern.kind === 'ok');
const actions = [{ action: 'approve', app: 'desk', method: 'POST', pattern: pattern.pattern }];

const made = newApiKey();
const scope = { apps: undefined, paths: undefined, methods: undefined };
const kept = anApiKey({ id: made.id, hash: apiKeyHash(made.text), scope, expiresAt: undefined });
const store = {
  create: () => false,
  find: (id: string) => (id === made.id ? kept : undefined),
  list: () => [kept],
  revoke: () => false,
  used: () => {},
  close: () => {},
};
const keyMethod = apiKey({ keys: new KnownApiKeys(store), lifetimeMs: hour, isOwnPath: () => false });

const issuer = 'https://login.example';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] };
const claimNames = {
  user: undefined,
  subject: 'sub',
  name: 'name',
  email: 'email',
  upn: 'upn',
  groups: undefined,
  roles: undefined,
};
// The worst case: the gateway's own keys and issuer are among those that are believed.
const tokenMethod = bearer({
  issuers: [
    {
      issuer,
      audiences: ['desk'],
      algorithms: ['ES256'],
      type: undefined,
      claims: claimNames,
      groupNames: {},
      keys: keysOf(jwks),
    },
    {
      issuer: 'cardea',
      audiences: ['desk'],
      algorithms: ['ES256'],
      type: undefined,
      claims: claimNames,
      groupNames: {},
      keys: keysOf({ keys: ring.jwks().keys.map((key) => ({ ...key })) }),
    },
  ],
});
const signed = (more: object): Promise<string> =>
  new SignJWT({
    iss: issuer,
    aud: 'desk',
    sub: 'svc',
    preferred_username: 'svc',
    iat: Math.floor(now / 1000),
    exp: Math.floor(now / 1000) + 600,
    ...more,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .sign(privateKey);
const idTokenFits = async (text: string, has: string): Promise<boolean> => {
  try {
    const { payload } = await jwtVerify(text, createLocalJWKSet(jwks), { issuer, audience: 'desk' });
    return has in payload;
  } catch {
    return false;
  }
};

// The worst case: keys for the same algorithm as those of assertions, and the audience of the app.
const signingRing = new SigningRing([
  await newSigningKey({ algorithm: 'ES256', bits: 0 }, { createdAt: now, usedFrom: now }),
]);
const tokenIssuer = 'https://auth.corp.example';
const accessToken = await issueAccessToken(
  { ring: signingRing, issuer: tokenIssuer },
  { aud: 'desk', sub: alice.account, client_id: 'desktop', groups: [], cardea: { at: now, sub: alice.subject } },
  now,
  now + hour,
);
assert.ok(typeof accessToken === 'object');
const revocations = { ready: true, isRevoked, isKeyRevoked: isRevoked };
const own = {
  tokens: ownTokens({
    verifier: accessTokenVerifier({ ring: signingRing, issuer: tokenIssuer }),
    revocations: () => revocations,
  }),
  audiences: ['desk'],
  lookUpGroups: false,
};
const signingKeys = sealer(ring, 'signing-keys');

const kinds: readonly Kind[] = [
  {
    name: 'session cookie',
    token: cookies.seal(session) ?? '',
    taken: (text) => cookies.open(text, now).kind === 'ok',
  },
  {
    name: 'session reference',
    token: cookies.sealReference(session),
    taken: (text) => cookies.open(text, now).kind === 'reference',
  },
  {
    name: 'session body',
    token: bodies.seal(packSession(session)),
    taken: (text) => {
      const body = bodies.open(text);
      return body !== undefined && unpackSession(body) !== undefined;
    },
  },
  {
    name: 'refresh grant',
    token: Buffer.from(sealGrant(grants, { refreshToken: 'r', idToken: undefined, nonce: 'n', subject: 's' })).toString(
      'latin1',
    ),
    taken: (text) => openGrant(grants, Buffer.from(text, 'latin1')) !== undefined,
  },
  {
    name: 'transaction',
    token: transactionPair.slice(transactionPair.indexOf('=') + 1),
    taken: (text) =>
      findTransaction(transactions, state, ['Cookie', `${transactionName}=${text}`], true, now).kind === 'ok',
  },
  {
    name: 'csrf token',
    token: csrf.tokenFor(session.id),
    taken: (text) => csrf.matches(text, session.id),
  },
  {
    name: 'stream token',
    token: streams.issue({ app: 'desk', path, below: false }, session, now) ?? '',
    taken: asked(streamToken({ tokens: streams, claims, isRevoked, directory: undefined }), (text) => ({
      streamToken: text,
      method: 'GET',
    })),
  },
  {
    name: 'probe token',
    token: probeToken(sealer(ring, 'probe'), { kind: 'anybody', port: 1 }, now),
    taken: (text) => readProbe(sealer(ring, 'probe'), text, now) !== undefined,
  },
  {
    name: 'approval',
    token: approvals.issue({ app: 'desk', job: '7', action: 'approve' }, session, now),
    taken: asked(approval({ tokens: approvals, actions, claims, isRevoked }), (text) => ({
      fields: ['X-Approval-Token', text],
    })),
  },
  {
    name: 'API key',
    token: made.text,
    taken: async (text) =>
      (await asked(keyMethod, (value) => ({ fields: ['X-API-Key', value] }))(text)) ||
      (await asked(keyMethod, (value) => ({ authorization: `Bearer ${value}` }))(text)),
  },
  {
    name: 'bearer token',
    token: await signed({}),
    taken: asked(tokenMethod, (text) => ({ authorization: `Bearer ${text}` })),
  },
  {
    name: 'assertion',
    token: assertions({ ring, issuer: 'cardea' }).assertionFor('desk', alice, [], now),
    taken: async (text) => {
      const jwks = { keys: ring.jwks().keys.map((key) => ({ ...key })) };
      const expected = { jwks, issuer: 'cardea', audience: 'desk', now };
      return verifyAssertion(text, expected).then(
        () => true,
        () => false,
      );
    },
  },
  {
    name: 'access token',
    token: accessToken.token,
    taken: asked(bearer({ issuers: [], own }), (text) => ({ authorization: `Bearer ${text}` })),
  },
  {
    name: "issuer's keys",
    token: signingKeys.seal(packSigningKeys(signingRing.keys)),
    taken: (text) => {
      const bytes = signingKeys.open(text);
      return bytes !== undefined && unpackSigningKeys(bytes).length > 0;
    },
  },
  // Not ours to hand out, but signed with a key that bearer tokens are believed by.
  { name: 'ID token', token: await signed({ nonce: 'n' }), taken: (text) => idTokenFits(text, 'nonce') },
  { name: 'logout token', token: await signed({ events: {}, jti: 'j' }), taken: (text) => idTokenFits(text, 'events') },
];

for (const place of kinds) {
  test(`the place of a ${place.name} takes a ${place.name}`, async () => {
    assert.equal(await place.taken(place.token), true);
  });

  for (const other of kinds)
    if (other !== place)
      test(`the place of a ${place.name} refuses a ${other.name}`, async () => {
        assert.equal(await place.taken(other.token), false);
      });
}

test('every purpose that has a key has a kind here', () => {
  // A new purpose breaks this line for the compiler, and then wants an entry above.
  const purposes: Readonly<Record<Parameters<KeyRing['derive']>[1], string>> = {
    session: 'session cookie',
    'session-body': 'session body',
    refresh: 'refresh grant',
    transaction: 'transaction',
    csrf: 'csrf token',
    stream: 'stream token',
    approval: 'approval',
    probe: 'probe token',
    'signing-keys': "issuer's keys",
  };
  for (const name of Object.values(purposes))
    assert.ok(
      kinds.some((kind) => kind.name === name),
      name,
    );
});
