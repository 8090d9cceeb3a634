import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Forward, Upstream } from './exchange.ts';
import { gateForTests, type GateOptions, upstreamAt, type Wire } from './engine-testing.ts';

const here = gateForTests();
const open = (rest: Partial<Upstream> = {}, options: Partial<GateOptions> = {}): Promise<Wire> =>
  here.open({ upstream: upstreamAt(here.upstream.origin, rest), ...options });

test('engine answers 502 when nobody listens', async () => {
  const client = await open({ origin: 'http://127.0.0.1:1' });
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('HTTP/1.1 502 ', 'failed: connect-refused');
  const { status, end, failure } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual(
    { status, end, code: failure?.code },
    { status: 502, end: 'upstream-failed', code: 'connect-refused' },
  );
  assert.match(failure?.detail ?? '', /^http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
});

test('engine answers 502 when the name of the upstream is unknown', async () => {
  const client = await open({ origin: 'http://nobody.invalid:3000' });
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('HTTP/1.1 502 ', 'failed: name');
});

test('engine answers 504 when connecting takes too long', async () => {
  // A listener whose queue is full answers no further connection.
  const full = net.createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 });
  await once(full, 'listening');
  const { port } = full.address() as AddressInfo;
  const tls = `https://127.0.0.1:${port}`;
  const taken: net.Socket[] = [];
  full.on('connection', (socket) => taken.push(socket));
  // TCP is there and TLS never comes: one clock is for both.
  const client = await open({ origin: tls, connectTimeoutMs: 100 });
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('HTTP/1.1 504 ', 'failed: connect-timeout');
  for (const socket of taken) socket.destroy();
  full.close();
  await once(full, 'close');
});

test('engine answers 504 when the upstream never answers, and closes that connection', async () => {
  const client = await open({ responseTimeoutMs: 100 });
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await client.until('HTTP/1.1 504 ', 'failed: response-timeout');
  await server.end();
  await here.gate?.settled();
  assert.equal(here.gate?.engine.upstreamConnections().idle, 0);
});

