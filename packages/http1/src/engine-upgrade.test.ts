import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { Tunnel } from './exchange.ts';
import { gateForTests, handshake, upstreamAt, type Wire } from './engine-testing.ts';

const here = gateForTests();
const { open } = here;

/** A tunnel through the gate, by hand. */
async function tunnel(client: Wire): Promise<Wire> {
  client.head('GET /ws HTTP/1.1', ...handshake);
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head(
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Accept: x=',
  );
  await client.until('\r\n\r\n');
  return server;
}

const unauthorized = { status: 401, fields: ['WWW-Authenticate', 'Negotiate'], body: 'sign in' };

test('engine relays a WebSocket handshake with its fields untouched, and the fields of the verdict', async () => {
  const client = await open({ forward: { responseFields: ['Set-Cookie', 'ours=1'] } });
  client.head(
    'GET /ws HTTP/1.1',
    ...handshake,
    'Sec-WebSocket-Protocol: streamlit, tok-3n',
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
  );
  const server = await here.upstream.next();
  const sent = await server.until('\r\n\r\n');
  assert.equal(here.gate?.heads[0]?.upgrade, true);
  assert.equal(sent.includes('\r\nSec-WebSocket-Protocol: streamlit, tok-3n\r\n'), true);
  assert.equal(sent.includes('\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n'), true);
  assert.deepEqual(sent.match(/^(?:connection|upgrade):.*$/gim), ['Connection: Upgrade', 'Upgrade: websocket']);
  server.head(
    'HTTP/1.1 101 Whatever',
    'upgrade: WebSocket',
    'connection: upgrade',
    'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    'sec-websocket-protocol: streamlit',
    'sec-websocket-extensions: permessage-deflate',
  );
  assert.equal(
    await client.until('\r\n\r\n'),
    [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      'sec-websocket-protocol: streamlit',
      'sec-websocket-extensions: permessage-deflate',
      'Set-Cookie: ours=1',
      '',
      '',
    ].join('\r\n'),
  );
});

test('engine loses none of the first bytes that come with a handshake or with its answer', async () => {
  const client = await open();
  client.head('GET /ws HTTP/1.1', ...handshake).send('early client');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.send('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly server');
  await client.until('\r\n\r\nearly server');
  await server.until('\r\n\r\nearly client');
});

test('engine keeps the connection after a 401 on an upgrade, so that the handshake is repeated on it', async () => {
  const client = await open({
    decide: (head, _signal, forward) => {
      if (head.fields.includes('Authorization')) return forward();
      head.connection.memory.set('leg', 1);
      return Promise.resolve({ kind: 'reply', reply: unauthorized });
    },
  });
  client.head('GET /ws HTTP/1.1', ...handshake);
  const refusal = await client.until('\r\n\r\nsign in');
  assert.match(refusal, /^HTTP\/1\.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\n/);
  assert.match(refusal, /\r\nContent-Length: 7\r\n/);
  assert.doesNotMatch(refusal, /Connection: close/i);

  client.head('GET /ws HTTP/1.1', ...handshake, 'Authorization: Negotiate abc');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  assert.equal(here.gate?.heads[1]?.connection.memory.get('leg'), 1);
  server.send('HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello');
  await client.until('HTTP/1.1 101 ', '\r\n\r\nhello');
});

test('engine takes ordinary requests behind an upgrade that it refused, also those that were already sent', async () => {
  const client = await open({
    decide: (head, _signal, forward) =>
      head.upgrade ? Promise.resolve({ kind: 'reply', reply: unauthorized }) : forward(),
  });
  client.send(`GET /ws HTTP/1.1\r\n${handshake.join('\r\n')}\r\n\r\nGET /next HTTP/1.1\r\nHost: app\r\n\r\n`);
  await client.until('sign in');
  const server = await here.upstream.next();
  await server.until('GET /next');
  server.head('HTTP/1.1 200 OK', 'Content-Length: 4').send('page');
  await client.until('sign in', 'page');
});

test('engine closes after a refused upgrade when the client or the reply asks for it', async () => {
  const client = await open({
    decide: (head) => ({ kind: 'reply', reply: { ...unauthorized, close: head.target === '/b' } }),
  });
  client.head('GET /a HTTP/1.1', 'Host: app', 'Connection: Upgrade, close', ...handshake.slice(2));
  assert.match(await client.end(), /\r\nConnection: close\r\n[^]*sign in$/);
  const second = await here.gate?.connect();
  second?.head('GET /b HTTP/1.1', ...handshake);
  assert.match((await second?.end()) ?? '', /\r\nConnection: close\r\n[^]*sign in$/);
});

