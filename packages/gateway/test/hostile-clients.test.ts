import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import {
  asBrowser,
  sessionOf,
  send,
  signIn,
  signOut,
  startTestGateway,
  type TestGateway,
  until,
  usersFile,
} from './harness.ts';

let gateway: TestGateway;
let clock = Date.now();
const minutes = 60_000;

/** An app that tries to do what only the gateway may. */
const hostile = net.createServer();
const hostileSeen: string[] = [];

before(async () => {
  hostile.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const head = chunk.toString('latin1');
      hostileSeen.push(head.split('\r\n', 1)[0] ?? '');
      const cookies = [
        'cardea=planted; Path=/',
        ' \tcardea =x',
        '=cardea=x',
        '__Host-cardea=x; Secure; Path=/',
        'own=1',
      ];
      const fields = cookies.map((cookie) => `Set-Cookie: ${cookie}\r\n`).join('');
      if (!/\r\nupgrade: websocket\r\n/i.test(head))
        return void socket.write(
          `HTTP/1.1 103 Early Hints\r\n${fields}\r\nHTTP/1.1 200 OK\r\n${fields}Content-Length: 2\r\n\r\nok`,
        );
      socket.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`);
    });
  });
  hostile.listen(0, '127.0.0.1');
  await once(hostile, 'listening');
  const address = hostile.address();
  const port = typeof address === 'object' ? address?.port : 0;
  gateway = await startTestGateway({
    now: () => clock,
    files: { 'users.yaml': await usersFile({ alice: ['team-ai'], bob: [] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
limits: { idle: 1s, body_timeout: 1s }
apps:
  - name: sample
    host: 127.0.0.1
    upstream: ${upstream}
    rules: [{ path: /**, signed_in: true }]
  - name: administration
    host: 127.0.0.1
    path: /reports
    upstream: ${upstream}
    rules: [{ path: /**, groups: [team-ai] }]
  - name: below
    host: below.example
    path: /app
    upstream: ${upstream}
    rules: [{ path: /**, signed_in: true }]
  - name: hostile
    host: hostile.example
    upstream: http://127.0.0.1:${port}
    rules: [{ path: /**, public: true }]
  - name: gone
    host: gone.example
    upstream: http://127.0.0.1:1
    rules: [{ path: /**, public: true }]
`,
  });
});
after(async () => {
  await gateway.close();
  hostile.close();
});

const host = (): string => new URL(gateway.origin).host;

/** Sends these bytes and gives everything that comes until the gateway closes or `enough` holds. */
async function exchange(bytes: string, enough: (answer: string) => boolean = () => false): Promise<string> {
  const socket = net.connect(Number(new URL(gateway.origin).port), '127.0.0.1');
  let answer = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
    if (enough(answer)) socket.destroy();
  });
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return answer;
}

const credentials = (name: string) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ name, password: `${name}-password` }).toString(),
});

test('signing out holds for a session that is due for renewal', async () => {
  const cookie = await signIn(gateway.origin, 'alice');
  clock += 10 * minutes;
  const answer = await signOut(gateway.origin, cookie);
  assert.equal(answer.status, 200);
  assert.deepEqual(
    answer.headers['set-cookie']?.map((line) => line.split(';')[0]),
    ['cardea=', 'cardea-csrf='],
  );
});

test('signing in replaces a session that is due for renewal, and is not replaced by it', async () => {
  const cookie = await signIn(gateway.origin, 'alice');
  clock += 10 * minutes;
  const bob = credentials('bob');
  const answer = await send(`${gateway.origin}/auth/login`, { ...bob, headers: { ...bob.headers, Cookie: cookie } });
  assert.equal(answer.headers['set-cookie']?.length, 2);
  const me = await send(`${gateway.origin}/auth/me`, { headers: { Cookie: sessionOf(answer) } });
  assert.equal(JSON.parse(me.body).account, 'CORP\\bob');
});

test('signing in holds in a browser that had a cookie which is not good any more', async () => {
  for (const old of ['cardea=broken', 'cardea=a; cardea=b']) {
    const bob = credentials('bob');
    const answer = await send(`${gateway.origin}/auth/login`, { ...bob, headers: { ...bob.headers, Cookie: old } });
    assert.equal(answer.headers['set-cookie']?.length, 2, old);
    assert.doesNotMatch(answer.headers['set-cookie']?.[0] ?? '', /Max-Age=0/, old);
  }
});

