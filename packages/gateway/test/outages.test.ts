import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import {
  asBrowser,
  openSocket,
  send,
  signIn,
  startTestGateway,
  type TestGateway,
  until,
  usersFile,
} from './harness.ts';

let gateway: TestGateway;
let silent: Server;
let cookie: string;

before(async () => {
  silent = createServer(() => {}); // takes requests and never answers
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: [] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
apps:
  - name: sample
    host: 127.0.0.1
    upstream: ${upstream}
    rules: [{ path: /**, signed_in: true }]
  - name: dead
    host: 127.0.0.1
    path: /dead
    upstream: http://127.0.0.1:1
    rules: [{ path: /**, signed_in: true }]
  - name: silent
    host: 127.0.0.1
    path: /silent
    upstream: { url: "http://127.0.0.1:${port}", response_timeout: 1s }
    rules: [{ path: /**, signed_in: true }]
`,
  });
  cookie = await signIn(gateway.origin, 'alice');
});
after(async () => {
  await gateway.close();
  silent.closeAllConnections();
  silent.close();
});

test('an app that is down gives a person a page that says so, and the log the reason', async () => {
  const response = await send(`${gateway.origin}/dead`, { headers: { ...asBrowser, Cookie: cookie } });
  assert.equal(response.status, 502);
  assert.match(response.body, /cannot be reached/);
  assert.equal(gateway.audit('upstream-failed').at(-1)?.['reason'], 'connect-refused');
});

test('an app that is down gives a program JSON', async () => {
  const response = await send(`${gateway.origin}/dead`, { headers: { Cookie: cookie } });
  assert.equal(JSON.parse(response.body).error, 'upstream-unreachable');
});

test('an app that does not answer gives 504 within its time', async () => {
  const response = await send(`${gateway.origin}/silent`, { headers: { Cookie: cookie } });
  assert.equal(response.status, 504);
});

test('a WebSocket to an app that is down is refused with 502', async () => {
  const handshake = await openSocket(`${gateway.origin}/dead`, { Cookie: cookie });
  assert.equal(handshake.kind === 'refused' && handshake.status, 502);
});

test('the admin address reports health, readiness and metrics, and knows no app', async () => {
  assert.equal((await send(`${gateway.admin}/healthz`)).body, 'ok\n');
  assert.equal(JSON.parse((await send(`${gateway.admin}/readyz`)).body).status, 'ready');
  assert.match(
    (await send(`${gateway.admin}/metrics`)).body,
    /cardea_requests_total\{app="dead",outcome="upstream-failed"\} \d/,
  );
  assert.equal((await send(`${gateway.admin}/api/whoami`)).status, 404);
});

test('a WebSocket is in the audit log when it opens and when it closes, with its numbers', async () => {
  const handshake = await openSocket(`${gateway.origin}/ws`, { Cookie: cookie });
  assert.equal(handshake.kind, 'open');
  if (handshake.kind !== 'open') return;
  await handshake.first;
  handshake.socket.close();
  await until(() => gateway.audit('websocket-closed').length > 0, 'the audit event of the closed WebSocket');
  const [opened, closed] = [gateway.audit('websocket-opened').at(-1), gateway.audit('websocket-closed').at(-1)];
  assert.equal(opened?.['account'], 'CORP\\alice');
  assert.equal(closed?.['requestId'], opened?.['requestId']);
  assert.ok(Number(closed?.['bytesToClient']) > 0);
});

test('stopping ends open WebSockets and lets a request in flight finish', async () => {
  let finish = (): void => {};
  const slow = createServer((_request, response) => (finish = () => response.end('done')));
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  const { port } = slow.address() as AddressInfo;
  const own = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: [] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
apps:
  - { name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }
  - { name: slow, host: 127.0.0.1, path: /slow, upstream: "http://127.0.0.1:${port}", rules: [{ path: /**, signed_in: true }] }
`,
  });
  const session = await signIn(own.origin, 'alice');
  const handshake = await openSocket(`${own.origin}/ws`, { Cookie: session });
  assert.equal(handshake.kind, 'open');
  if (handshake.kind !== 'open') return;
  await handshake.first;
  const closed = new Promise((resolve) => handshake.socket.once('close', resolve));
  const arrived = new Promise((resolve) => slow.once('request', resolve));
  const answered = send(`${own.origin}/slow`, { headers: { Cookie: session } });
  await arrived;
  const stopped = own.gateway.close(500);
  finish();
  assert.equal((await answered).body, 'done');
  await Promise.all([closed, stopped]);
  assert.equal(own.audit('websocket-closed').at(-1)?.['reason'], 'shutdown');
  await own.close();
  slow.close();
});

test('nothing secret is written down: cookies, passwords and keys are in no log line', async () => {
  await send(`${gateway.origin}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ name: 'alice', password: 'very-secret-guess' }).toString(),
  });
  await send(`${gateway.origin}/api/whoami?token=very-secret-query`, {
    headers: { Authorization: 'Bearer very-secret-bearer' },
  });
  const metrics = (await send(`${gateway.admin}/metrics`)).body;
  const written = gateway.written() + metrics;
  assert.doesNotMatch(written, /very-secret/);
  assert.ok(!written.includes(cookie.slice('cardea='.length)));
});
