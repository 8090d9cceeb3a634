import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { asBrowser, send, startTestGateway, type TestGateway, until, usersFile } from './harness.ts';

let gateway: TestGateway;
let app: Server;
/** Everything that the app has received, and what it answers with next. */
let received = '';
let answer = '';
const appSockets = new Set<Socket>();

before(async () => {
  app = createServer((socket) => {
    appSockets.add(socket);
    socket.on('close', () => appSockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      if (isWhole(received)) socket.write(answer, 'latin1');
    });
  });
  await once(app.listen(0, '127.0.0.1'), 'listening');
  const where = app.address();
  const upstream = `http://127.0.0.1:${where !== null && typeof where === 'object' ? where.port : 0}`;
  gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: [] }) },
    config: (sample) => `
sign_in: [{ password: { users: users.yaml } }]
apps:
  - { name: open, host: open.corp.example, upstream: "${upstream}", sign_in: none }
  - { name: viewer, host: mixed.corp.example, path: /viewer, upstream: "${upstream}", sign_in: none }
  - { name: desk, host: mixed.corp.example, upstream: "${sample}", rules: [{ path: /**, signed_in: true }] }
`,
  });
});
after(async () => {
  await gateway.close();
  for (const socket of appSockets) socket.destroy();
  app.close();
});

/** Whether a request is there with all of its content, as its own length tells. */
function isWhole(bytes: string): boolean {
  const end = bytes.indexOf('\r\n\r\n');
  const length = Number(/\r\ncontent-length: *([0-9]+)/i.exec(bytes.slice(0, end + 2))?.[1] ?? 0);
  return end >= 0 && bytes.length >= end + 4 + length;
}

const head = (lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

/** Sends these bytes to the gateway and gives what the app got and what came back, byte by byte. */
async function exchange(request: string, response: string): Promise<{ readonly sent: string; readonly back: string }> {
  received = '';
  answer = response;
  const { hostname, port } = new URL(gateway.origin);
  const socket = connect(Number(port), hostname);
  let back = '';
  socket.on('data', (bytes) => (back += bytes.toString('latin1')));
  await once(socket, 'connect');
  socket.write(request, 'latin1');
  await until(() => back.length >= response.length, 'the whole answer');
  socket.destroy();
  return { sent: received, back };
}

/** What the gateway has to say at the end of the head: who the client is, by which way, and the number of the request. */
const ownFields =
  /\r\nX-Forwarded-For: 127\.0\.0\.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: [a-z.]+\r\nX-Request-Id: [0-9a-f-]{36}(?=\r\n)/;

const request = [
  'POST /a%20b/c;v=1?q=%E4&x=//evil.example/ HTTP/1.1',
  'Host: open.corp.example',
  'aCCEPT:  text/html ,*/*;q=0.1',
  'Cookie: theme=dark; lang=de',
  'Authorization: Negotiate YIIabc==',
  'X-API-Key: cardea_key_1',
  'X-CSRF-Token: own',
  'Origin: https://elsewhere.example',
  'Sec-Fetch-Site: cross-site',
  'X-Twice: 1',
  'X-Twice: 2',
  'X-Empty: ',
  'X-Latin: gr\xfc\xdfe',
  'Content-Type: application/x-www-form-urlencoded',
  'Content-Length: 12',
];
const content = 'a=\x00\xff\r\n\r\n&b=1';
const date = 'Date: Sun, 22 Nov 2026 10:00:00 GMT';

const noContent = head(['HTTP/1.1 204 No Content', date]);
const response = [
  'HTTP/1.1 418 I am a teapot',
  date,
  'Content-Type: text/html',
  'Set-Cookie: theme=light; Path=/',
  'Set-Cookie: a=b; Max-Age=0',
  'WWW-Authenticate: Negotiate',
  'WWW-Authenticate: Basic realm="own"',
  'Location: https://elsewhere.example/',
  'Cache-Control: public, max-age=1',
  'Content-Security-Policy: default-src *',
  'x-lower: \xe4',
  'Content-Length: 5',
];

test('an app with sign_in: none gets every request as it was sent, beside the fields about the way', async () => {
  const { sent } = await exchange(head(request) + content, head(response) + 'te\x00\xffa');
  assert.match(sent, ownFields);
  // Blanks around a value are no part of it (RFC 9112, 5.1).
  const expected = head(request).replace('aCCEPT:  ', 'aCCEPT: ');
  assert.equal(sent.replace(ownFields, ''), expected + content);
});

test('a client gets every response of such an app as it was sent', async () => {
  const body = 'te\x00\xffa';
  const { back } = await exchange(head(request) + content, head(response) + body);
  assert.equal(back, head(response) + body);
});

test('such an app is told of nobody, whatever a client claims', async () => {
  const claims = ['X-Authenticated-User: CORP\\root', 'x_authenticated.user: CORP\\root', 'X-Forwarded-For: 10.0.0.1'];
  const lines = ['GET / HTTP/1.1', 'Host: open.corp.example', ...claims, 'Accept: */*'];
  const { sent } = await exchange(head(lines), noContent);
  assert.equal(sent.replace(ownFields, ''), head(['GET / HTTP/1.1', 'Host: open.corp.example', 'Accept: */*']));
});

for (const path of ['/auth', '/auth/login', '/auth/logout', '/auth/me', '/.well-known/jwks.json'])
  test(`a host with nothing but such apps has no path of ours: ${path} is the app's`, async () => {
    const lines = [`GET ${path} HTTP/1.1`, 'Host: open.corp.example', 'Accept: text/html'];
    const { sent, back } = await exchange(head(lines), noContent);
    assert.equal(sent.replace(ownFields, ''), head(lines));
    assert.equal(back, noContent);
  });

test("a host that another app shares keeps our paths, and our session's cookie stays with us", async () => {
  const login = await send(`${gateway.origin}/auth/login`, { headers: { ...asBrowser, Host: 'mixed.corp.example' } });
  assert.equal(login.status, 200);
  assert.match(login.body, /<form method="post" action="\/auth\/login">/);
  const lines = ['GET /viewer/ HTTP/1.1', 'Host: mixed.corp.example', 'Cookie: a=b; cardea=secret; cardea-csrf=secret'];
  const { sent, back } = await exchange(head(lines), noContent);
  assert.equal(sent.replace(ownFields, ''), head(['GET /viewer/ HTTP/1.1', 'Host: mixed.corp.example', 'Cookie: a=b']));
  assert.equal(back, noContent);
});

test('nobody is signed in, refused or sent away there, also by a page of another site', () => {
  for (const kind of ['sign-in', 'sign-in-failed', 'refused']) assert.deepEqual(gateway.audit(kind), []);
});