test('a public answer of the gateway never sets a session', async () => {
  const cookie = await signIn(gateway.origin, 'alice');
  clock += 10 * minutes;
  const answer = await send(`${gateway.origin}/.well-known/jwks.json`, { headers: { Cookie: cookie } });
  assert.equal(answer.headers['cache-control'], 'public, max-age=300');
  assert.equal(answer.headers['set-cookie'], undefined);
});

test('an app cannot set or delete the cookies of the gateway, by HTTP or on an upgrade', async () => {
  const plain = await exchange(`GET / HTTP/1.1\r\nHost: hostile.example\r\n\r\n`, (text) => text.endsWith('ok'));
  const upgraded = await exchange(
    'GET / HTTP/1.1\r\nHost: hostile.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  assert.match(plain, /HTTP\/1\.1 200 /);
  assert.match(upgraded, /^HTTP\/1\.1 101 /);
  for (const answer of [plain, upgraded]) {
    assert.match(answer, /Set-Cookie: own=1\r\n/);
    assert.doesNotMatch(answer, /cardea/);
  }
});

test('what comes behind a request that was refused, or that closes, is never carried out', async () => {
  const request = `GET /behind HTTP/1.1\r\nHost: hostile.example\r\n\r\n`;
  const good = `GET /first HTTP/1.1\r\nHost: hostile.example\r\n\r\n`;
  const refused = [
    'GET / HTTP/1.1\r\nHost: hostile.example\r\nContent_Length: 50\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n',
    'GET /a%2fb HTTP/1.1\r\nHost: hostile.example\r\n\r\n',
  ];
  for (const bytes of refused) {
    // The first one leaves a connection to the app open, on which the last would go out at once.
    hostileSeen.length = 0;
    const answer = await exchange(good + bytes + request);
    assert.match(answer, /HTTP\/1\.1 200 [^]*HTTP\/1\.1 400 /);
    assert.deepEqual(hostileSeen, ['GET /first HTTP/1.1'], bytes);
  }
  hostileSeen.length = 0;
  const closing = await exchange(
    `${good}GET /second HTTP/1.1\r\nHost: hostile.example\r\nConnection: close\r\n\r\n${request}`,
  );
  assert.match(closing, /Connection: close/i);
  assert.deepEqual(hostileSeen, ['GET /first HTTP/1.1', 'GET /second HTTP/1.1']);
});

test('a form that is never sent to its end does not hold a connection', async () => {
  const answer = await exchange(`POST /auth/login HTTP/1.1\r\nHost: ${host()}\r\nContent-Length: 100\r\n\r\nname=`);
  assert.match(answer, /^HTTP\/1\.1 408 /);
});

test('a path parameter does not lead around the app that is responsible, nor around the reserved paths', async () => {
  const cookie = await signIn(gateway.origin, 'bob');
  assert.equal((await send(`${gateway.origin}/reports/x`, { headers: { Cookie: cookie } })).status, 403);
  for (const path of ['/reports;x/x', '/reports%3Bx/x', '/auth;x/login', '/auth;x']) {
    const answer = await send(gateway.origin + path, { headers: { Cookie: cookie } });
    assert.equal(answer.status, 400, path);
  }
  assert.equal((await send(`${gateway.origin}/headers;x`, { headers: { Cookie: cookie } })).status, 404);
});

test('the number on the page about an app that is down leads to the audit log', async () => {
  const page = await send(gateway.origin, { headers: { ...asBrowser, Host: 'gone.example' } });
  assert.equal(page.status, 502);
  await until(() => gateway.audit('upstream-failed').length > 0, 'the event');
  const number = gateway.audit('upstream-failed').at(-1)?.['requestId'];
  assert.ok(typeof number === 'string' && page.body.includes(number), page.body);
});

test('a host whose apps are all below a path has the sign-in form as well', async () => {
  const page = await send(`${gateway.origin}/app/`, { headers: { ...asBrowser, Host: 'below.example' } });
  assert.equal(page.headers.location, '/auth/login?return=%2Fapp%2F');
  const form = await send(`${gateway.origin}/auth/login`, { headers: { ...asBrowser, Host: 'below.example' } });
  assert.equal(form.status, 200);
  assert.equal((await send(`${gateway.origin}/other`, { headers: { Host: 'below.example' } })).status, 404);
});

test('a very long path does not fill the audit log', async () => {
  const answer = await send(`${gateway.origin}/${'x'.repeat(16_000)}`, { headers: { Host: 'nobody.example' } });
  assert.equal(answer.status, 404);
  await until(() => gateway.audit('refused').some((event) => event['host'] === 'nobody.example'), 'the event');
  assert.ok(JSON.stringify(gateway.audit('refused').at(-1)).length < 2_000);
});
