/**
 * What must not leak, hang or crash when clients and upstreams go away, and what
 * takes longer than a unit test may: 200 MB in both directions, 1,000 WebSockets.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, test } from 'node:test';
import {
  type Gate,
  handshake,
  type RawUpstream,
  rawUpstream,
  startGate,
  upstreamAt,
  type Wire,
} from '../src/engine-testing.ts';

const MB = 1024 * 1024;

let upstream: RawUpstream;
let gate: Gate;
let before: Record<string, number>;

beforeEach(async () => {
  before = resources();
  upstream = await rawUpstream();
  gate = await startGate({ upstream: upstreamAt(upstream.origin) });
});

afterEach(async () => {
  await gate.settled();
  await gate.close();
  await upstream.close();
  assert.deepEqual(gate.errors, []);
  assert.deepEqual(gate.engine.connections(), { open: 0, tunnels: 0 });
  await nothingLeft();
});

/** Handles of this process by kind; what Node keeps for itself (standard streams) is in it before and after. */
function resources(): Record<string, number> {
  const count: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) count[kind] = (count[kind] ?? 0) + 1;
  return count;
}

/** Waits until sockets, listeners and timers are as many as before; the test's own time limit ends a leak. */
async function nothingLeft(): Promise<void> {
  const kinds = ['TCPSocketWrap', 'TCPServerWrap', 'TCPConnectWrap', 'TLSWrap', 'Timeout'] as const;
  while (kinds.some((kind) => (resources()[kind] ?? 0) > (before[kind] ?? 0)))
    await new Promise((resolve) => setImmediate(resolve));
}

/** An upstream on Node's server, for large content. */
async function app(handler: http.RequestListener): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** The same bytes every time, without holding them. */
function* content(bytes: number): Generator<Buffer> {
  for (let i = 0; i * MB < bytes; i++) yield Buffer.alloc(MB, i & 0xff);
}

const hashOf = (bytes: number): string => {
  const hash = createHash('sha256');
  for (const part of content(bytes)) hash.update(part);
  return hash.digest('hex');
};

test('engine carries 200 MB up and 200 MB down in bounded memory', async () => {
  const size = 200 * MB;
  const upHash = createHash('sha256');
  const server = await app((request, response) => {
    request.on('data', (part: Buffer) => upHash.update(part));
    request.on('end', () => {
      response.setHeader('X-Up', upHash.digest('hex'));
      Readable.from(content(size)).pipe(response);
    });
  });
  await gate.close();
  gate = await startGate({ upstream: upstreamAt(server.origin, { responseTimeoutMs: 60_000 }) });

  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const start = process.memoryUsage().rss;
  const request = http.request({ port: gate.engine.port, method: 'POST', headers: { 'Content-Length': size } });
  const answered = once(request, 'response');
  await pipeline(Readable.from(content(size)), request);
  const [response] = (await answered) as [http.IncomingMessage];
  const downHash = createHash('sha256');
  for await (const part of response) downHash.update(part as Buffer);
  clearInterval(watch);

  const expected = hashOf(size);
  assert.equal(response.headers['x-up'], expected);
  assert.equal(downHash.digest('hex'), expected);
  const { bytesToClient, bytesToUpstream } = await gate.completion(1);
  assert.deepEqual([bytesToClient, bytesToUpstream], [size, size]);
  // Client, engine and upstream share this process; without back-pressure one direction alone would hold 200 MB.
  assert.equal(peak - start < 150 * MB, true, `${Math.round((peak - start) / MB)} MB more at the peak`);
  await server.close();
});

test('engine survives an upstream that dies in the middle of 50 streams', async () => {
  const clients = await Promise.all(Array.from({ length: 50 }, () => gate.connect()));
  for (const client of clients) client.head('GET / HTTP/1.1', 'Host: a');
  const servers = await Promise.all(clients.map(() => upstream.next()));
  for (const server of servers) {
    await server.until('\r\n\r\n');
    server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').send('4\r\npart\r\n');
  }
  await Promise.all(clients.map((client) => client.until('part')));
  servers.forEach(({ socket }, i) => (i % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()));
  for (const client of clients) assert.doesNotMatch(await client.end(), /\r\n0\r\n/);
  await gate.completion(50);
  assert.deepEqual(new Set(gate.completions.map(({ end }) => end)), new Set(['upstream-failed']));
});

