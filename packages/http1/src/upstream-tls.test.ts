import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, test } from 'node:test';
import tls from 'node:tls';
import { handshake, rawUpstream, upstreamAt } from './engine-testing.ts';
import { ask } from './upstream-testing.ts';
import { UpstreamPools } from './upstream-pool.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-upstream-'));
after(() => rmSync(folder, { recursive: true }));

interface Pair {
  readonly cert: string;
  readonly key: string;
}

function certificate(name: string, alternative: string): Pair {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${alternative}`];
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-out', cert, '-keyout', key, ...curve, ...names], {
    stdio: 'ignore',
  });
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

const app = certificate('app', 'DNS:localhost,IP:127.0.0.1');
const elsewhere = certificate('elsewhere', 'DNS:elsewhere.example');
const gateway = certificate('gateway', 'DNS:gateway.example');

let pools: UpstreamPools;
let close: (() => Promise<void>) | undefined;

beforeEach(() => {
  pools = new UpstreamPools({ sweepMs: 10 });
});

afterEach(async () => {
  pools.close();
  await close?.();
  close = undefined;
});

/** An app that answers with what it knows of its client, and switches protocols when asked. Gives its origin by host. */
async function secureApp(options: tls.TlsOptions): Promise<(host: string) => string> {
  const server = tls.createServer({ ALPNProtocols: ['http/1.1'], ...options }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const name = socket.getPeerCertificate().subject?.CN;
      const text = [socket.servername, socket.alpnProtocol, name, socket.isSessionReused()].map(String).join(' ');
      if (!data.toString().includes('Upgrade')) {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
        if (data.toString().startsWith('GET /close')) socket.end();
      } else socket.write('HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello');
    });
  });
  const sockets = new Set<tls.TLSSocket>();
  server.on('secureConnection', (socket) => sockets.add(socket));
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return (host) => `https://${host}:${(server.address() as AddressInfo).port}`;
}

for (const [host, name] of [
  ['localhost', 'localhost'],
  ['127.0.0.1', 'false'],
] as const) {
  test(`UpstreamPools.call() speaks TLS to ${host} with an authority that it was given`, async () => {
    const origin = await secureApp(app);
    const { heard } = ask(pools, upstreamAt(origin(host), { ca: app.cert }), 'GET /');
    assert.equal(await heard.over(), 'end');
    assert.equal(heard.content, `${name} http/1.1 undefined false`);
    assert.deepEqual(pools.stats(), { busy: 0, idle: 1 });
  });
}

for (const [what, served, ca] of [
  ['chains to nobody it knows', app, undefined],
  ['chains to another authority', app, gateway.cert],
  ['is for another name', elsewhere, elsewhere.cert],
] as const) {
  test(`UpstreamPools.call() fails with tls, and sends nothing, when the certificate ${what}`, async () => {
    const origin = await secureApp(served);
    const { heard } = ask(pools, upstreamAt(origin('localhost'), { ca }), 'GET /');
    assert.equal(await heard.over(), 'failed tls unanswered');
  });
}

test('UpstreamPools.call() fails with tls when there is none', async () => {
  const plain = await rawUpstream();
  const { heard } = ask(pools, upstreamAt(plain.origin.replace('http:', 'https:')), 'GET /');
  (await plain.next()).send('HTTP/1.1 400 No\r\n\r\n');
  assert.equal(await heard.over(), 'failed tls unanswered');
  await plain.close();
});

test('UpstreamPools.call() shows its own certificate to an upstream that asks for one', async () => {
  const origin = await secureApp({ ...app, requestCert: true, ca: gateway.cert, rejectUnauthorized: true });
  const upstream = upstreamAt(origin('localhost'), { ca: app.cert, clientCertificate: gateway });
  const { heard } = ask(pools, upstream, 'GET /');
  assert.equal(await heard.over(), 'end');
  assert.match(heard.content, / gateway /);
});

test('UpstreamPools.call() fails when the upstream asks for a certificate and there is none', async () => {
  const origin = await secureApp({ ...app, requestCert: true, ca: gateway.cert, rejectUnauthorized: true });
  const { heard } = ask(pools, upstreamAt(origin('localhost'), { ca: app.cert }), 'GET /');
  assert.match(await heard.over(), /^failed (?:tls|reset) unanswered$/);
});

test('UpstreamPools.call() takes a TLS session up again on its next connection', async () => {
  const origin = await secureApp(app);
  const upstream = upstreamAt(origin('localhost'), { ca: app.cert });
  const first = ask(pools, upstream, 'GET /close');
  assert.equal(await first.heard.over(), 'end');
  while (pools.stats().idle > 0) await new Promise((resolve) => setImmediate(resolve));
  const second = ask(pools, upstream, 'GET /');
  await second.heard.over();
  assert.match(second.heard.content, / true$/);
});

test('UpstreamPools.call() upgrades a TLS connection', async () => {
  const origin = await secureApp(app);
  const { heard } = ask(pools, upstreamAt(origin('localhost'), { ca: app.cert }), 'GET /ws', handshake);
  await heard.until('upgraded');
  assert.equal(heard.rest?.toString(), 'hello');
  heard.socket?.destroy();
});

test('UpstreamPools.call() carries much over TLS in both directions, each no faster than it is read', async () => {
  const size = 8 * 1024 * 1024;
  const server = tls.createServer(app, (socket) => {
    let received = 0;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received += data.length;
      if (received < size) return;
      received = Number.NEGATIVE_INFINITY;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size, 'down'));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = async () => {
    server.close();
    await once(server, 'close');
  };
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  const { call, heard } = ask(pools, upstreamAt(origin, { ca: app.cert }), 'POST /', [`Content-Length: ${size}`]);
  heard.react = (event) => {
    if (event !== 'data') return;
    call.pauseResponse();
    setImmediate(() => call.resumeResponse());
  };
  for (let sent = 0; sent < size; sent += 65_536) {
    if (!call.write(Buffer.alloc(65_536, 'up'))) await drained(heard.log);
  }
  call.end();
  assert.equal(await heard.over(), 'end');
  assert.equal(heard.content === 'down'.repeat(size / 4), true);
  pools.close();

  async function drained(log: readonly string[]): Promise<void> {
    const before = log.length;
    await heard.when(() => log.slice(before).includes('drain'));
  }
});
