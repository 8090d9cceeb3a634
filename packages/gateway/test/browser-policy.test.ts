/** `cors` and `response_headers` by way of the whole gateway: what the app sends, what arrives, and what our own answers have. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { makeKey, startWatched, type WatchedGateway } from './credentials.ts';
import { asBrowser, openSocket, send, signIn, type TestResponse, usersFile, withCsrf } from './harness.ts';

const portal = 'https://portal.corp.example';
const viewer = 'https://viewer.example';
const stranger = 'https://evil.example';

let app: Server;
let received: IncomingMessage[] = [];
let gateway: WatchedGateway;
let cookie: string;
let own: Readonly<Record<string, string>>;
let key: string;

before(async () => {
  app = createServer((request, response) => {
    received.push(request);
    request.resume();
    if (request.url === '/desk/early') response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.writeHead(request.url === '/desk/not-modified' ? 304 : 200, {
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Credentials': 'true',
      Server: 'tattler/1.0',
      'X-Frame-Options': 'ALLOW-FROM https://a.example',
      ETag: '"1"',
    });
    response.end(request.url === '/desk/not-modified' ? undefined : `${request.method} ${request.url}`);
  });
  await once(app.listen(0, '127.0.0.1'), 'listening');
  const where = app.address();
  const upstream = `http://127.0.0.1:${where !== null && typeof where === 'object' ? where.port : 0}`;
  gateway = await startWatched({
    files: { 'users.yaml': await usersFile({ alice: [] }) },
    config: () => `
trusted_proxies: [127.0.0.0/8]
sign_in:
  - password: { users: users.yaml }
  - api_key: {}
  - trusted_header: { default_domain: CORP, from: [127.0.0.0/8] }
apps:
  - name: desk
    host: 127.0.0.1
    path: /desk
    upstream: "${upstream}"
    cors: { origins: ["${portal}"], methods: [GET, PUT], headers: [X-CSRF-Token], expose: [ETag], credentials: true }
    response_headers: { security: missing, remove: [Server], add: { Permissions-Policy: false }, set: { X-Team: risk } }
    rules: [{ path: /desk/admin, groups: [it] }, { path: /**, signed_in: true }]
  - name: api
    host: 127.0.0.1
    path: /api
    upstream: "${upstream}"
    cors: { origins: ["${viewer}"], headers: [X-API-Key] }
    rules: [{ path: /api/open, public: true }, { path: /**, signed_in: true }]
  - name: open
    host: 127.0.0.1
    path: /open
    upstream: "${upstream}"
    sign_in: none
    cors: { origins: "*" }
  - name: down
    host: 127.0.0.1
    path: /down
    upstream: "http://127.0.0.1:9"
    cors: { origins: ["${portal}"] }
    response_headers: { security: always }
    rules: [{ path: /**, public: true }]
  - name: plain
    host: 127.0.0.1
    upstream: "${upstream}"
    rules: [{ path: /**, signed_in: true }]
`,
  });
  cookie = await signIn(gateway.origin, 'alice');
  own = await withCsrf(gateway.origin, cookie);
  key = await makeKey(gateway.folder, 'viewer');
});
after(async () => {
  await gateway?.close();
  app?.closeAllConnections();
  app?.close();
});

const ask = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<TestResponse> => {
  received = [];
  return send(`${gateway.origin}${path}`, { method, headers });
};
const allowed = ({ headers }: TestResponse): readonly (string | undefined)[] => [
  headers['access-control-allow-origin'],
  headers['access-control-allow-credentials'],
];
const preflight = (path: string, origin: string, method = 'PUT') =>
  ask(path, { Origin: origin, 'Access-Control-Request-Method': method }, 'OPTIONS');

test('a preflight is answered before anybody signs in, and never reaches the app', async () => {
  const response = await preflight('/desk/x', portal);
  assert.equal(response.status, 204);
  assert.deepEqual(allowed(response), [portal, 'true']);
  assert.equal(response.headers['access-control-allow-methods'], 'GET, PUT');
  assert.equal(response.headers['access-control-allow-headers'], 'X-CSRF-Token');
  assert.equal(response.headers.vary, 'Origin');
  assert.equal(response.body, '');
  assert.equal(received.length, 0);
});

test('a preflight of another site is refused, with a reason in the audit log', async () => {
  const response = await preflight('/desk/x', stranger);
  assert.equal(response.status, 403);
  assert.deepEqual(allowed(response), [undefined, undefined]);
  assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'cors-origin');
  assert.equal(received.length, 0);
});

test('without cors, OPTIONS is judged like any other request, and goes to the app', async () => {
  const asked = { Origin: portal, 'Access-Control-Request-Method': 'PUT' };
  assert.equal((await ask('/x', asked, 'OPTIONS')).status, 401);
  assert.equal((await ask('/x', { ...asked, Cookie: cookie }, 'OPTIONS')).status, 200);
  assert.equal(received[0]?.method, 'OPTIONS');
});

test('our own endpoints answer no preflight, and no other site reads them', async () => {
  assert.equal((await preflight('/auth/me', portal)).status, 404);
  for (const headers of [{ Cookie: cookie, Origin: portal }, { Origin: portal }])
    assert.deepEqual(allowed(await ask('/auth/me', headers)), [undefined, undefined]);
});

test('a page of an allowed site reads and sends with the sign-in of its person; what the app says about it is replaced', async () => {
  const response = await ask('/desk/x', { Cookie: cookie, Origin: portal });
  assert.deepEqual(allowed(response), [portal, 'true']);
  assert.equal(response.headers['access-control-expose-headers'], 'ETag');
  assert.equal(response.headers.vary, 'Origin');
  const sent = await ask('/desk/x', { ...own, Origin: portal }, 'PUT');
  assert.deepEqual([sent.status, ...allowed(sent)], [200, portal, 'true']);
});

test('no other site reads anything, whatever the app says', async () => {
  for (const headers of [{ Cookie: cookie, Origin: stranger }, { Cookie: cookie }]) {
    const response = await ask('/desk/x', headers);
    assert.deepEqual([response.status, ...allowed(response)], [200, undefined, undefined]);
    assert.equal(response.headers.vary, 'Origin');
  }
  assert.equal((await ask('/desk/x', { ...own, Origin: stranger }, 'PUT')).status, 403);
});

test('an allowed site opens WebSockets too, since it acts with the sign-in anyway; one without credentials does not', async () => {
  for (const [path, origin, expected] of [
    ['/desk/ws', portal, 502],
    ['/desk/ws', stranger, 403],
    ['/api/ws', viewer, 403],
  ] as const) {
    const handshake = await openSocket(`${gateway.origin}${path}`, { Cookie: cookie, Origin: origin });
    // The test's app takes no upgrade: a handshake that gets as far as there fails there.
    const status = handshake.kind === 'refused' ? handshake.status : 101;
    assert.equal(status === 403, expected === 403, `${path} ${origin} ${status}`);
  }
});

test('our own answers in the place of the app can be read by its sites: a page learns that it has to sign in', async () => {
  const unsigned = await ask('/desk/x', { Origin: portal });
  assert.deepEqual([unsigned.status, ...allowed(unsigned)], [401, portal, 'true']);
  const refused = await ask('/desk/admin', { Cookie: cookie, Origin: portal });
  assert.deepEqual([refused.status, ...allowed(refused)], [403, portal, 'true']);
  const failed = await ask('/down/x', { Origin: portal });
  assert.deepEqual([failed.status, ...allowed(failed)], [502, portal, undefined]);
  const foreign = await ask('/desk/x', { Origin: stranger });
  assert.deepEqual([foreign.status, ...allowed(foreign)], [401, undefined, undefined]);
});

test('without credentials, a site sends with what its page itself shows', async () => {
  const response = await ask('/api/x', { Origin: viewer, 'X-API-Key': key }, 'POST');
  assert.deepEqual([response.status, ...allowed(response)], [200, viewer, undefined]);
  assert.equal(received[0]?.headers['x-authenticated-user'], 'key:viewer');
});

test('without credentials, what a browser adds by itself counts for nothing and does not arrive', async () => {
  assert.equal((await ask('/api/x', { ...own, Origin: viewer }, 'POST')).status, 401);
  assert.equal((await ask('/api/x', { 'X-Remote-User': 'CORP\\alice', Origin: viewer }, 'POST')).status, 401);
  const ambient = { Cookie: `${cookie}; app=1`, Authorization: 'Basic YTpi', 'X-Remote-User': 'CORP\\alice' };
  const response = await ask('/api/x', { ...ambient, Origin: viewer, 'X-API-Key': key }, 'POST');
  assert.equal(response.status, 200);
  const [request] = received;
  assert.equal(request?.headers['x-authenticated-user'], 'key:viewer');
  assert.deepEqual([request.headers.cookie, request.headers.authorization], [undefined, undefined]);
});

test('without credentials, a public path gets nothing either that a browser adds by itself', async () => {
  const ambient = { Cookie: `${cookie}; app=1`, Authorization: 'Basic YTpi', Origin: viewer };
  assert.equal((await ask('/api/open', ambient, 'POST')).status, 200);
  const [request] = received;
  assert.deepEqual([request?.headers.cookie, request?.headers.authorization], [undefined, undefined]);
});

test('without credentials, other sites stay out', async () => {
  for (const origin of [stranger, 'null', portal])
    assert.equal((await ask('/api/x', { Origin: origin, 'X-API-Key': key }, 'POST')).status, 403, origin);
});

test('every site reads what is open to every site, and never with credentials', async () => {
  const response = await ask('/open/x', { Origin: stranger, Cookie: cookie });
  assert.deepEqual([response.status, ...allowed(response)], [200, '*', undefined]);
  assert.equal(response.headers.vary, undefined);
  assert.equal((await preflight('/open/x', stranger, 'POST')).status, 204);
});

const overTls = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '10.0.0.1' };

test('security headers are added to the app’s responses where it sends none; others are set and removed', async () => {
  const { headers } = await ask('/desk/x', { 'X-Remote-User': 'CORP\\alice', ...overTls });
  assert.equal(headers['strict-transport-security'], 'max-age=31536000');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['content-security-policy'], "frame-ancestors 'self'");
  assert.equal(headers['x-frame-options'], 'ALLOW-FROM https://a.example');
  assert.equal(headers['permissions-policy'], undefined);
  assert.equal(headers['x-team'], 'risk');
  assert.equal(headers['server'], undefined);
});

test('over plain HTTP nothing is said about TLS', async () => {
  const { headers } = await ask('/desk/x', { Cookie: cookie });
  assert.equal(headers['strict-transport-security'], undefined);
  assert.equal(headers['x-content-type-options'], 'nosniff');
});

test('our own pages keep their stricter policy, and get what they do not have', async () => {
  for (const [path, status] of [
    ['/desk/x', 303],
    ['/desk/admin', 403],
    ['/down/x', 502],
  ] as const) {
    const signedIn: Record<string, string> = path === '/desk/admin' ? { 'X-Remote-User': 'CORP\\alice' } : {};
    const { headers, status: got } = await ask(path, { ...asBrowser, ...overTls, ...signedIn });
    assert.equal(got, status, path);
    assert.equal(headers['strict-transport-security'], 'max-age=31536000', path);
    assert.match(
      String(headers['content-security-policy']),
      status === 303 ? /frame-ancestors 'self'/ : /default-src 'none'/,
    );
    assert.equal(headers['x-frame-options'], status === 303 ? 'SAMEORIGIN' : 'DENY', path);
  }
});

test('our own endpoints on the host get them as well', async () => {
  const { headers } = await ask('/auth/login', { ...asBrowser, ...overTls });
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  assert.equal(headers['x-frame-options'], 'DENY');
});

test('a 304 gets nothing that would change the stored response', async () => {
  const { status, headers } = await ask('/desk/not-modified', { Cookie: cookie });
  assert.equal(status, 304);
  assert.deepEqual(
    [headers['content-security-policy'], headers['x-team'], headers.vary],
    [undefined, 'risk', 'Origin'],
  );
});

test('early hints pass without additions', async () => {
  const { port } = new URL(gateway.origin);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(`GET /desk/early HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  const [hints = '', final = ''] = text.split('\r\n\r\n');
  assert.match(hints, /^HTTP\/1\.1 103 /);
  assert.doesNotMatch(hints, /x-team|content-security-policy|vary/i);
  assert.match(final, /X-Team: risk/);
});

test('responses that repeat themselves are as good as the first', async () => {
  for (let i = 0; i < 5; i++) {
    const { headers } = await ask('/desk/x', { Cookie: cookie });
    assert.deepEqual(
      [headers['x-team'], headers['server'], headers['access-control-allow-origin']],
      ['risk', undefined, undefined],
    );
    const readable = await ask('/desk/x', { Cookie: cookie, Origin: portal });
    assert.deepEqual(allowed(readable), [portal, 'true']);
  }
});

test('an app without these keys keeps what it says', async () => {
  const { headers } = await ask('/x', { Cookie: cookie, Origin: stranger });
  assert.deepEqual([headers['access-control-allow-origin'], headers['server']], ['*', 'tattler/1.0']);
  assert.equal(headers['x-content-type-options'], undefined);
});
