import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { createPublicKey } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Grant } from '../src/auth/oidc/grant.ts';
import type { OidcOptions } from '../src/auth/oidc/options.ts';
import { type OidcReason, ProviderUnavailable } from '../src/auth/oidc/refusal.ts';
import type { EventParticulars } from '../src/core/audit-event.ts';
import { send } from './harness.ts';
import { type Behaviour, type Claims, type HostileProvider, startHostileProvider } from './hostile-provider.ts';
import { oidcDefaults, type OidcHarness, type Page, startOidcHarness, TestBrowser } from './oidc-harness.ts';

let gateway: OidcHarness;
let evil: HostileProvider;
let honest: HostileProvider;
const day = 86_400;

before(async () => {
  gateway = await startOidcHarness();
  evil = await startHostileProvider();
  honest = await startHostileProvider('127.0.0.2');
});
after(async () => {
  await gateway.close();
  await evil.close();
  await honest.close();
});
beforeEach(() => {
  evil.behave({});
  honest.behave({});
  gateway.serve([
    { ...oidcDefaults, id: 'evil', name: 'Corp', issuer: evil.issuer, clientId: 'cardea' },
    { ...oidcDefaults, id: 'honest', name: 'Corp', issuer: honest.issuer, clientId: 'cardea' },
  ]);
  gateway.audit.length = 0;
});

const failure = (event: EventParticulars | undefined): string | undefined =>
  event?.kind === 'sign-in-failed' || event?.kind === 'provider-logout-refused' ? event.reason : event?.kind;

const attempt = (browser: TestBrowser, id = 'evil'): Promise<Page> =>
  browser.visit(`${gateway.origin}/auth/login/${id}?return=/wanted`);

/** The page without what differs from request to request. */
const calm = (page: Page): string =>
  page.body.replace(/<code>[^<]*<\/code>/, '').replace(/login\/(?:evil|honest)/, 'login/x');

const unsigned = (claims: Claims): string => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
};

const withPublicKeyAsSecret = (claims: Claims): string => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', kid: 'the-one' })}.${part(claims)}`;
  const key = createPublicKey({ key: { ...evil.publicJwk }, format: 'jwk' });
  const pem = key.export({ type: 'spki', format: 'pem' });
  return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
};

const withAnotherKey = async (claims: Claims, kid: string): Promise<string> => {
  const { privateKey } = await generateKeyPair('RS256');
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey);
};

const withKeyInHeader = async (claims: Claims): Promise<string> => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'the-one', jwk }).sign(privateKey);
};

const withHeader = (token: string, header: Claims): string =>
  token.replace(/^[^.]*/, Buffer.from(JSON.stringify(header)).toString('base64url'));

const now = (): number => Math.floor(Date.now() / 1000);
const without = (claims: Claims, name: string): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));