test('engine lets a stream last longer than the response timeout', async () => {
  const client = await open({ responseTimeoutMs: 50 });
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked');
  await client.until('\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 100));
  server.send('2\r\nhi\r\n0\r\n\r\n');
  await client.until('0\r\n\r\n');
});

const malformed: readonly (readonly [what: string, bytes: string])[] = [
  ['no HTTP', 'garbage that is no HTTP at all\r\n\r\n'],
  ['a bare line feed', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ['length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['an unknown transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['a control character in a field', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
  ['a head that is too long', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`],
  ['101 without the fields for it', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
];

for (const [what, bytes] of malformed) {
  test(`engine answers 502 to an upstream that sends ${what}`, async () => {
    const client = await open();
    client.head('GET / HTTP/1.1', 'Host: a');
    const server = await here.upstream.next();
    await server.until('\r\n\r\n');
    server.send(bytes);
    await client.until('HTTP/1.1 502 ', 'failed: protocol');
    await server.end();
    await here.gate?.settled();
    assert.equal(here.gate?.engine.upstreamConnections().idle, 0);
  });
}

test('engine answers 502 when the upstream closes without an answer', async () => {
  const client = await open();
  client.head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 1').send('x');
  const server = await here.upstream.next();
  await server.until('\r\n\r\nx');
  server.socket.end();
  await client.until('HTTP/1.1 502 ', 'failed: reset');
});

for (const [what, head, part] of [
  ['a length', 'Content-Length: 10', 'part'],
  ['chunks', 'Transfer-Encoding: chunked', '4\r\npart\r\n'],
] as const) {
  test(`engine cuts the client when the upstream dies within content delimited by ${what}`, async () => {
    const client = await open();
    client.head('GET / HTTP/1.1', 'Host: a');
    const server = await here.upstream.next();
    await server.until('\r\n\r\n');
    server.head('HTTP/1.1 200 OK', head).send(part);
    await client.until('part');
    server.socket.end();
    assert.doesNotMatch(await client.end(), /\r\n0\r\n/);
    const { end, status, failure, bytesToClient } = (await here.gate?.completion(1)) ?? {};
    assert.deepEqual(
      { end, status, code: failure?.code, bytesToClient },
      { end: 'upstream-failed', status: 200, code: 'reset', bytesToClient: 4 },
    );
  });
}

test('engine cuts the client when a chunk of the upstream is broken', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').send('4\r\npart\r\n');
  await client.until('part');
  server.send('zz\r\n');
  assert.doesNotMatch(await client.end(), /\r\n0\r\n/);
  assert.equal((await here.gate?.completion(1))?.failure?.code, 'protocol');
});

test('engine resets an HTTP/1.0 client when the upstream dies, since a plain end would mean complete', async () => {
  const client = await open();
  client.head('GET / HTTP/1.0', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').send('4\r\npart\r\n');
  await client.until('part');
  server.socket.end();
  await client.when(() => client.closed);
  assert.equal(client.error?.code, 'ECONNRESET');
});

test('engine gives content that ends with the connection a proper end', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 200 OK').socket.end('all');
  await client.until('3\r\nall\r\n', '0\r\n\r\n');
  assert.equal((await here.gate?.completion(1))?.end, 'complete');
});

test('engine cuts the upstream at once when the client leaves before an answer', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  client.socket.destroy();
  await server.end();
  const { end, status } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, status }, { end: 'client-gone', status: 499 });
  await here.gate?.settled();
  assert.equal(here.gate?.engine.upstreamConnections().idle, 0);
});

test('engine cuts the upstream at once when the client leaves in the middle of a stream', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked').send('4\r\npart\r\n');
  await client.until('part');
  client.socket.resetAndDestroy();
  await server.when(() => server.closed || server.ended);
  const { end, status } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, status }, { end: 'client-gone', status: 200 });
});

test('engine cuts the upstream at once when the client leaves in the middle of an upload', async () => {
  const client = await open();
  client.head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked').send('4\r\npart\r\n');
  const server = await here.upstream.next();
  await server.until('part');
  client.socket.destroy();
  assert.doesNotMatch(await server.end(), /\r\n0\r\n/);
  const { end, bytesToUpstream } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, bytesToUpstream }, { end: 'client-gone', bytesToUpstream: 4 });
});

test('engine reports client-gone when the client leaves before it has taken an answer that is complete', async () => {
  // Far more than sockets hold, so that it waits to be written when the upstream is through.
  const responseFields = ['X-Much', 'a'.repeat(32 * 1024 * 1024)];
  const client = await open({}, { forward: { responseFields } });
  client.socket.pause();
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nall');
  await here.gate?.settled();
  client.socket.resetAndDestroy();
  assert.equal((await here.gate?.completion(1))?.end, 'client-gone');
});

test('engine reports a callback that fails and goes on', async () => {
  const client = await open({}, { forward: { ended: () => assert.fail('bug') } });
  client.head('GET /1 HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 200 OK', 'Content-Length: 0');
  await client.until('\r\n\r\n');
  client.head('GET /2 HTTP/1.1', 'Host: a');
  await server.until('GET /2');
  server.head('HTTP/1.1 200 OK', 'X-Second: 1', 'Content-Length: 0');
  await client.until('X-Second');
  assert.equal(here.gate?.errors.splice(0).length, 2);
});

const bugs: readonly (readonly [what: string, forward: Partial<Forward>])[] = [
  ['a field for the upstream', { fields: ['Host', 'a', 'X-Bad', 'line\nfeed'] }],
  ['a field for the client', { responseFields: ['X-Bad', 'line\nfeed'] }],
  ['the filter for trailers', { requestTrailers: () => assert.fail('bug') }],
  ['the filter for the fields of the upstream', { upstreamFields: () => assert.fail('bug') }],
];

for (const [what, forward] of bugs) {
  test(`engine answers 500 when the verdict cannot be carried out for ${what}, and reports it`, async () => {
    const client = await open({}, { forward });
    client.head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked').send('0\r\nX-Trailer: 1\r\n\r\n');
    void here.upstream.next().then((server) => server.head('HTTP/1.1 200 OK', 'Content-Length: 0'));
    assert.match(await client.end(), /^HTTP\/1\.1 500 /);
    assert.equal((await here.gate?.completion(1))?.end, 'upstream-failed');
    assert.equal(here.gate?.errors.splice(0).length, 1);
  });
}

test('drain() closes unused connections, lets requests finish with Connection: close, and takes no more', async () => {
  const idle = await open();
  idle.head('GET /idle HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 200 OK', 'Content-Length: 0');
  await idle.until('\r\n\r\n');

  const busy = await here.gate?.connect();
  const streaming = await here.gate?.connect();
  busy?.head('GET /busy HTTP/1.1', 'Host: a');
  await server.until('GET /busy', '\r\n\r\n');
  streaming?.head('GET /stream HTTP/1.1', 'Host: a');
  const second = await here.upstream.next();
  await second.until('\r\n\r\n');
  second.head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked');
  await streaming?.until('\r\n\r\n');

  const drained = here.gate?.engine.drain(10_000);
  await idle.end();
  await assert.rejects(async () => here.gate?.connect(), /ECONNREFUSED/);
  server.head('HTTP/1.1 200 OK', 'Content-Length: 4').send('done');
  assert.match((await busy?.end()) ?? '', /\r\nConnection: close\r\n[^]*done$/);
  second.send('3\r\nend\r\n0\r\n\r\n');
  assert.match((await streaming?.end()) ?? '', /end\r\n0\r\n\r\n$/);
  await drained;
});

test('drain() ends by shutdown what is still there after the grace', async () => {
  const client = await open();
  client.head('GET /slow HTTP/1.1', 'Host: a');
  await (await here.upstream.next()).until('\r\n\r\n');
  await here.gate?.engine.drain(50);
  await client.end();
  const { end, status } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, status }, { end: 'shutdown', status: 499 });
  assert.deepEqual(here.gate?.engine.connections(), { open: 0, tunnels: 0 });
});

test('drain() gives tunnels the grace and then ends them by shutdown', async () => {
  const client = await open();
  client.head(
    'GET /ws HTTP/1.1',
    'Host: a',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
  );
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 101 OK', 'Upgrade: websocket', 'Connection: Upgrade');
  await client.until('\r\n\r\n');
  const drained = here.gate?.engine.drain(50);
  client.send('still');
  await server.until('still');
  await drained;
  const { end, closedBy } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, closedBy }, { end: 'shutdown', closedBy: 'shutdown' });
});

test('engine passes the answer on of an upstream that refuses an upload and closes without reading it', async () => {
  const client = await open();
  client.head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 20000000');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.socket.pause();
  client.send('x'.repeat(20_000_000));
  server.head('HTTP/1.1 413 Too Large', 'Connection: close', 'Content-Length: 5').send('large').socket.destroySoon();
  await client.until('HTTP/1.1 413 Too Large', 'large');
  const { end, status } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, status }, { end: 'complete', status: 413 });
});