test('engine passes an answer other than 101 on as an ordinary one and keeps the client connection', async () => {
  const client = await open();
  client.head('GET /ws HTTP/1.1', ...handshake);
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 403 Forbidden', 'Transfer-Encoding: chunked', 'X-Why: because').send('2\r\nno\r\n0\r\n\r\n');
  const answer = await client.until('2\r\nno\r\n0\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\nX-Why: because\r\n/);
  client.head('GET /next HTTP/1.1', 'Host: app');
  await (await here.upstream.next()).until('GET /next');
  const { end, status } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, status }, { end: 'complete', status: 403 });
});

test('engine passes a large refusal of an upgrade on at the pace of the client', async () => {
  const client = await open();
  client.head('GET /ws HTTP/1.1', ...handshake);
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  const size = 20_000_000;
  client.socket.pause();
  server.head('HTTP/1.1 500 Oops', `Content-Length: ${size}`).send('x'.repeat(size));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(server.socket.writableLength > 0, true);
  client.socket.resume();
  await client.when(() => client.received.length > size);
});

test('engine handles an upgrade to anything else as an ordinary request, and never passes it on', async () => {
  const client = await open();
  client.send(
    'GET /1 HTTP/1.1\r\nHost: app\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n' +
      'GET /2 HTTP/1.1\r\nHost: app\r\n\r\n',
  );
  const server = await here.upstream.next();
  assert.doesNotMatch(await server.until('\r\n\r\n'), /upgrade|h2c|http2/i);
  assert.equal(here.gate?.heads[0]?.upgrade, false);
  server.head('HTTP/1.1 200 OK', 'Content-Length: 3').send('one');
  await server.until('GET /2');
  server.head('HTTP/1.1 200 OK', 'Content-Length: 3').send('two');
  await client.until('one', 'two');
});

test('engine closes the connection after an upgrade request with content, and reads nothing behind it', async () => {
  const client = await open();
  client.send(
    'POST /1 HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc' +
      'POST /2 HTTP/1.1\r\nHost: app\r\nContent-Length: 30\r\n\r\n',
  );
  client.send('GET /smuggled HTTP/1.1\r\nHost: app\r\n\r\n');
  const server = await here.upstream.next();
  assert.match(await server.until('abc'), /^POST \/1/);
  server.head('HTTP/1.1 200 OK', 'Content-Length: 3').send('one');
  assert.match(await client.end(), /\r\nConnection: close\r\n[^]*one$/);
  assert.equal(here.gate?.heads.length, 1);
});

test('engine takes a half-valid WebSocket handshake for no upgrade', async () => {
  const client = await open({
    decide: (head) => ({ kind: 'reply', reply: { status: 400, fields: [], body: `upgrade ${head.upgrade}` } }),
  });
  client.head(
    'GET /ws HTTP/1.1',
    'Host: app',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
  );
  await client.until('upgrade false');
});

test('engine fails with 502 when an upstream switches protocols unasked', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: app');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.head('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade');
  await client.until('502', 'failed: protocol');
  await server.end();
});

test('engine answers 502 to an upgrade whose upstream is not there, and keeps the connection', async () => {
  const client = await open({ upstream: upstreamAt('http://127.0.0.1:1') });
  client.head('GET /ws HTTP/1.1', ...handshake);
  await client.until('502', 'failed: connect-refused');
  client.head('GET / HTTP/1.1', 'Host: app');
  await client.until('connect-refused', 'connect-refused');
});

test('tunnel reports when it is open and how it ended, once each, and counts its bytes', async () => {
  const opened: Tunnel[] = [];
  const client = await open({ forward: { opened: (tunnel) => void opened.push(tunnel) } });
  const server = await tunnel(client);
  client.send('four');
  await server.until('four');
  server.send('sixsix');
  await client.until('sixsix');
  assert.deepEqual(here.gate?.engine.connections(), { open: 1, tunnels: 1 });
  client.socket.end();
  await server.end();
  server.socket.end();
  const completion = await here.gate?.completion(1);
  assert.deepEqual(
    { ...completion, durationMs: 0 },
    {
      status: 101,
      durationMs: 0,
      bytesToClient: 6,
      bytesToUpstream: 4,
      end: 'complete',
      failure: undefined,
      closedBy: 'client',
    },
  );
  assert.equal(opened.length, 1);
  assert.equal(here.gate?.completions.length, 1);
  assert.deepEqual(here.gate?.engine.connections().tunnels, 0);
});