const hostile: readonly (readonly [what: string, behaviour: () => Behaviour, reason: OidcReason])[] = [
  ['an unsigned token (alg: none)', () => ({ idToken: unsigned }), 'token-unsigned'],
  ['a token signed by HS256 with the public key', () => ({ idToken: withPublicKeyAsSecret }), 'token-algorithm'],
  [
    'an algorithm that is not pinned',
    () => ({
      idToken: (claims) => evil.sign(claims).then((token) => withHeader(token, { alg: 'RS512', kid: 'the-one' })),
    }),
    'token-algorithm',
  ],
  [
    'a token for somebody else',
    () => ({ claims: (claims) => ({ ...claims, aud: 'another-client' }) }),
    'token-audience',
  ],
  [
    'a token for several without azp',
    () => ({ claims: (claims) => ({ ...claims, aud: ['cardea', 'another'] }) }),
    'token-audience',
  ],
  [
    'a token that was issued to another client',
    () => ({ claims: (claims) => ({ ...claims, azp: 'another' }) }),
    'token-authorized-party',
  ],
  [
    'a token of another issuer',
    () => ({ claims: (claims) => ({ ...claims, iss: 'https://login.example' }) }),
    'token-issuer',
  ],
  [
    'a token with the issuer and a slash',
    () => ({ claims: (claims) => ({ ...claims, iss: `${evil.issuer}/` }) }),
    'token-issuer',
  ],
  ['another nonce', () => ({ claims: (claims) => ({ ...claims, nonce: 'x'.repeat(43) }) }), 'token-nonce'],
  ['no nonce', () => ({ claims: (claims) => without(claims, 'nonce') }), 'token-malformed'],
  [
    'an expired token',
    () => ({ claims: (claims) => ({ ...claims, iat: now() - 600, exp: now() - 61 }) }),
    'token-expired',
  ],
  ['no expiry', () => ({ claims: (claims) => without(claims, 'exp') }), 'token-malformed'],
  [
    'a token from the future',
    () => ({ claims: (claims) => ({ ...claims, iat: now() + 120, exp: now() + day }) }),
    'token-from-the-future',
  ],
  [
    'a token that is not valid yet',
    () => ({ claims: (claims) => ({ ...claims, nbf: now() + 120 }) }),
    'token-not-yet-valid',
  ],
  ['no subject', () => ({ claims: (claims) => without(claims, 'sub') }), 'token-malformed'],
  ['an unknown key', () => ({ idToken: (claims) => withAnotherKey(claims, 'unheard-of') }), 'token-key-unknown'],
  [
    'a signature with another key under the same name',
    () => ({ idToken: (claims) => withAnotherKey(claims, 'the-one') }),
    'token-signature',
  ],
  ['a token that brings its own key', () => ({ idToken: withKeyInHeader }), 'token-signature'],
  [
    'a critical header that we do not know',
    () => ({
      idToken: (claims) =>
        evil.sign(claims).then((token) => withHeader(token, { alg: 'RS256', kid: 'the-one', crit: ['exp'], exp: 1 })),
    }),
    'token-malformed',
  ],
  [
    'an access token in the place of the ID token',
    () => ({ header: (header) => ({ ...header, typ: 'at+jwt' }) }),
    'token-type',
  ],
  [
    'a logout token in the place of the ID token',
    () => ({
      claims: (claims) => ({ ...claims, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
    }),
    'token-type',
  ],
  [
    'an at_hash of another access token',
    () => ({ claims: (claims) => ({ ...claims, at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }) }),
    'token-hash',
  ],
  ['an encrypted token', () => ({ idToken: () => 'a.b.c.d.e' }), 'token-encrypted'],
  ['no ID token', () => ({ token: (body) => without(body, 'id_token') }), 'token-response-malformed'],
  ['a token that is none', () => ({ idToken: () => 'hello' }), 'token-malformed'],
  ['a token response that is a list', () => ({ token: () => [] }), 'token-response-malformed'],
  [
    'a code that the provider does not know',
    () => ({
      raw: (path, response) =>
        path === '/token' &&
        Boolean(response.writeHead(400, { 'Content-Type': 'application/json' }).end('{"error":"invalid_grant"}')),
    }),
    'code-refused',
  ],
  [
    'a client that the provider does not know',
    () => ({
      raw: (path, response) =>
        path === '/token' &&
        Boolean(response.writeHead(401, { 'Content-Type': 'application/json' }).end('{"error":"invalid_client"}')),
    }),
    'client-refused',
  ],
  [
    'an answer without a code',
    () => ({ authorize: (url) => changed(url, (query) => query.delete('code')) }),
    'response-malformed',
  ],
  [
    'two codes',
    () => ({ authorize: (url) => changed(url, (query) => query.append('code', 'x')) }),
    'response-malformed',
  ],
  [
    'another state',
    () => ({ authorize: (url) => changed(url, (query) => query.set('state', 'x'.repeat(43))) }),
    'transaction-missing',
  ],
  [
    'two states',
    () => ({ authorize: (url) => changed(url, (query) => query.append('state', 'x'.repeat(43))) }),
    'response-malformed',
  ],
  ['no state', () => ({ authorize: (url) => changed(url, (query) => query.delete('state')) }), 'response-malformed'],
  [
    'an answer that does not say which provider it is from',
    () => ({ authorize: (url) => changed(url, (query) => query.delete('iss')) }),
    'response-issuer',
  ],
  [
    'an answer that says that another provider sent it',
    () => ({ authorize: (url) => changed(url, (query) => query.set('iss', honest.issuer)) }),
    'response-issuer',
  ],
  [
    'an answer at the address of another provider',
    () => ({ authorize: (url) => new URL(url.href.replace('/callback/evil', '/callback/honest')) }),
    'transaction-of-another-provider',
  ],
  [
    'an error with markup in its description',
    () => ({
      authorize: (url) =>
        changed(url, (query) => {
          query.set('error', 'server_error');
          query.set('error_description', '<script>alert(1)</script>');
        }),
    }),
    'provider-error',
  ],
];

function changed(url: URL, change: (query: URLSearchParams) => void): URL {
  change(url.searchParams);
  return url;
}

test('a right answer signs in', async () => {
  assert.equal((await attempt(new TestBrowser())).status, 200);
  assert.equal(failure(gateway.audit.at(-1)), 'sign-in');
});

let usual: string | undefined;
for (const [what, behaviour, reason] of hostile) {
  test(`the hostile provider gets nobody in with ${what}, and the page is the calm one`, async () => {
    evil.behave(behaviour());
    const browser = new TestBrowser();
    const page = await attempt(browser);
    assert.equal(failure(gateway.audit.at(-1)), reason);
    assert.equal(page.status, 403);
    assert.equal(browser.cookies('127.0.0.1').get('cardea'), undefined);
    const shown = calm(page).replace('return=%2Fwanted', 'return=%2F');
    assert.equal(shown, (usual ??= shown));
    assert.doesNotMatch(page.body, /script|alert/);
  });
}

test('each refusal leaves nothing secret in the audit log', () => {
  assert.doesNotMatch(JSON.stringify(gateway.audit), /eyJ|code-\d/);
});

test('a code of the evil provider is not spent at the honest one, nor the other way round', async () => {
  // The mix-up: the person begins with the evil provider, which sends the browser on to the honest one, in the hope of its code.
  evil.behave({
    authorize: (_, asked) => {
      const on = new URL(`${honest.issuer}/authorize`);
      on.search = new URLSearchParams({
        client_id: 'cardea',
        redirect_uri: asked.redirectUri,
        state: asked.state,
        nonce: asked.nonce,
      }).toString();
      return on;
    },
  });
  const spent = evil.seen.filter((path) => path === '/token').length;
  assert.equal((await attempt(new TestBrowser())).status, 403);
  assert.equal(failure(gateway.audit.at(-1)), 'response-issuer');
  assert.equal(evil.seen.filter((path) => path === '/token').length, spent);
});

const broken: readonly (readonly [what: string, behaviour: () => Behaviour])[] = [
  [
    'metadata of ten megabytes',
    () => ({
      raw: (path, response) =>
        path.startsWith('/.well-known') &&
        Boolean(
          response.writeHead(200, { 'Content-Type': 'application/json' }).end(`{"issuer":"${'x'.repeat(10_000_000)}"}`),
        ),
    }),
  ],
  [
    'a redirect in the place of metadata',
    () => ({
      raw: (path, response) =>
        path.startsWith('/.well-known') &&
        Boolean(response.writeHead(302, { Location: `${honest.issuer}${path}` }).end()),
    }),
  ],
  ['metadata of another issuer', () => ({ discovery: (document) => ({ ...document, issuer: honest.issuer }) })],
  [
    'metadata that is HTML',
    () => ({
      raw: (path, response) =>
        path.startsWith('/.well-known') &&
        Boolean(response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>hello')),
    }),
  ],
  [
    'an authorization endpoint that is a script',
    () => ({ discovery: (document) => ({ ...document, authorization_endpoint: 'javascript:alert(1)' }) }),
  ],
  [
    'a token endpoint without encryption',
    () => ({ discovery: (document) => ({ ...document, token_endpoint: 'http://login.example/token' }) }),
  ],
  ['keys in a file', () => ({ discovery: (document) => ({ ...document, jwks_uri: 'file:///etc/passwd' }) })],
  ['no keys at all', () => ({ discovery: (document) => without(document, 'jwks_uri') })],
  [
    'ten megabytes of keys',
    () => ({
      raw: (path, response) =>
        path === '/jwks' &&
        Boolean(
          response
            .writeHead(200, { 'Content-Type': 'application/json' })
            .end(`{"keys":[${'{"kty":"RSA"},'.repeat(700_000)}{}]}`),
        ),
    }),
  ],
  ['keys that are none', () => ({ keys: () => ({ keys: 'none' }) })],
  ['a thousand keys', () => ({ keys: (keys) => ({ keys: Array.from({ length: 1_000 }, () => keys[0]) }) })],
  [
    'a redirect from the token endpoint',
    () => ({
      raw: (path, response) =>
        path === '/token' && Boolean(response.writeHead(307, { Location: `${honest.issuer}/token` }).end()),
    }),
  ],
  [
    'an error of the token endpoint itself',
    () => ({ raw: (path, response) => path === '/token' && Boolean(response.writeHead(500).end('oops')) }),
  ],
];

for (const [what, behaviour] of broken) {
  test(`a provider with ${what} is a provider that does not answer`, async () => {
    evil.behave(behaviour());
    const page = await attempt(new TestBrowser());
    assert.equal(page.status, 503);
    assert.match(page.headers['retry-after'] ?? '', /^[1-9]\d*$/);
    assert.match(page.body, /does not answer/);
    assert.match(page.body, /href="\/auth\/login\/evil\?return=%2Fwanted"/);
    assert.equal(failure(gateway.audit.at(-1)), 'unavailable');
  });
}

test('a slow provider is given up after the time that the configuration says, and asked once by many', async () => {
  gateway.serve([{ ...oidcDefaults, id: 'evil', issuer: evil.issuer, clientId: 'cardea', timeoutMs: 100 }]);
  evil.behave({ raw: () => true }); // never answers
  const before = evil.seen.length;
  const pages = await Promise.all(Array.from({ length: 20 }, () => attempt(new TestBrowser())));
  assert.ok(pages.every(({ status }) => status === 503));
  assert.equal(evil.seen.length, before + 1);
  const again = await attempt(new TestBrowser());
  assert.equal(again.status, 503);
  assert.equal(evil.seen.length, before + 1, 'not asked again at once');
});

test('a provider that was down is asked again after a while', async () => {
  evil.behave({ raw: (_, response) => Boolean(response.destroy()) });
  assert.equal((await attempt(new TestBrowser())).status, 503);
  evil.behave({});
  gateway.skewMs = 2_000;
  assert.equal((await attempt(new TestBrowser())).status, 200);
  gateway.skewMs = 0;
});

test('a forged Host does not change where a provider is told to send people, beyond the host that was asked for', async () => {
  const response = await send(`${gateway.origin}/auth/login/evil`, {
    headers: { Host: 'app.corp.example', 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example' },
  });
  const uri = new URL(response.headers.location ?? '').searchParams.get('redirect_uri');
  assert.equal(uri, 'http://app.corp.example/auth/callback/evil');
});

// Refresh.

const grant: Grant = { refreshToken: 'refresh-1', idToken: undefined, nonce: 'the-nonce', subject: 'alice' };
async function renewal(behaviour: Behaviour, options: Partial<OidcOptions> = {}): Promise<string> {
  const [provider] = gateway.serve([
    { ...oidcDefaults, id: 'evil', issuer: evil.issuer, clientId: 'cardea', ...options },
  ]);
  await attempt(new TestBrowser());
  const identity = [...gateway.sessions.values()].at(-1)?.identity;
  assert.ok(provider !== undefined && identity !== undefined);
  evil.behave(behaviour);
  try {
    const outcome = await provider.renew(grant, identity, Date.now());
    return outcome.kind === 'refused' ? outcome.reason : outcome.kind;
  } catch (error) {
    if (error instanceof ProviderUnavailable) return 'unavailable';
    throw error;
  }
}
const tokenError = (status: number, error: string): Behaviour => ({
  raw: (path, response) =>
    path === '/token' &&
    Boolean(response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error }))),
});
const withoutNonce = (claims: Claims): Claims => without(claims, 'nonce');

const renewals: readonly (readonly [what: string, behaviour: Behaviour, outcome: string])[] = [
  ['a right token without a nonce renews', { claims: withoutNonce }, 'renewed'],
  [
    'a right token with the nonce of the sign-in renews',
    { claims: (claims) => ({ ...claims, nonce: 'the-nonce' }) },
    'renewed',
  ],
  ['no ID token at all leaves the identity as it is', { token: (body) => without(body, 'id_token') }, 'renewed'],
  ['another nonce ends the session', { claims: (claims) => ({ ...claims, nonce: 'other' }) }, 'token-nonce'],
  [
    'another subject ends the session',
    { claims: (claims) => ({ ...withoutNonce(claims), sub: 'mallory' }) },
    'token-subject',
  ],
  [
    'another audience ends the session',
    { claims: (claims) => ({ ...withoutNonce(claims), aud: 'x' }) },
    'token-audience',
  ],
  ['an unsigned token ends the session', { idToken: (claims) => unsigned(withoutNonce(claims)) }, 'token-unsigned'],
  [
    'an unknown key ends the session',
    { idToken: (claims) => withAnotherKey(withoutNonce(claims), 'x') },
    'token-key-unknown',
  ],
  ['a refresh token that is not good any more ends the session', tokenError(400, 'invalid_grant'), 'refresh-refused'],
  ['a client secret that has expired ends nothing', tokenError(401, 'invalid_client'), 'unavailable'],
  ['a provider that is down ends nothing', tokenError(503, 'down'), 'unavailable'],
];
for (const [what, behaviour, outcome] of renewals) {
  test(`asked again during a session, ${what}`, async () => assert.equal(await renewal(behaviour), outcome));
}

for (const onFailure of ['refuse', 'without_groups'] as const)
  test(`asked again during a session, groups that cannot be had just now end nothing (${onFailure})`, async () => {
    const graph = { url: 'http://127.0.0.1:1', names: 'none', onFailure } as const;
    const tooMany = { claims: (right: Claims) => ({ ...withoutNonce(right), hasgroups: true }) };
    assert.equal(await renewal(tooMany, { graph }), 'unavailable');
  });

test('asked again during a session, no ID token at all does not end the look-up of groups in the directory', async () => {
  const options: OidcOptions = { ...oidcDefaults, issuer: evil.issuer, clientId: 'cardea', groupsFrom: 'directory' };
  const [provider] = gateway.serve([options]);
  await attempt(new TestBrowser(), 'corp');
  const identity = [...gateway.sessions.values()].at(-1)?.identity;
  assert.ok(provider !== undefined && identity !== undefined);
  evil.behave({ token: (body) => without(body, 'id_token') });
  const renewed = await provider.renew(grant, identity, Date.now());
  assert.equal(renewed.kind === 'renewed' && renewed.lookUpGroups, true);
});

test('a stranger with many codes of his own invention keeps nobody else from signing in', async () => {
  const [provider] = gateway.serve([{ ...oidcDefaults, issuer: evil.issuer, clientId: 'cardea' }]);
  assert.ok(provider !== undefined);
  const now = Date.now();
  const request = { redirectUri: `${gateway.origin}/auth/callback/corp`, returnTo: '/' };
  const comeBack = async (address: string) => {
    const { location, transaction } = await provider.start(request, now);
    const { headers } = await send(location);
    return provider.finish(new URL(String(headers.location)).searchParams, transaction, address, now);
  };
  const held: ServerResponse[] = [];
  const full = Promise.withResolvers<void>();
  evil.behave({
    raw(path, response) {
      if (path !== '/token' || held.length === 4) return false;
      if (held.push(response) === 4) full.resolve();
      return true;
    },
  });
  const stranger = Array.from({ length: 64 }, () => comeBack('2001:db8::1'));
  await full.promise;
  assert.equal((await comeBack('192.0.2.2')).kind, 'signed-in');
  for (const response of held)
    response.writeHead(400, { 'Content-Type': 'application/json' }).end('{"error":"invalid_grant"}');
  const kinds = (await Promise.all(stranger)).map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === 'refused').length, 4);
});

