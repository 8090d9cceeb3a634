import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { type Gate, handshake, rawUpstream, startGate, upstreamAt } from '../src/engine-testing.ts';
import type { Tunnel } from '../src/exchange.ts';

/** How one end of a WebSocket saw it end. */
interface Ending {
  readonly code: number;
  readonly reason: string;
  /** What the protocol was found to be broken by. */
  readonly errors: readonly string[];
}

let server: WebSocketServer;
let gate: Gate;
let tunnels: Tunnel[];

before(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
  await once(server, 'listening');
  tunnels = [];
  const { port } = server.address() as AddressInfo;
  gate = await startGate({
    upstream: upstreamAt(`http://127.0.0.1:${port}`),
    forward: { opened: (tunnel) => void tunnels.push(tunnel), ended: () => {} },
  });
});

afterEach(() => {
  tunnels.length = 0;
});

after(async () => {
  server.close();
  await gate.close();
});

function endingOf(socket: WebSocket): Promise<Ending> {
  const errors: string[] = [];
  socket.on('error', (error) => errors.push(error.message));
  return new Promise((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason), errors }));
  });
}

/** Both ends of a WebSocket through the gate, and how they will end. */
async function open(perMessageDeflate: boolean) {
  const arrived = once(server, 'connection');
  const client = new WebSocket(`ws://127.0.0.1:${gate.engine.port}/ws`, { perMessageDeflate });
  const endings = [endingOf(client)];
  await once(client, 'open');
  const [peer] = (await arrived) as [WebSocket];
  endings.push(endingOf(peer));
  const [tunnel] = tunnels as [Tunnel];
  return { client, peer, tunnel, endings: Promise.all(endings) };
}

const ended: Ending = { code: 4401, reason: 'session ended', errors: [] };

for (const perMessageDeflate of [false, true]) {
  const how = perMessageDeflate ? 'a compressed' : 'a plain';

  test(`Tunnel.close() ends ${how} WebSocket that is silent with its code and reason at both ends`, async () => {
    const { tunnel, endings } = await open(perMessageDeflate);
    tunnel.close(4401, 'session ended');
    assert.deepEqual(await endings, [ended, ended]);
  });

  test(`Tunnel.close() ends ${how} WebSocket in the middle of both directions, whenever it comes`, async () => {
    for (let round = 0; round < 12; round++) {
      tunnels.length = 0;
      const { client, peer, tunnel, endings } = await open(perMessageDeflate);
      const message = Buffer.from('0123456789'.repeat(20 * 3 ** (round % 6)));
      for (const [from, to] of [
        [client, peer],
        [peer, client],
      ] as const) {
        to.on('message', (data: Buffer) => assert.equal(data.equals(message), true));
        for (let i = 0; i < 40; i++) from.send(message);
      }
      for (let turns = 0; turns < round; turns++) await turn();
      tunnel.close(4401, 'session ended');
      assert.deepEqual(await endings, [ended, ended]);
    }
  });

  test(`Tunnel.close() ends ${how} WebSocket between the fragments of a message`, async () => {
    const { client, peer, tunnel, endings } = await open(perMessageDeflate);
    const pinged = once(peer, 'ping');
    client.send('one ', { fin: false });
    client.send('two ', { fin: false });
    client.ping();
    await pinged;
    tunnel.close(4401, 'session ended');
    assert.deepEqual(await endings, [ended, ended]);
  });
}

test('Tunnel.close() ends a WebSocket over TLS on both sides in the middle of both directions', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-ws-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-subj', '/CN=localhost'];
  const names = ['-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-out', certFile, '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', ...files, ...kind, ...names], { stdio: 'ignore' });
  const certificate = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };

  const below = https.createServer(certificate);
  const secure = new WebSocketServer({ server: below });
  below.listen(0, '127.0.0.1');
  await once(below, 'listening');
  const { port } = below.address() as AddressInfo;
  const { promise: opened, resolve } = Promise.withResolvers<Tunnel>();
  const other = await startGate({
    tls: certificate,
    upstream: upstreamAt(`https://localhost:${port}`, { ca: certificate.cert }),
    forward: {
      opened(tunnel) {
        resolve(tunnel);
        return undefined;
      },
    },
  });
  const arrived = once(secure, 'connection');
  const client = new WebSocket(`wss://localhost:${other.engine.port}/ws`, { ca: certificate.cert });
  const endings = [endingOf(client)];
  await once(client, 'open');
  const [peer] = (await arrived) as [WebSocket];
  endings.push(endingOf(peer));
  for (const socket of [client, peer]) for (let i = 0; i < 40; i++) socket.send(Buffer.alloc(50_000, i));
  await once(client, 'message');
  (await opened).close(4401, 'session ended');
  assert.deepEqual(await Promise.all(endings), [ended, ended]);
  secure.close();
  below.close();
  await other.close();
});

for (const graceMs of [0, 1])
  test(`engine ends its tunnels with 1001 when it is drained within ${graceMs} ms, busy or not`, async () => {
    const { port } = server.address() as AddressInfo;
    for (const busy of [false, true]) {
      const other = await startGate({ upstream: upstreamAt(`http://127.0.0.1:${port}`) });
      const arrived = once(server, 'connection');
      const client = new WebSocket(`ws://127.0.0.1:${other.engine.port}/ws`);
      const endings = [endingOf(client)];
      await once(client, 'open');
      const [peer] = (await arrived) as [WebSocket];
      endings.push(endingOf(peer));
      const messages = Array.from({ length: busy ? 20 : 0 }, (_, i) => Buffer.alloc(10_000, i));
      for (const message of messages) for (const socket of [client, peer]) socket.send(message);
      await other.engine.drain(graceMs);
      for (const { code, errors } of await Promise.all(endings)) assert.deepEqual([code, errors], [1001, []]);
      assert.equal(other.completions[0]?.end, 'shutdown');
      await other.close();
    }
  });

test('engine that is drained without grace waits for nobody who does not answer its Close', async () => {
  const upstream = await rawUpstream();
  const other = await startGate({ upstream: upstreamAt(upstream.origin) });
  const client = await other.connect();
  client.head('GET /ws HTTP/1.1', ...handshake);
  const inside = await upstream.next();
  await inside.until('\r\n\r\n');
  inside.head('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade');
  await client.until('101 Switching', '\r\n\r\n');
  const from = performance.now();
  await other.engine.drain(0);
  // Not the two seconds that a tunnel may take, nor the one of a drain with grace.
  assert.equal(performance.now() - from < 900, true);
  await client.until('\x88\x0a\x03\xe9shutdown');
  await inside.end();
  assert.match(inside.received, /\r\n\r\n\x88\x8a[^]{14}$/);
  await other.close();
  await upstream.close();
});
