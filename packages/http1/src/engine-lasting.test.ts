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
} from './engine-testing.ts';
import type { LastingResponse, Reply } from './exchange.ts';

let upstream: RawUpstream;
let gate: Gate | undefined;
let lasting: LastingResponse[] = [];

beforeEach(async () => {
  upstream = await rawUpstream();
  lasting = [];
});

afterEach(async () => {
  await gate?.close();
  await upstream.close();
  assert.deepEqual(gate?.errors ?? [], []);
  gate = undefined;
});

/** Short limits: the engine looks every 20 ms then, and a request lasts after two seconds all the same. */
async function open(answer?: Reply, options: Partial<GateOptions> = {}): Promise<Wire> {
  const lasts = (response: LastingResponse): Reply | undefined => {
    lasting.push(response);
    return answer;
  };
  gate = await startGate({ upstream: upstreamAt(upstream.origin), forward: { lasts }, ...options });
  return gate.connect();
}

/** Sends a request and gives the upstream's end of it. */
async function ask(client: Wire, ...lines: readonly string[]): Promise<Wire> {
  client.head(...(lines.length > 0 ? lines : ['GET /events HTTP/1.1', 'Host: app']));
  const server = await upstream.next();
  await server.until('\r\n\r\n');
  return server;
}

const stream = ['HTTP/1.1 200 OK', 'Content-Type: text/event-stream; charset=utf-8', 'Transfer-Encoding: chunked'];
/** A verdict that hears of what lasts, and lets it go on. */
const tell =
  (hear: (response: LastingResponse) => void) =>
  (response: LastingResponse): undefined => {
    hear(response);
  };
const never = (): Reply => {
  throw new Error('There is a head already');
};

test('engine tells the verdict of an event stream before its head goes out, once', async () => {
  const client = await open();
  const server = await ask(client);
  server.head(...stream).send('3\r\na\n\n\r\n');
  await client.until('\r\n\r\n3\r\na\n\n\r\n');
  server.send('0\r\n\r\n');
  await client.until('0\r\n\r\n');
  assert.deepEqual(
    lasting.map(({ eventStream }) => eventStream),
    [true],
  );
  const { end, closedBy } = (await gate?.completion(1)) ?? {};
  assert.deepEqual([end, closedBy], ['complete', undefined]);
});

for (const [what, ...head] of [
  ['another type', 'HTTP/1.1 200 OK', 'Content-Type: text/event-streams', 'Transfer-Encoding: chunked'],
  ['a length', 'HTTP/1.1 200 OK', 'Content-Type: text/event-stream', 'Content-Length: 5'],
  ['no content', 'HTTP/1.1 204 No Content', 'Content-Type: text/event-stream'],
] as const)
  test(`engine takes an answer with ${what} for none`, async () => {
    const client = await open();
    const server = await ask(client);
    server.head(...head);
    await client.until('\r\n\r\n');
    assert.equal(lasting.length, 0);
  });

test('engine sends the reply of the verdict in the place of an event stream, and goes on with the connection', async () => {
  const client = await open({ status: 429, fields: [], body: 'too many' });
  const server = await ask(client);
  server.head(...stream).send('3\r\na\n\n\r\n');
  const answer = await client.until('too many');
  assert.match(answer, /^HTTP\/1\.1 429 /);
  assert.doesNotMatch(answer, /event-stream/);
  await server.end();
  assert.deepEqual([(await gate?.completion(1))?.status, (await gate?.completion(1))?.end], [429, 'shutdown']);
  const second = await ask(client, 'GET /next HTTP/1.1', 'Host: app');
  second.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await client.until('\r\n\r\nok');
});