test('tunnel lets one direction go on when the other has ended', async () => {
  const client = await open();
  const server = await tunnel(client);
  server.socket.end('last words');
  await client.until('last words');
  await client.end();
  client.send('still here');
  await server.until('still here');
  client.socket.end();
  await server.end();
  assert.equal((await here.gate?.completion(1))?.closedBy, 'upstream');
});

test('tunnel reads neither side faster than the other takes it', async () => {
  const client = await open();
  const server = await tunnel(client);
  const size = 32 * 1024 * 1024;
  server.socket.pause();
  client.socket.write(Buffer.alloc(size, 'x'));
  // Nothing tells that nothing happens: the sender must come to a stop while nobody reads.
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(client.socket.writableLength > 0, true);
  server.socket.resume();
  await server.when(() => server.received.length > size);
  client.socket.end();
  server.socket.end();
  assert.equal((await here.gate?.completion(1))?.bytesToUpstream, size);
});

test('tunnel ends with client-gone when the client is reset, and takes the upstream with it', async () => {
  const client = await open();
  const server = await tunnel(client);
  client.socket.resetAndDestroy();
  await server.when(() => server.closed || server.ended);
  const { end, closedBy } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, closedBy }, { end: 'client-gone', closedBy: 'client' });
});

test('tunnel ends with upstream-failed when the upstream is reset, and takes the client with it', async () => {
  const client = await open();
  const server = await tunnel(client);
  server.socket.resetAndDestroy();
  await client.end();
  const { end, closedBy, failure } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual(
    { end, closedBy, code: failure?.code },
    { end: 'upstream-failed', closedBy: 'upstream', code: 'reset' },
  );
});

test('tunnel is ended by destroy() with the reason in the completion', async () => {
  const opened = Promise.withResolvers<Tunnel>();
  const client = await open({
    forward: {
      opened(tunnel) {
        opened.resolve(tunnel);
        return undefined;
      },
    },
  });
  const server = await tunnel(client);
  (await opened.promise).destroy('session-ended');
  await Promise.all([client.end(), server.end()]);
  const { end, closedBy } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, closedBy }, { end: 'shutdown', closedBy: 'session-ended' });
});

test('engine gives a handshake up when the client leaves before the upstream answers', async () => {
  const client = await open();
  client.head('GET /ws HTTP/1.1', ...handshake);
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  client.socket.destroy();
  await server.end();
  const { end, status } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, status }, { end: 'client-gone', status: 499 });
});

test('engine tells an undecided handler that the client has left', async () => {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const client = await open({
    decide: (_head, { signal }, forward) => {
      signal.addEventListener('abort', () => gone.resolve());
      asked.resolve();
      return gone.promise.then(forward);
    },
  });
  client.head('GET /ws HTTP/1.1', ...handshake);
  await asked.promise;
  client.socket.destroy();
  await gone.promise;
  assert.equal((await here.gate?.completion(1))?.status, 499);
  assert.equal(here.upstream.connections.length, 0);
});

test('engine carries real WebSockets: subprotocol, compression, text and binary, and a clean close', async () => {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: { threshold: 0 },
    handleProtocols: () => 'second',
  });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    socket.on('close', (code, reason) => server.emit('closed', code, String(reason)));
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const gate = await here.start({ upstream: upstreamAt(`http://127.0.0.1:${port}`) });
  const socket = new WebSocket(`ws://127.0.0.1:${gate.engine.port}/ws`, ['first', 'second']);
  await once(socket, 'open');
  assert.equal(socket.protocol, 'second');
  assert.match(socket.extensions, /permessage-deflate/);
  for (const message of ['grüße', Buffer.alloc(300_000, 7)]) {
    socket.send(message);
    const [data] = (await once(socket, 'message')) as [Buffer];
    assert.equal(data.equals(Buffer.from(message)), true);
  }
  const closed = once(server, 'closed');
  socket.close(4000, 'bye');
  assert.deepEqual(await closed, [4000, 'bye']);
  await gate.completion(1);
  server.close();
  await once(server, 'close');
});