test('asked again during a session, another person under the same sub ends the session', async () => {
  const claims = { ...oidcDefaults.claims, subject: 'oid', user: ['sub'] };
  evil.behave({ claims: (right) => ({ ...right, oid: 'one' }) });
  assert.equal(
    await renewal({ claims: (right) => ({ ...withoutNonce(right), oid: 'two' }) }, { claims }),
    'subject-changed',
  );
});

test('a store of claims that is down lets nobody in', async () => {
  gateway.claims.claim = () => {
    throw new Error('down');
  };
  const page = await attempt(new TestBrowser());
  Reflect.deleteProperty(gateway.claims, 'claim');
  assert.equal(page.status, 503);
});

// Logout tokens.

const event = 'http://schemas.openid.net/event/backchannel-logout';
const logoutClaims = (): Claims => ({
  iss: evil.issuer,
  aud: 'cardea',
  iat: now(),
  exp: now() + 120,
  jti: `jti-${Math.random()}`,
  events: { [event]: {} },
  sid: 'session-1',
  sub: 'alice',
});
const postLogout = async (token: string, id = 'evil'): Promise<number> => {
  const { status } = await send(`${gateway.origin}/auth/backchannel-logout/${id}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ logout_token: token }).toString(),
  });
  return status;
};

test('a right logout token is taken, once', async () => {
  const token = await evil.sign(logoutClaims(), { typ: 'logout+jwt' });
  assert.equal(await postLogout(token), 200);
  assert.equal(failure(gateway.audit.at(-1)), 'provider-logout');
  assert.equal(await postLogout(token), 400);
  assert.equal(failure(gateway.audit.at(-1)), 'token-used');
});

test('of fifty copies of a logout token at once, one is taken', async () => {
  const token = await evil.sign(logoutClaims());
  const answers = await Promise.all(Array.from({ length: 50 }, () => postLogout(token)));
  assert.equal(answers.filter((status) => status === 200).length, 1);
});

test('a logout token ends the session that it names, and no other', async () => {
  evil.behave({ claims: (claims) => ({ ...claims, sid: 'session-7' }) });
  const first = new TestBrowser();
  await attempt(first);
  evil.behave({ claims: (claims) => ({ ...claims, sid: 'session-8' }) });
  const second = new TestBrowser();
  await attempt(second);
  assert.equal(await postLogout(await evil.sign({ ...logoutClaims(), sid: 'session-7' })), 200);
  const cookie = (browser: TestBrowser): string => browser.cookies('127.0.0.1').get('cardea') ?? '';
  assert.equal(gateway.who(cookie(first)), undefined);
  assert.notEqual(gateway.who(cookie(second)), undefined);
});

const badLogouts: readonly (readonly [what: string, token: () => Promise<string> | string, reason: OidcReason])[] = [
  [
    'that is an ID token',
    () => evil.sign({ ...without(without(logoutClaims(), 'events'), 'jti'), nonce: 'n' }),
    'token-nonce',
  ],
  ['that is an ID token without nonce', () => evil.sign(without(logoutClaims(), 'events')), 'token-event'],
  ['with a nonce', () => evil.sign({ ...logoutClaims(), nonce: 'n' }), 'token-nonce'],
  [
    'for another event',
    () => evil.sign({ ...logoutClaims(), events: { 'https://example.com/other': {} } }),
    'token-event',
  ],
  ['whose event is no object', () => evil.sign({ ...logoutClaims(), events: { [event]: true } }), 'token-event'],
  ['of another type', () => evil.sign(logoutClaims(), { typ: 'at+jwt' }), 'token-type'],
  ['without jti', () => evil.sign(without(logoutClaims(), 'jti')), 'token-claim-missing'],
  ['without iat', () => evil.sign(without(logoutClaims(), 'iat')), 'token-claim-missing'],
  ['without exp', () => evil.sign(without(logoutClaims(), 'exp')), 'token-claim-missing'],
  ['that names nobody', () => evil.sign(without(without(logoutClaims(), 'sid'), 'sub')), 'token-subject'],
  ['that is ten minutes old', () => evil.sign({ ...logoutClaims(), iat: now() - 600 }), 'token-too-old'],
  ['that has expired', () => evil.sign({ ...logoutClaims(), iat: now() - 200, exp: now() - 100 }), 'token-expired'],
  [
    'from the future',
    () => evil.sign({ ...logoutClaims(), iat: now() + 120, exp: now() + 300 }),
    'token-from-the-future',
  ],
  ['for another client', () => evil.sign({ ...logoutClaims(), aud: 'another' }), 'token-audience'],
  ['of another issuer', () => evil.sign({ ...logoutClaims(), iss: honest.issuer }), 'token-issuer'],
  ['that another provider has signed', () => honest.sign(logoutClaims()), 'token-signature'],
  ['that nobody has signed', () => unsigned(logoutClaims()), 'token-unsigned'],
  ['signed by HS256 with the public key', () => withPublicKeyAsSecret(logoutClaims()), 'token-algorithm'],
  ['of an unknown key', () => withAnotherKey(logoutClaims(), 'unheard-of'), 'token-key-unknown'],
  ['that is none', () => 'hello', 'token-malformed'],
  [
    'of a megabyte is refused before that, and one of 65,000 bytes',
    () => `${'a'.repeat(60_000)}.b.c`,
    'token-malformed',
  ],
];

for (const [what, token, reason] of badLogouts) {
  test(`a logout token ${what} ends nothing`, async () => {
    assert.equal(await postLogout(await token()), 400);
    assert.equal(failure(gateway.audit.at(-1)), reason);
  });
}

test('strangers with tokens of unknown keys make us ask the provider for its keys seldom', async () => {
  await postLogout(await evil.sign(logoutClaims()));
  const before = evil.seen.filter((path) => path === '/jwks').length;
  for (let i = 0; i < 10; i++) await postLogout(await withAnotherKey(logoutClaims(), `unheard-of-${i}`));
  assert.equal(evil.seen.filter((path) => path === '/jwks').length, before + 1);
});