test('engine cuts an event stream so that it does not look complete, says why, and lets the upstream go', async () => {
  const client = await open();
  const server = await ask(client);
  server.head(...stream).send('3\r\na\n\n\r\n');
  await client.until('a\n\n\r\n');
  lasting[0]?.cut('session-revoked', never);
  lasting[0]?.cut('again', never);
  assert.doesNotMatch(await client.end(), /\r\n0\r\n\r\n$/);
  await server.end();
  const { end, closedBy, status } = (await gate?.completion(1)) ?? {};
  assert.deepEqual([end, closedBy, status], ['shutdown', 'session-revoked', 200]);
});

test('engine can cut an event stream while it tells of it', async () => {
  const client = await open(undefined, {
    forward: { lasts: tell((response) => response.cut('at once', () => ({ status: 401, fields: [], body: 'gone' }))) },
  });
  const server = await ask(client);
  server.head(...stream).send('3\r\na\n\n\r\n');
  assert.match(await client.until('gone'), /^HTTP\/1\.1 401 /);
  await server.end();
  const second = await ask(client, 'GET /next HTTP/1.1', 'Host: app');
  second.send('HTTP/1.1 204 No Content\r\n\r\n');
  assert.match(await client.until('gone', '\r\n\r\n'), /\r\n\r\ngoneHTTP\/1\.1 204 /, 'nothing comes between');
  assert.equal((await gate?.completion(1))?.closedBy, 'at once');
});

test('engine tells of any other response that is still under way after a while, and cuts it', async () => {
  const heard = Promise.withResolvers<LastingResponse>();
  gate = await startGate({
    upstream: upstreamAt(upstream.origin),
    limits: { headTimeoutMs: 80 },
    forward: { lasts: tell(heard.resolve) },
  });
  const client = await gate.connect();
  const server = await ask(client, 'GET /download HTTP/1.1', 'Host: app');
  server.head('HTTP/1.1 200 OK', 'Content-Length: 1000').send('first');
  const response = await heard.promise;
  assert.equal(response.eventStream, false);
  response.cut('session-expired', never);
  assert.match(await client.end(), /\r\n\r\nfirst$/);
  await server.end();
  assert.equal((await gate.completion(1)).closedBy, 'session-expired');
});

test('engine answers in the place of an upstream that has not answered yet when such a request is cut', async () => {
  const heard = Promise.withResolvers<LastingResponse>();
  gate = await startGate({
    upstream: upstreamAt(upstream.origin, { responseTimeoutMs: 20_000 }),
    limits: { headTimeoutMs: 80 },
    forward: { lasts: tell(heard.resolve) },
  });
  const client = await gate.connect();
  const server = await ask(client, 'POST /poll HTTP/1.1', 'Host: app', 'Content-Length: 10');
  client.send('12345');
  (await heard.promise).cut('session-revoked', () => ({ status: 401, fields: [], body: 'signed out' }));
  assert.match(await client.until('signed out'), /^HTTP\/1\.1 401 /);
  await server.end();
  const { status, closedBy } = await gate.completion(1);
  assert.deepEqual([status, closedBy], [401, 'session-revoked']);
});

test('engine tells nothing of an upgrade that takes its time: it is told as a tunnel', async () => {
  let tunnels = 0;
  const heard = Promise.withResolvers<void>();
  gate = await startGate({
    upstream: upstreamAt(upstream.origin, { responseTimeoutMs: 20_000 }),
    limits: { headTimeoutMs: 80 },
    forward: {
      lasts: (response) => {
        lasting.push(response);
        heard.resolve();
        return undefined;
      },
      opened: () => {
        tunnels++;
        return undefined;
      },
    },
  });
  const client = await gate.connect();
  const server = await ask(client, 'GET /ws HTTP/1.1', ...handshake);
  // A second request that lasts shows that so much time has passed.
  const other = await gate.connect();
  const slow = await ask(other, 'GET /slow HTTP/1.1', 'Host: app');
  await heard.promise;
  server.head('HTTP/1.1 101 OK', 'Upgrade: websocket', 'Connection: Upgrade');
  await client.until('HTTP/1.1 101 ');
  slow.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await other.until('\r\n\r\nok');
  assert.deepEqual([lasting.length, tunnels], [1, 1]);
});