test('engine survives 50 clients cut in the middle of an upload and 50 in the middle of a stream', async () => {
  const uploads = await Promise.all(Array.from({ length: 50 }, () => gate.connect()));
  const streams = await Promise.all(Array.from({ length: 50 }, () => gate.connect()));
  for (const client of uploads) client.head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 1000').send('part');
  for (const client of streams) client.head('GET / HTTP/1.1', 'Host: a');
  const servers = await Promise.all([...uploads, ...streams].map(() => upstream.next()));
  for (const server of servers) {
    await server.until('\r\n\r\n');
    if (server.received.startsWith('POST')) await server.until('part');
    else server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').send('4\r\npart\r\n');
  }
  await Promise.all(streams.map((client) => client.until('part')));
  [...uploads, ...streams].forEach(({ socket }, i) => (i % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()));
  await Promise.all(servers.map((server) => server.when(() => server.closed || server.ended)));
  await gate.completion(100);
  assert.deepEqual(new Set(gate.completions.map(({ end }) => end)), new Set(['client-gone']));
  assert.deepEqual(
    gate.completions.map(({ status }) => status).sort((a, b) => a - b),
    [...Array.from({ length: 50 }, () => 200), ...Array.from({ length: 50 }, () => 499)],
  );
});

test('engine survives an upstream that never answers, clients that leave, and clients that wait', async () => {
  await gate.close();
  gate = await startGate({ upstream: upstreamAt(upstream.origin, { responseTimeoutMs: 300 }) });
  const clients = await Promise.all(Array.from({ length: 40 }, () => gate.connect()));
  for (const client of clients) client.head('GET / HTTP/1.1', 'Host: a');
  await Promise.all(clients.map(() => upstream.next()));
  clients.slice(0, 20).forEach(({ socket }) => socket.destroy());
  await Promise.all(clients.slice(20).map((client) => client.until('failed: response-timeout')));
  await gate.completion(40);
  const ends = gate.completions.map(({ end, status }) => `${end} ${status}`).sort();
  assert.deepEqual(ends, [
    ...Array.from({ length: 20 }, () => 'client-gone 499'),
    ...Array.from({ length: 20 }, () => 'upstream-failed 504'),
  ]);
});

test('engine survives upstreams that send garbage in every phase', async () => {
  const phases = [
    (server: Wire) => server.send('\0\x01\x02 garbage\r\n\r\n'),
    (server: Wire) => server.send('HTTP/1.1 200 OK\r\nBad Header\r\n\r\n'),
    (server: Wire) => server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').send('nonsense\r\n'),
    (server: Wire) => server.head('HTTP/1.1 200 OK', 'Content-Length: 2').send('okand more than that'),
    (server: Wire) => server.head('HTTP/1.1 100 Continue').head('HTTP/1.1 103 Early Hints').send('???\r\n\r\n'),
  ];
  for (const garbage of phases) {
    for (const method of ['GET', 'POST'] as const) {
      const client = await gate.connect();
      client.head(`${method} / HTTP/1.1`, 'Host: a', 'Content-Length: 2').send('ok');
      const server = await upstream.next();
      await server.until('\r\n\r\nok');
      garbage(server);
      await server.end();
      client.socket.destroy();
    }
  }
  await gate.completion(2 * phases.length);
});

/** Opens `count` tunnels, a batch at a time. */
async function tunnels(count: number): Promise<{ readonly clients: Wire[]; readonly servers: Wire[] }> {
  const clients: Wire[] = [];
  const servers: Wire[] = [];
  for (let i = 0; i < count; i += 100) {
    const batch = await Promise.all(Array.from({ length: Math.min(100, count - i) }, () => gate.connect()));
    for (const client of batch) client.head('GET /ws HTTP/1.1', ...handshake);
    const arrived = await Promise.all(batch.map(() => upstream.next()));
    for (const server of arrived) {
      await server.until('\r\n\r\n');
      server.head('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade');
    }
    await Promise.all(batch.map((client) => client.until('\r\n\r\n')));
    clients.push(...batch);
    servers.push(...arrived);
  }
  return { clients, servers };
}

test('engine opens 1,000 idle WebSockets and loses nothing when all are cut, by clients, upstreams and both', async () => {
  const { clients, servers } = await tunnels(1_000);
  assert.deepEqual(gate.engine.connections(), { open: 1_000, tunnels: 1_000 });
  clients.forEach(({ socket }, i) => {
    // The raw upstream does not know which of its connections is whose: each index is cut on one side or on both.
    if (i % 3 !== 0) socket.resetAndDestroy();
  });
  servers.forEach(({ socket }, i) => {
    if (i % 2 === 0) socket.resetAndDestroy();
  });
  clients.forEach(({ socket }) => socket.resetAndDestroy());
  await gate.completion(1_000);
  await gate.settled();
  assert.deepEqual(gate.engine.connections().tunnels, 0);
  assert.equal(gate.completions.length, 1_000);
  const ends = new Set(gate.completions.map(({ end }) => end));
  assert.equal(ends.has('complete') || ends.has('shutdown'), false);
});

test('drain() ends 1,000 idle WebSockets by shutdown', async () => {
  await tunnels(1_000);
  await gate.engine.drain(10);
  assert.equal(gate.completions.length, 1_000);
  assert.deepEqual(new Set(gate.completions.map(({ end }) => end)), new Set(['shutdown']));
});
