import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import {
  type Gate,
  type GateOptions,
  handshake,
  type RawUpstream,
  rawUpstream,
  startGate,
  upstreamAt,
  type Wire,
} from '../src/engine-testing.ts';

/*
 * Smuggling by time rather than by spelling: one side stops where the other one goes on, and what is left over on a
 * connection is taken for the beginning of something else.
 */

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: app\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const POST = ['POST /a HTTP/1.1', 'Host: app', `Content-Length: ${SMUGGLED.length}`] as const;

let upstream: RawUpstream;
let gate: Gate;

beforeEach(async () => {
  upstream = await rawUpstream();
});

afterEach(async () => {
  await gate.close();
  await upstream.close();
  assert.deepEqual(gate.errors, []);
});

async function open(options: Partial<GateOptions> = {}): Promise<Wire> {
  gate = await startGate({ upstream: upstreamAt(upstream.origin), ...options });
  return gate.connect();
}

/** Somebody else's request: it comes whole, on a connection of its own, and gets its own answer. */
async function askAsVictim(): Promise<void> {
  const victim = await gate.connect();
  victim.head('GET /victim HTTP/1.1', 'Host: app');
  const server = await upstream.next();
  assert.match(await server.until('\r\n\r\n'), /^GET \/victim HTTP\/1\.1\r\nHost: app\r\n\r\n$/);
  server.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nvictim');
  assert.match(await victim.until('victim'), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nvictim$/);
}

const targets = (): string[] => gate.heads.map(({ target }) => target);

test('engine does not reuse an upstream connection whose request was answered before its content', async () => {
  const client = await open();
  client.head(...POST);
  const server = await upstream.next();
  await server.until('\r\n\r\n');
  server.send(OK);
  await client.until('ok');
  client.send(SMUGGLED);
  await askAsVictim();
  assert.deepEqual(targets(), ['/a', '/victim']);
  assert.equal(server.received.replace(SMUGGLED, '').split('\r\n\r\n').length, 2);
});

test('engine takes what follows an unanswered expectation for content, or closes: never for a request', async () => {
  const client = await open();
  client.head(...POST, 'Expect: 100-continue');
  const server = await upstream.next();
  await server.until('\r\n\r\n');
  server.send(OK);
  await client.until('ok');
  client.send(SMUGGLED);
  await client.end();
  assert.match(client.received, /\r\nConnection: close\r\n/);
  await askAsVictim();
  assert.deepEqual(targets(), ['/a', '/victim']);
  assert.equal(server.received.includes('smuggled'), false);
});

test('engine reads the content of a request that it answered itself as content', async () => {
  const client = await open({
    decide: ({ target }, _client, forward) =>
      target === '/a' ? { kind: 'reply', reply: { status: 401, fields: [], body: 'no' } } : forward(),
  });
  client.head(...POST);
  await client.until('no');
  client.send(SMUGGLED).head('GET /next HTTP/1.1', 'Host: app');
  const server = await upstream.next();
  await server.until('\r\n\r\n');
  server.send(OK);
  await client.until('no', 'ok');
  assert.deepEqual(targets(), ['/a', '/next']);
  assert.match(server.received, /^GET \/next HTTP\/1\.1\r\nHost: app\r\n\r\n$/);
});

test('engine drops the upstream connection of a client that leaves in the middle of its content', async () => {
  const client = await open();
  client.head(...POST).send(SMUGGLED.slice(0, 5));
  const server = await upstream.next();
  await server.until('\r\n\r\n', 'GET /');
  client.socket.destroy();
  await server.when(() => server.ended || server.closed);
  await askAsVictim();
  assert.equal(server.received.endsWith('\r\n\r\nGET /'), true);
});

test('engine drops the upstream connection of a client that breaks its chunks', async () => {
  const client = await open();
  client.head('POST /a HTTP/1.1', 'Host: app', 'Transfer-Encoding: chunked').send('2\r\nxx\r\n');
  const server = await upstream.next();
  await server.until('2\r\nxx\r\n');
  client.send(`0x0\r\n\r\n${SMUGGLED}`);
  await client.end();
  await server.when(() => server.ended || server.closed);
  await askAsVictim();
  assert.equal(server.received.endsWith('\r\n\r\n2\r\nxx\r\n'), true);
});

for (const [what, method, response] of [
  ['a second response behind the first one', 'GET', `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`],
  ['content for HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'],
  ['content for 304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil'],
  ['content for 204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\nevil'],
] as const)
  test(`engine gives nobody else what an upstream sends too much: ${what}`, async () => {
    const client = await open();
    client.head(`${method} /a HTTP/1.1`, 'Host: app');
    const server = await upstream.next();
    await server.until('\r\n\r\n');
    server.send(response);
    await client.until('\r\n\r\n');
    await server.when(() => server.ended || server.closed);
    await askAsVictim();
    assert.equal(client.received.includes('evil'), false);
  });

test('engine gives nobody what an upstream says unasked on a kept connection', async () => {
  const client = await open();
  client.head('GET /a HTTP/1.1', 'Host: app');
  const server = await upstream.next();
  await server.until('\r\n\r\n');
  server.send(OK);
  await client.until('ok');
  server.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
  await server.when(() => server.ended || server.closed);
  await askAsVictim();
  assert.equal(client.received.includes('evil'), false);
});

for (const [what, fields, kept] of [
  ['another version', [...handshake.slice(0, -1), 'Sec-WebSocket-Version: 777'], true],
  ['no key', handshake.filter((field) => !field.startsWith('Sec-WebSocket-Key')), true],
  ['a good handshake that is refused', handshake, false],
] as const)
  test(`engine sees no tunnel in a handshake that was not accepted: ${what}`, async () => {
    const client = await open();
    client.head('GET /ws HTTP/1.1', ...fields);
    const server = await upstream.next();
    await server.until('\r\n\r\n');
    server.head('HTTP/1.1 426 Upgrade Required', 'Content-Length: 0');
    await client.until('\r\n\r\n');
    client.head('GET /inner HTTP/1.1', 'Host: app');
    // An ordinary request keeps its connection for the next one; a handshake that was passed on had one of its own.
    const inner = kept ? server : await upstream.next();
    assert.match(await inner.until('/inner', '\r\n\r\n'), /(?:^|\r\n\r\n)GET \/inner HTTP\/1\.1\r\nHost: app\r\n\r\n$/);
    inner.send(OK);
    await client.until('ok');
    assert.deepEqual(targets(), ['/ws', '/inner']);
  });

test('engine reads nothing behind a request that it refused', async () => {
  const client = await open();
  client.send(`GET /a HTTP/1.1\r\nHost: app\r\nX : y\r\n\r\n${SMUGGLED}`);
  client.send(SMUGGLED);
  await client.end();
  assert.equal(client.received.match(/HTTP\/1\.1 /g)?.length, 1);
  assert.deepEqual([targets(), upstream.connections.length], [[], 0]);
});
