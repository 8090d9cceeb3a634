/** The issuer by way of the whole gateway: tickets come from the small KDC of the kerberos package's tests, and tokens are verified by jose. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeKeytab } from '@cardea/kerberos';
import { createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import {
  createAccount,
  issueTicket,
  makeRequest,
  type RequestBend,
  type TicketBend,
} from '../../kerberos/test/initiator.ts';
import { cardea, makeKey, startWatched, userIn, type WatchedGateway } from './credentials.ts';
import {
  asBrowser,
  openSocket,
  send,
  sessionOf,
  signIn,
  type TestResponse,
  until,
  usersFile,
  withCsrf,
} from './harness.ts';

const account = createAccount();
const sid = (rid: number): string => `S-1-5-21-1004336348-1177238915-682003330-${rid}`;
const issuer = 'https://auth.corp.example';
let gateway: WatchedGateway;
let now = Date.now();
const secrets: string[] = [];

before(async () => {
  gateway = await startWatched({
    now: () => now,
    files: {
      'http.keytab': encodeKeytab(account.entries),
      'users.yaml': await usersFile({ paula: ['llm-users', 'other'], otto: ['other'] }),
    },
    config: (upstream) => `
sign_in:
  - negotiate: { keytab: http.keytab }
  - password: { users: users.yaml }
  - api_key: {}
  - trusted_header: { from: [127.0.0.0/8], header: X-Remote-User, default_domain: CORP, session: true }
  - bearer:
      issuers:
        - { issuer: "${issuer}", audience: [desk] }
directory: { groups: { ${sid(1105)}: team-ai, ${sid(1200)}: desk-users } }
roles: { analyst: { groups: [team-ai], modules: [Reports] } }
issuer:
  url: ${issuer}
  clients:
    - { id: desktop, audience: [llm, embeddings], groups: [team-ai, "llm-*"], scopes: [chat, embed] }
    - { id: own, audience: desk, groups: ["*"], roles: true, lifetime: 4h }
    - { id: closed, audience: llm, groups: [], allow: { groups: [llm-users] } }
    - { id: by-role, audience: llm, groups: [], allow: { roles: [analyst] } }
    - { id: silent, audience: llm, groups: [], sign_in: [negotiate] }
    - { id: page, audience: llm, groups: [], pages: true }
apps:
  - name: desk
    host: 127.0.0.1
    upstream: ${upstream}
    rules:
      - { path: /reports/**, groups: [team-ai] }
      - { path: /open, public: true }
      - { path: /**, signed_in: true }
`,
  });
});
after(() => gateway.close());

const ticket = (bend?: TicketBend, request?: RequestBend): Readonly<Record<string, string>> => ({
  Authorization: `Negotiate ${Buffer.from(makeRequest(issueTicket(account, now, bend), now, request).token).toString('base64')}`,
});
interface Given {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope?: string;
}
/** Asks for a token with these parameters, as JSON. */
const ask = (parameters: object, headers: Readonly<Record<string, string>>, path = '/desktop/token') =>
  send(`${gateway.origin}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(parameters),
  });
function givenIn({ status, body }: TestResponse): Given {
  assert.equal(status, 200, body);
  const given: Given = JSON.parse(body);
  secrets.push(given.access_token);
  return given;
}
const tokenFor = async (parameters: object, headers: Readonly<Record<string, string>>): Promise<string> =>
  givenIn(await ask(parameters, headers)).access_token;
const errorIn = ({ status, body }: TestResponse): readonly unknown[] => [status, JSON.parse(body).error];
const lastRefusal = (): unknown => gateway.audit('token-refused').at(-1)?.['reason'];

/** As a service elsewhere does it: by the metadata, and the keys that it names. */
async function verified(token: string, audience = 'llm'): Promise<JWTPayload> {
  const metadata = await send(`${gateway.origin}/.well-known/openid-configuration`, {
    headers: { Host: 'auth.corp.example' },
  });
  const { jwks_uri: place } = JSON.parse(metadata.body);
  const keys = createRemoteJWKSet(new URL(place), {
    [customFetch]: async (url: string) => {
      const { status, body } = await send(`${gateway.origin}${new URL(url).pathname}`);
      return new Response(body, { status, headers: { 'Content-Type': 'application/json' } });
    },
  });
  const { payload } = await jwtVerify(token, keys, {
    issuer,
    audience,
    typ: 'at+jwt',
    algorithms: ['RS256'],
    requiredClaims: ['sub', 'iat', 'exp', 'jti', 'client_id'],
    currentDate: new Date(now),
  });
  return payload;
}

test('a ticket gets a token by a POST without a body, which another library verifies; no session begins', async () => {
  const sessions = gateway.audit('sign-in').length;
  const response = await send(`${gateway.origin}/desktop/token`, {
    method: 'POST',
    headers: ticket({}, { mutual: true }),
  });
  const { access_token: token, ...rest } = givenIn(response);
  assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 1_800, scope: 'chat embed' });
  assert.equal(response.headers['cache-control'], 'no-store');
  assert.equal(response.headers['set-cookie'], undefined);
  assert.match(String(response.headers['www-authenticate']), /^Negotiate [\w+/=]+$/); // the answer of mutual authentication
  const { jti, cardea: origin, ...claims } = await verified(token);
  const iat = Math.floor(now / 1_000);
  assert.deepEqual(claims, {
    iss: issuer,
    aud: 'llm',
    sub: 'CORP\\alice',
    client_id: 'desktop',
    groups: ['team-ai'],
    scope: 'chat embed',
    upn: 'alice@corp.example',
    auth_time: iat,
    iat,
    exp: iat + 1_800,
  });
  assert.ok(typeof jti === 'string' && typeof origin === 'object');
  const { alg, typ, kid } = decodeProtectedHeader(token);
  assert.deepEqual([alg, typ, typeof kid], ['RS256', 'at+jwt', 'string']);
  const event = gateway.audit('token-issued').at(-1);
  assert.deepEqual(
    [event?.['account'], event?.['client'], event?.['audience'], event?.['token'], event?.['groups']],
    ['CORP\\alice', 'desktop', 'llm', jti, 1],
  );
  assert.equal(gateway.audit('sign-in').length, sessions + 1);
});

test("a proxy's header gets a token, and begins no session here, though it does elsewhere", async () => {
  const headers = { 'X-Remote-User': 'dora' };
  const response = await ask({}, headers);
  const { sub } = await verified(givenIn(response).access_token);
  assert.deepEqual([sub, sessionOf(response)], ['CORP\\dora', '']);
  assert.notEqual(sessionOf(await send(`${gateway.origin}/api/whoami`, { headers })), '');
});

test('the same is at /auth/token, also with a form, and on the host of the issuer where no app has it', async () => {
  const headers = { ...ticket(), 'Content-Type': 'application/x-www-form-urlencoded', Host: 'auth.corp.example' };
  const body = 'client_id=desktop&audience=embeddings&scope=embed&groups=TEAM-AI&expires_in=60';
  const response = await send(`${gateway.origin}/auth/token`, { method: 'POST', headers, body });
  const { access_token: token, expires_in: seconds, scope } = givenIn(response);
  const { aud, groups } = await verified(token, 'embeddings');
  assert.deepEqual([aud, groups, seconds, scope], ['embeddings', ['team-ai'], 60, 'embed']);
});

test('nothing else is on the host of the issuer, and its metadata are on no other', async () => {
  const host = { Host: 'auth.corp.example' };
  for (const path of ['/', '/api/whoami', '/open'])
    assert.ok(
      [401, 403].includes((await send(`${gateway.origin}${path}`, { headers: { ...host, ...ticket() } })).status),
      path,
    );
  const metadata = await send(`${gateway.origin}/.well-known/openid-configuration`, { headers: host });
  const { issuer: name, token_endpoint: place, jwks_uri: keys } = JSON.parse(metadata.body);
  assert.deepEqual([name, place, keys], [issuer, `${issuer}/desktop/token`, `${issuer}/.well-known/jwks.json`]);
  assert.equal(metadata.headers['cache-control'], 'public, max-age=300');
  // On an app's host the path is the app's own.
  assert.equal((await send(`${gateway.origin}/.well-known/openid-configuration`)).status, 401);
});

test('the key set may be kept for five minutes, and has the keys of tokens and of assertions, each once', async () => {
  const { headers, body } = await send(`${gateway.origin}/.well-known/jwks.json`);
  assert.equal(headers['cache-control'], 'public, max-age=300');
  const { keys }: { keys: { kid: string; alg: string; use: string; d?: string }[] } = JSON.parse(body);
  assert.deepEqual(new Set(keys.map(({ alg }) => alg)), new Set(['RS256', 'ES256']));
  assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length);
  assert.ok(keys.every(({ use, d }) => use === 'sig' && d === undefined));
});

test('somebody without a credential is challenged in the words of RFC 6749', async () => {
  const response = await ask({}, {});
  assert.deepEqual(errorIn(response), [401, 'invalid_client']);
  assert.match(String(response.headers['www-authenticate']), /Negotiate/);
  assert.equal(typeof JSON.parse(response.body).error_description, 'string');
  const page = await send(`${gateway.origin}/desktop/token`, { method: 'POST', headers: { Accept: 'text/html' } });
  assert.deepEqual(errorIn(page), [401, 'invalid_client']);
});

test('a ticket that is no good gets no token', async () => {
  const response = await ask({}, { Authorization: 'Negotiate AAAA' });
  assert.deepEqual(errorIn(response), [401, 'invalid_client']);
});

test('another method than POST is told so, and nobody is signed in', async () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await send(`${gateway.origin}/desktop/token`, { method, headers: ticket() });
    assert.deepEqual(
      [response.status, response.headers['allow'], response.headers['set-cookie']],
      [405, 'POST', undefined],
      method,
    );
  }
});

const wrong: readonly (readonly [what: string, parameters: object, status: number, error: string])[] = [
  ['a client that is not there', { client_id: 'x' }, 400, 'invalid_client'],
  ['an audience that is not there', { audience: 'x' }, 400, 'invalid_target'],
  ['an audience of another client', { client_id: 'own', audience: 'llm' }, 400, 'invalid_target'],
  ['a scope that is not there', { scope: 'chat admin' }, 400, 'invalid_scope'],
  ['a group that the person is not in', { groups: ['llm-admins'] }, 400, 'invalid_scope'],
  ['a group of the person that the client does not have', { groups: ['desk-users'] }, 400, 'invalid_scope'],
  ['a parameter that is not known', { lifetime: 5 }, 400, 'invalid_request'],
  ['a grant type', { grant_type: 'client_credentials' }, 400, 'unsupported_grant_type'],
  ['a lifetime that is none', { expires_in: -1 }, 400, 'invalid_request'],
  ['groups that are none', { groups: [1] }, 400, 'invalid_request'],
  ['a client that is no text', { client_id: 1 }, 400, 'invalid_request'],
  ['a client for others', { client_id: 'closed' }, 403, 'access_denied'],
];
for (const [what, parameters, status, error] of wrong)
  test(`a request for ${what} gets ${error}`, async () => {
    assert.deepEqual(errorIn(await ask(parameters, ticket())), [status, error]);
  });

test('a form with a parameter twice, other content and broken JSON are refused', async () => {
  const bodies = [
    ['application/x-www-form-urlencoded', 'audience=llm&audience=llm'],
    ['text/plain', 'audience=llm'],
    ['application/json', '{'],
    ['application/json', '[]'],
  ] as const;
  for (const [type, body] of bodies) {
    const headers = { ...ticket(), 'Content-Type': type };
    const response = await send(`${gateway.origin}/desktop/token`, { method: 'POST', headers, body });
    assert.deepEqual(errorIn(response), [400, 'invalid_request'], `${type} ${body}`);
  }
});

test('who gets tokens follows from groups, roles and the way to sign in', async () => {
  const paula = { Cookie: await signIn(gateway.origin, 'paula') };
  const otto = { Cookie: await signIn(gateway.origin, 'otto') };
  const status = async (client: string, who: Readonly<Record<string, string>>): Promise<number> =>
    (await ask({ client_id: client }, who)).status;
  assert.deepEqual([await status('closed', paula), await status('closed', otto)], [200, 403]);
  assert.equal(lastRefusal(), 'not-allowed');
  assert.deepEqual([await status('by-role', ticket()), await status('by-role', paula)], [200, 403]);
  assert.deepEqual([await status('silent', ticket()), await status('silent', paula)], [200, 403]);
  assert.equal(lastRefusal(), 'sign-in-method');
});

test('no page of another site gets a token, nor one of our own where that is not allowed', async () => {
  const cookie = await signIn(gateway.origin, 'paula');
  const crossSite = { Cookie: cookie, Origin: 'https://evil.example' };
  for (const headers of [crossSite, { ...ticket(), Origin: 'https://evil.example' }, { ...ticket(), Origin: 'null' }])
    assert.deepEqual(errorIn(await ask({ client_id: 'page' }, headers)), [403, 'access_denied']);
  assert.deepEqual(errorIn(await ask({ client_id: 'page' }, { ...ticket(), 'Sec-Fetch-Site': 'cross-site' })), [
    403,
    'access_denied',
  ]);

  const own = { ...(await withCsrf(gateway.origin, cookie)), Origin: gateway.origin, 'Sec-Fetch-Site': 'same-origin' };
  assert.deepEqual(errorIn(await ask({}, own)), [403, 'access_denied']);
  assert.equal(lastRefusal(), 'page');
  assert.deepEqual(errorIn(await ask({}, { ...ticket(), Origin: gateway.origin })), [403, 'access_denied']);
  assert.deepEqual(errorIn(await ask({}, { ...ticket(), 'Sec-Fetch-Site': 'none' })), [403, 'access_denied']);

  await tokenFor({ client_id: 'page' }, own);
  const { 'X-CSRF-Token': _, ...without } = own;
  assert.deepEqual(errorIn(await ask({ client_id: 'page' }, without)), [403, 'access_denied']);
  // Negotiate is answered by the browser, and not by the page.
  const silently = { ...ticket(), Origin: gateway.origin, 'X-CSRF-Token': own['X-CSRF-Token'] };
  assert.deepEqual(errorIn(await ask({ client_id: 'page' }, silently)), [403, 'access_denied']);
});

test('the fetch of Node, a program, is not taken for a page', async () => {
  const response = await fetch(`${gateway.origin}/desktop/token`, { method: 'POST', headers: ticket() });
  assert.equal(response.status, 200);
  const given = (await response.json()) as Given;
  secrets.push(given.access_token);
});

test('an API key gets a token where its scope reaches, and the token is as good as the key', async () => {
  const whole = await makeKey(gateway.folder, 'whole', '--group', 'llm-users', '--expires', '1h');
  const partial = await makeKey(gateway.folder, 'partial', '--group', 'llm-users', '--path', '/api/**');
  const ofApp = await makeKey(gateway.folder, 'of-app', '--group', 'llm-users', '--app', 'desk');
  const ofMethod = await makeKey(gateway.folder, 'of-method', '--group', 'llm-users', '--method', 'POST');
  secrets.push(whole, partial, ofApp, ofMethod);
  const token = await tokenFor({ client_id: 'own' }, { 'X-API-Key': whole });
  const { sub, exp = 0, groups } = await verified(token, 'desk');
  assert.deepEqual([sub, groups], ['key:whole', ['llm-users']]);
  assert.ok(exp * 1_000 <= Date.now() + 3_600_000); // the key was made by the clock of the machine
  for (const [key, path, status] of [
    [partial, '/desktop/token', 401],
    [partial, '/auth/token', 403],
    [ofApp, '/desktop/token', 403],
    [ofMethod, '/desktop/token', 403],
  ] as const)
    assert.equal((await ask({}, { 'X-API-Key': key }, path)).status, status);
  assert.equal(lastRefusal(), 'key-scope');

  const bearing = { Authorization: `Bearer ${token}` };
  assert.equal(userIn(await send(`${gateway.origin}/api/whoami`, { headers: bearing })), 'key:whole');
  await cardea(gateway.folder, 'keys', 'revoke', '--name', 'whole');
  await until(
    async () => (await send(`${gateway.origin}/api/whoami`, { headers: bearing })).status === 401,
    'the token of a revoked key to be refused',
  );
});

const whoami = (token: string) =>
  send(`${gateway.origin}/api/whoami`, { headers: { Authorization: `Bearer ${token}` } });

test('the gateway takes tokens of its own issuer for its own audience, by its own keys', async () => {
  const token = await tokenFor({ client_id: 'own' }, ticket());
  const { user, groups, roles, upn } = JSON.parse((await whoami(token)).body);
  assert.deepEqual(
    { user, groups, roles, upn },
    { user: 'CORP\\alice', groups: ['desk-users', 'team-ai'], roles: ['analyst'], upn: 'alice@corp.example' },
  );
  const reports = { headers: { Authorization: `Bearer ${token}` } };
  assert.equal((await send(`${gateway.origin}/reports/`, reports)).status, 200);
  assert.deepEqual(decodeJwt(token)['roles'], ['analyst']);
});

test('a token for another audience and an altered one are refused, each with its reason', async () => {
  const reason = (): unknown => gateway.audit('sign-in-failed').at(-1)?.['reason'];
  const other = await tokenFor({ client_id: 'desktop' }, ticket());
  assert.deepEqual([(await whoami(other)).status, reason()], [401, 'bearer-audience']);
  const token = await tokenFor({ client_id: 'own' }, ticket());
  const [head, , signature] = token.split('.');
  const claims = { ...decodeJwt(token), sub: 'CORP\\admin' };
  const altered = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
  assert.deepEqual([(await whoami(altered)).status, reason()], [401, 'bearer-signature']);
});

test('a token does not get another token', async () => {
  const token = await tokenFor({ client_id: 'own' }, ticket());
  const headers = { Authorization: `Bearer ${token}` };
  assert.deepEqual(errorIn(await ask({ client_id: 'own' }, headers)), [403, 'access_denied']);
  assert.equal(lastRefusal(), 'own-token');
});

test('a token of a session ends with it', async () => {
  const cookie = await signIn(gateway.origin, 'paula');
  const token = await tokenFor({ client_id: 'own' }, { Cookie: cookie });
  assert.equal((await whoami(token)).status, 200);
  const headers = { ...(await withCsrf(gateway.origin, cookie)), Origin: gateway.origin };
  await send(`${gateway.origin}/auth/logout`, { method: 'POST', headers });
  await until(async () => (await whoami(token)).status === 401, 'the token to be refused');
  assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'bearer-revoked');
});

test('cardea sessions revoke ends the tokens of a person, by any of the names, and one token by its id', async () => {
  for (const name of ['CORP\\alice', 'alice@corp.example', sid(1103)]) {
    const [before, other] = [
      await tokenFor({ client_id: 'own' }, ticket()),
      { Cookie: await signIn(gateway.origin, 'otto') },
    ];
    const others = await tokenFor({ client_id: 'own' }, other);
    assert.equal((await whoami(before)).status, 200);
    const subject = (decodeJwt(before)['cardea'] as { sub: string }).sub;
    await cardea(gateway.folder, 'sessions', 'revoke', '--user', name.startsWith('S-1-') ? subject : name);
    await until(async () => (await whoami(before)).status === 401, `the token to be refused: ${name}`);
    assert.equal((await whoami(others)).status, 200);
    // Whoever signs in again, also in the same moment, has a token that is good.
    assert.equal((await whoami(await tokenFor({ client_id: 'own' }, ticket()))).status, 200);
  }
  const [one, two] = [await tokenFor({ client_id: 'own' }, ticket()), await tokenFor({ client_id: 'own' }, ticket())];
  await cardea(gateway.folder, 'sessions', 'revoke', '--id', String(decodeJwt(one).jti));
  await until(async () => (await whoami(one)).status === 401, 'the one token to be refused');
  assert.equal((await whoami(two)).status, 200);
});

test('a token that is sent to a WebSocket of the app signs in there as well, and reaches no app', async () => {
  const token = await tokenFor({ client_id: 'own' }, ticket());
  const handshake = await openSocket(`${gateway.origin}/ws`, { Authorization: `Bearer ${token}` });
  assert.ok(handshake.kind === 'open');
  await handshake.first;
  handshake.socket.terminate();
});

test('a person who opens the address in a browser gets no token', async () => {
  const response = await send(`${gateway.origin}/desktop/token`, {
    method: 'POST',
    headers: { ...asBrowser, ...ticket() },
  });
  assert.deepEqual(errorIn(response), [403, 'access_denied']);
  assert.equal(sessionOf(response), '');
});

test('a token never outlives the sign-in that it was made of, and is refused when it has expired', async () => {
  const cookie = await signIn(gateway.origin, 'paula');
  const ends = async (): Promise<number> => givenIn(await ask({ client_id: 'own' }, { Cookie: cookie })).expires_in;
  assert.equal(await ends(), 4 * 3_600);
  const token = await tokenFor({ client_id: 'own', expires_in: 60 }, { Cookie: cookie });
  assert.equal((await whoami(token)).status, 200);
  now += 120_000;
  assert.equal((await whoami(token)).status, 401);
  assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'bearer-expired');
  // The session is kept in use, and ends eight hours after it began.
  let kept = cookie;
  for (let i = 0; i < 9; i++) {
    now += 50 * 60_000;
    kept = sessionOf(await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: kept } })) || kept;
  }
  const late = givenIn(await ask({ client_id: 'own' }, { Cookie: kept }));
  assert.equal(late.expires_in, 8 * 3_600 - 9 * 50 * 60 - 120);
});

test('tokens are counted by client and result', async () => {
  const { body } = await send(`${gateway.admin}/metrics`);
  assert.match(body, /^cardea_tokens_total\{client="desktop",result="issued"\} [1-9]/m);
  assert.match(body, /^cardea_tokens_total\{client="closed",result="refused"\} [1-9]/m);
});

test('no token is written anywhere, nor any private key', async () => {
  assert.deepEqual(await gateway.leaks(secrets), []);
});
