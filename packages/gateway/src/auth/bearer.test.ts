import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { exportJWK, type JWK, SignJWT } from 'jose';
import { newApiKey } from './api-key-text.ts';
import type { Authenticator, Outcome } from './authenticator.ts';
import { type BearerIssuer, bearer } from './bearer.ts';
import { credentials } from './credentials-testing.ts';
import { keysAt, keysByDiscovery, keysOf } from './issuer-keys.ts';
import { keysOf as keysFor } from './memberships.ts';
import { openOutbound } from './oidc/outbound.ts';

const now = 1_789_000_000_000;
const seconds = now / 1000;
const issuer = 'https://login.example/tenant';
const claims = {
  user: undefined,
  subject: 'sub',
  name: 'name',
  email: 'email',
  upn: 'upn',
  groups: 'groups',
  roles: undefined,
};

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = async (key: KeyObject, kid: string): Promise<JWK> => ({ ...(await exportJWK(key)), kid });
const keys = { keys: [await jwk(ec.publicKey, 'ec'), await jwk(rsa.publicKey, 'rsa')] };

const good = {
  iss: issuer,
  aud: 'desk',
  sub: 'svc-1',
  iat: seconds,
  exp: seconds + 600,
  preferred_username: 'svc-export',
  groups: ['exporters'],
};

interface Making {
  readonly header?: Record<string, unknown>;
  readonly key?: KeyObject | Uint8Array;
}

const make = (
  changed: Record<string, unknown> = {},
  { header = {}, key = ec.privateKey }: Making = {},
): Promise<string> =>
  new SignJWT({ ...good, ...changed }).setProtectedHeader({ alg: 'ES256', kid: 'ec', ...header }).sign(key);

const trusted = (changed: Partial<BearerIssuer> = {}): BearerIssuer => ({
  issuer,
  audiences: ['desk', 'api://desk'],
  algorithms: ['RS256', 'ES256'],
  type: undefined,
  claims,
  groupNames: {},
  keys: keysOf(keys),
  ...changed,
});

const ask = async (token: string, changed: Partial<BearerIssuer> = {}, at = now): Promise<Outcome> =>
  bearer({ issuers: [trusted(changed)] }).authenticate(credentials({ now: at, authorization: `Bearer ${token}` }));

const reason = (outcome: Outcome): string => (outcome.kind === 'rejected' ? outcome.reason : outcome.kind);

test('bearer() accepts a good token as whom it names', async () => {
  const outcome = await ask(await make());
  assert.deepEqual(outcome.kind === 'accepted' && outcome.identity, {
    subject: `${issuer}|svc-1`,
    account: 'svc-export',
    upn: undefined,
    name: undefined,
    email: undefined,
    sids: [],
    groups: ['exporters'],
    method: 'bearer',
    authenticatedAt: now,
    provenAt: undefined,
    expiresAt: now + 660_000,
  });
});

for (const [what, authTime, proven] of [
  ['of its issuer', seconds - 600, now - 600_000],
  ['of an issuer whose clock is ahead', seconds + 59, now],
  ['that is in the future', seconds + 61, undefined],
  ['in milliseconds', now, undefined],
  ['that is no time', String(seconds), undefined],
] as const)
  test(`bearer() counts from the auth_time ${what}: ${proven}`, async () => {
    const outcome = await ask(await make({ auth_time: authTime }));
    assert.equal(outcome.kind === 'accepted' ? outcome.identity.provenAt : outcome.kind, proven);
  });

test('bearer() looks nobody up by what people can perhaps write themselves', async () => {
  const token = await make({ preferred_username: 'boss@corp.example', email: 'boss@corp.example' });
  const outcome = await ask(token, { lookUpGroups: true, claims: { ...trusted().claims, user: undefined } });
  assert.equal(outcome.kind, 'accepted');
  assert.equal(outcome.kind === 'accepted' && keysFor(outcome.identity, true), undefined);
});

