/** A whole gateway with apps behind several addresses, sockets of this machine, and certificates of its own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { openSocket, send, startTestGateway, type TestGateway } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-upstreams-'));
after(() => rmSync(folder, { recursive: true }));

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function listening<S extends Server>(server: S, at: number | string): Promise<S> {
  server.listen(typeof at === 'string' ? { path: at } : { port: at, host: '127.0.0.1' });
  await once(server, 'listening');
  closing.push(async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return server;
}

/** An app that answers with these words. */
const app = (answer: RequestListener, at: number | string = 0): Promise<Server> => listening(createServer(answer), at);

async function gatewayTo(upstream: string, more = '', files: Record<string, string> = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({
    files,
    config: () => `
apps:
  - name: app
    host: 127.0.0.1
    upstream: ${upstream}
    ${more}
    rules: [{ path: /**, public: true }]
`,
  });
  closing.push(() => gateway.close());
  return gateway;
}

test('requests go to all addresses of an app, and to those that are left when one is gone', async () => {
  const [one, two] = [
    await app((_request, response) => response.end('one')),
    await app((_request, response) => response.end('two')),
  ];
  const gateway = await gatewayTo(`[http://127.0.0.1:${portOf(one)}, http://127.0.0.1:${portOf(two)}]`);
  const ask = async (): Promise<string> => (await send(gateway.origin)).body;
  const answers = await Promise.all(Array.from({ length: 20 }, ask));
  assert.deepEqual([...new Set(answers)].toSorted(), ['one', 'two']);

  one.closeAllConnections();
  await new Promise((resolve) => one.close(resolve));
  for (let i = 0; i < 10; i++) assert.equal(await ask(), 'two');
});

test('a request goes to the address with the fewest in progress', async () => {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const slow = await app((_request, response) => void held.then(() => response.end('slow')));
  const quick = await app((_request, response) => response.end('quick'));
  const gateway = await gatewayTo(`{ url: [http://127.0.0.1:${portOf(slow)}, http://127.0.0.1:${portOf(quick)}] }`);
  // One of these two stays with the slow address; while it does, nobody else is sent there.
  const first = [send(gateway.origin), send(gateway.origin)];
  assert.equal((await Promise.race(first)).body, 'quick');
  for (let i = 0; i < 6; i++) assert.equal((await send(gateway.origin)).body, 'quick');
  release();
  assert.deepEqual((await Promise.all(first)).map(({ body }) => body).toSorted(), ['quick', 'slow']);
});

test('an app behind a socket of this machine gets requests with the Host of the browser, and WebSockets', async () => {
  const path = join(folder, 'app.sock');
  const server = await app((request, response) => response.end(request.headers.host), path);
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.send('hello'));
  const gateway = await gatewayTo(`unix:${path}`);
  assert.equal((await send(gateway.origin)).body, new URL(gateway.origin).host);
  const handshake = await openSocket(gateway.origin);
  assert.equal(handshake.kind, 'open');
  assert.equal(await handshake.first, 'hello');
  handshake.socket.terminate();
});

test('an app whose socket is not there gets an answer like any app that is down', async () => {
  const gateway = await gatewayTo(`unix:${join(folder, 'nobody.sock')}`);
  assert.equal((await send(gateway.origin)).status, 502);
});

test('host_header: upstream names the one address of the app', async () => {
  const server = await app((request, response) => response.end(request.headers.host));
  const gateway = await gatewayTo(`http://localhost:${portOf(server)}`, 'host_header: upstream');
  assert.equal((await send(gateway.origin)).body, `localhost:${portOf(server)}`);
});

test('an app that asks for a certificate gets the one that is named for it, and refuses the gateway without', async () => {
  const file = (name: string): string => readFileSync(join(folder, name), 'utf8');
  for (const [name, alternatives] of [
    ['server', 'IP:127.0.0.1'],
    ['client', 'DNS:cardea.example'],
  ])
    execFileSync(
      'openssl',
      `req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 100 -subj /CN=${name} -addext subjectAltName=${alternatives} -out ${name}.pem -keyout ${name}.key`.split(
        ' ',
      ),
      { cwd: folder, stdio: 'ignore' },
    );
  const server = await listening(
    createSecureServer(
      { cert: file('server.pem'), key: file('server.key'), ca: file('client.pem'), requestCert: true },
      ({ socket }, response) =>
        response.end(socket instanceof TLSSocket ? String(socket.getPeerCertificate().subject?.CN) : 'plain'),
    ),
    0,
  );
  const files = Object.fromEntries(['server.pem', 'client.pem', 'client.key'].map((name) => [name, file(name)]));
  const url = `url: https://127.0.0.1:${portOf(server)}, ca: server.pem`;
  const known = await gatewayTo(
    `{ ${url}, client_certificate: { cert: client.pem, key: client.key } }`,
    undefined,
    files,
  );
  assert.equal((await send(known.origin)).body, 'client');
  const unknown = await gatewayTo(`{ ${url} }`, undefined, files);
  assert.equal((await send(unknown.origin)).status, 502);
});