for (const [what, changed, making] of [
  ['signed with RS256', {}, { header: { alg: 'RS256', kid: 'rsa' }, key: rsa.privateKey }],
  ['for several audiences', { aud: ['other', 'api://desk'] }, {}],
  ['of type JWT', {}, { header: { typ: 'JWT' } }],
  ['of type at+jwt', {}, { header: { typ: 'application/at+jwt' } }],
  ['that has expired within the leeway', { exp: seconds - 59 }, {}],
  ['whose issuer has a clock that is ahead', { iat: seconds + 59, nbf: seconds + 59 }, {}],
  ['without a key id, of one of several keys', {}, { header: { kid: undefined } }],
] as const)
  test(`bearer() accepts a token ${what}`, async () =>
    assert.equal((await ask(await make(changed, making))).kind, 'accepted'));

for (const [what, changed, making, why] of [
  ['of another issuer', { iss: 'https://evil.example' }, {}, 'bearer-issuer'],
  ['of an issuer with a slash more', { iss: `${issuer}/` }, {}, 'bearer-issuer'],
  ['without an issuer', { iss: undefined }, {}, 'bearer-malformed'],
  ['for another audience', { aud: 'wiki' }, {}, 'bearer-audience'],
  ['for an audience that begins like ours', { aud: 'desk2' }, {}, 'bearer-audience'],
  ['for nobody', { aud: undefined }, {}, 'bearer-audience'],
  ['for an empty list', { aud: [] }, {}, 'bearer-audience'],
  ['that has expired', { exp: seconds - 61 }, {}, 'bearer-expired'],
  ['without an end', { exp: undefined }, {}, 'bearer-claim'],
  ['with an end that is a text', { exp: String(seconds + 600) }, {}, 'bearer-claim'],
  ['without a time of issue', { iat: undefined }, {}, 'bearer-claim'],
  ['from the future', { iat: seconds + 61 }, {}, 'bearer-claim'],
  ['that is not valid yet', { nbf: seconds + 61 }, {}, 'bearer-not-yet-valid'],
  ['without a subject', { sub: undefined }, {}, 'bearer-claim'],
  ['with a subject that is a number', { sub: 7 }, {}, 'bearer-claim'],
  ['whose groups are no list of texts', { groups: [{ a: 1 }] }, {}, 'bearer-groups-malformed'],
  ['with more groups than fit', { groups: undefined, hasgroups: true }, {}, 'bearer-groups-unavailable'],
  ['that is an ID token', { nonce: 'n' }, {}, 'bearer-type'],
  [
    'that is a logout token',
    { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
    {},
    'bearer-type',
  ],
  ['of type logout+jwt', {}, { header: { typ: 'logout+jwt' } }, 'bearer-type'],
  ['of the type of our own assertions', {}, { header: { typ: 'cardea-assertion+jwt' } }, 'bearer-type'],
  ['that a stranger has signed', {}, { key: stranger.privateKey }, 'bearer-signature'],
  [
    'of a key that its issuer does not have',
    {},
    { header: { kid: 'other' }, key: stranger.privateKey },
    'bearer-key-unknown',
  ],
  [
    'that brings its own key',
    {},
    { header: { kid: undefined, jwk: await exportJWK(stranger.publicKey) }, key: stranger.privateKey },
    'bearer-signature',
  ],
  [
    'with an algorithm that is not pinned',
    {},
    { header: { alg: 'PS256', kid: 'rsa' }, key: rsa.privateKey },
    'bearer-algorithm',
  ],
  [
    'with a shared secret made of the public key',
    {},
    { header: { alg: 'HS256' }, key: Buffer.from(JSON.stringify(keys.keys[0])) },
    'bearer-algorithm',
  ],
] as const)
  test(`bearer() refuses a token ${what}`, async () =>
    assert.equal(reason(await ask(await make(changed, making))), why));

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

for (const [what, change] of [
  ['without a signature and with alg none', (token: string) => `${part({ alg: 'none' })}.${token.split('.')[1]}.`],
  [
    'with alg none and a signature',
    (token: string) => `${part({ alg: 'none', kid: 'ec' })}.${token.split('.').slice(1).join('.')}`,
  ],
  ['with alg None', (token: string) => `${part({ alg: 'nOnE', kid: 'ec' })}.${token.split('.').slice(1).join('.')}`],
  [
    'with other claims under the same signature',
    (token: string) => [token.split('.')[0], part({ ...good, sub: 'admin' }), token.split('.')[2]].join('.'),
  ],
  [
    'with a critical extension',
    (token: string) => `${part({ alg: 'ES256', kid: 'ec', crit: ['exp'] })}.${token.split('.').slice(1).join('.')}`,
  ],
  ['in five parts', (token: string) => `${token}.a.b`],
  ['cut off', (token: string) => token.slice(0, -10)],
  ['with padding', (token: string) => `${token}==`],
  ['empty', () => ''],
  ['that is no token', () => 'secret'],
  ['far too long', (token: string) => token + 'A'.repeat(20_000)],
] as const)
  test(`bearer() refuses a token ${what}`, async () => {
    const outcome = await ask(change(await make()));
    assert.equal(outcome.kind, 'rejected');
    assert.equal(outcome.kind === 'rejected' && outcome.replyHeader, 'Bearer error="invalid_token"');
  });

test('bearer() takes no other type than the one that is configured', async () => {
  assert.equal((await ask(await make({}, { header: { typ: 'at+JWT' } }), { type: 'at+jwt' })).kind, 'accepted');
  assert.equal(reason(await ask(await make(), { type: 'at+jwt' })), 'bearer-type');
  assert.equal(reason(await ask(await make({}, { header: { typ: 'JWT' } }), { type: 'at+jwt' })), 'bearer-type');
});

test('bearer() takes no account of a domain from a claim that nobody has named for it', async () => {
  assert.equal(reason(await ask(await make({ preferred_username: 'CORP\\admin' }))), 'bearer-account-malformed');
});

test('bearer() says that groups are to be looked up where that is configured, and then has no quarrel with too many', async () => {
  const outcome = await ask(await make({ groups: undefined, hasgroups: true }), { lookUpGroups: true });
  assert.deepEqual(outcome.kind === 'accepted' && [outcome.lookUpGroups, outcome.identity.groups], [true, []]);
});

for (const [what, authorization] of [
  ['no field', undefined],
  ['another scheme', 'Basic YTpi'],
  ['an API key', `Bearer ${newApiKey().text}`],
  ['something that begins like an API key', 'Bearer cardea_x'],
] as const)
  test(`bearer() leaves ${what} to other methods, at once`, () => {
    assert.deepEqual(bearer({ issuers: [trusted()] }).authenticate(credentials({ now, authorization })), {
      kind: 'absent',
    });
  });

test('bearer() verifies a token once, and answers at once while it is believed', async () => {
  let asked = 0;
  const counted = keysOf(keys);
  const method = bearer({ issuers: [trusted({ keys: (at) => (asked++, counted(at)) })] });
  const token = await make();
  const at = (time: number) => method.authenticate(credentials({ now: time, authorization: `bearer ${token}` }));
  assert.equal((await at(now)).kind, 'accepted');
  const again = at(now + 59_999);
  assert.ok(!(again instanceof Promise));
  assert.equal(asked, 1);
  await at(now + 60_000);
  assert.equal(asked, 2);
});

test('bearer() believes no remembered token beyond its end', async () => {
  const method = bearer({ issuers: [trusted()] });
  const token = await make({ exp: seconds - 30 });
  const at = async (time: number) => method.authenticate(credentials({ now: time, authorization: `Bearer ${token}` }));
  assert.equal((await at(now)).kind, 'accepted');
  assert.equal((await at(now + 29_999)).kind, 'accepted');
  assert.equal(reason(await at(now + 30_000)), 'bearer-expired');
});

test('bearer() does not take a token for the remembered one that it begins like', async () => {
  const method = bearer({ issuers: [trusted()] });
  const token = await make();
  const offer = async (text: string) => method.authenticate(credentials({ now, authorization: `Bearer ${text}` }));
  assert.equal((await offer(token)).kind, 'accepted');
  assert.equal((await offer(`${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`)).kind, 'rejected');
});

test('bearer() never puts a token into a refusal', async () => {
  for (const token of [await make({ aud: 'x' }), await make({}, { key: stranger.privateKey }), `${await make()}.x`]) {
    const text = JSON.stringify(await ask(token));
    for (const piece of token.split('.').slice(1, 3)) assert.ok(!text.includes(piece));
  }
});

/** A server with keys and metadata that can be changed and taken down. */
async function provider(): Promise<{
  server: Server;
  origin: string;
  set: { keys: JWK[] };
  asked: string[];
  metadata: Record<string, unknown>;
}> {
  const state = { set: { keys: [...keys.keys] }, asked: [] as string[], metadata: {} as Record<string, unknown> };
  const server = createServer((request, response) => {
    state.asked.push(request.url ?? '');
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(request.url === '/keys' ? state.set : state.metadata));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  state.metadata = { issuer: origin, jwks_uri: `${origin}/keys` };
  return {
    server,
    origin,
    ...state,
    get metadata() {
      return state.metadata;
    },
    set metadata(value) {
      state.metadata = value;
    },
  };
}

test('bearer() finds keys by the metadata, takes a new key without a restart, and goes on with those it has when the issuer is down', async () => {
  const { server, origin, set, asked } = await provider();
  const outbound = openOutbound({ timeoutMs: 2_000, loopbackHttp: true });
  const method: Authenticator = bearer({
    issuers: [trusted({ issuer: origin, keys: keysByDiscovery(origin, outbound, true) })],
  });
  const offer = async (token: string, at = now) =>
    method.authenticate(credentials({ now: at, authorization: `Bearer ${token}` }));
  try {
    assert.equal((await offer(await make({ iss: origin }))).kind, 'accepted');
    assert.deepEqual(asked, ['/.well-known/openid-configuration', '/keys']);
    const later = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const withNewKey = await make({ iss: origin }, { header: { kid: 'later' }, key: later.privateKey });
    assert.equal(reason(await offer(withNewKey)), 'bearer-key-unknown');
    assert.equal(asked.length, 3);
    assert.equal(reason(await offer(withNewKey)), 'bearer-key-unknown');
    assert.equal(asked.length, 3, 'a stranger must not be able to make us ask without end');
    set.keys.push(await jwk(later.publicKey, 'later'));
    assert.equal((await offer(withNewKey, now + 11_000)).kind, 'accepted');
    assert.equal(asked.length, 4);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    assert.equal((await offer(await make({ iss: origin, sub: 'other' }), now + 20_000)).kind, 'accepted');
  } finally {
    outbound.close();
    server.close();
  }
});

test('bearer() throws when keys are needed and cannot be had: nobody is let in, and nobody is called a liar', async () => {
  const outbound = openOutbound({ timeoutMs: 2_000, loopbackHttp: true });
  for (const source of [
    keysAt('http://127.0.0.1:9/keys', outbound),
    keysByDiscovery('http://127.0.0.1:9', outbound, true),
  ])
    await assert.rejects(ask(await make(), { keys: source }), { name: 'ProviderUnavailable' });
  outbound.close();
});

test('keysByDiscovery() believes no metadata of another issuer, and asks again only after a while', async () => {
  const state = await provider();
  const outbound = openOutbound({ timeoutMs: 2_000, loopbackHttp: true });
  state.metadata = { issuer: 'https://evil.example', jwks_uri: `${state.origin}/keys` };
  const source = keysByDiscovery(state.origin, outbound, true);
  await assert.rejects(async () => source(now), /another issuer/);
  await assert.rejects(async () => source(now + 1), /another issuer/);
  assert.equal(state.asked.length, 1);
  state.metadata = { issuer: state.origin, jwks_uri: 'http://10.0.0.1/keys' };
  await assert.rejects(async () => source(now + 10_000), /jwks_uri is not an https URL/);
  outbound.close();
  state.server.close();
});
