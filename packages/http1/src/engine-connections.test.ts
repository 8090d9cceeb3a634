/** What the engine does with connections rather than with requests. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { gateForTests, type GateOptions, startGate, upstreamAt, type Wire } from './engine-testing.ts';
import type { Verdict } from './exchange.ts';

const here = gateForTests();
const { open } = here;

const says = (body: string): Verdict => ({ kind: 'reply', reply: { status: 200, fields: [], body } });

const telling = (options: Partial<GateOptions> = {}): Promise<Wire> =>
  open({
    decide: ({ connection }) => says(`you are ${connection.remoteAddress}.`),
    proxyProtocol: () => true,
    ...options,
  });

test('engine takes the client address from a PROXY protocol header, however it was split', async () => {
  const client = await telling();
  for (const part of ['PRO', 'XY TCP4 192.0.2.7 198.51.100.1 5', '6324 443\r', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n']) {
    client.send(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.until('you are 192.0.2.7.');
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('you are 192.0.2.7.', 'you are 192.0.2.7.');
});

test('engine keeps the address of a peer that speaks for itself', async () => {
  const client = await telling();
  client.send('PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until('you are 127.0.0.1.');
});

for (const [what, sent, reason] of [
  ['is missing', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'signature'],
  ['is cut off', 'PROXY TCP4 192.0.2.7', 'header-not-complete'],
  ['never comes', '', 'nothing-came'],
  [
    'names no address',
    'PROXY TCP4 192.0.2.777 198.51.100.1 1 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'address-malformed',
  ],
] as const)
  test(`engine closes without a word a connection whose PROXY protocol header ${what}, and says why`, async () => {
    const refused: unknown[] = [];
    const client = await telling({ onProxyRefused: (...what) => refused.push(what) });
    client.send(sent);
    if (reason === 'header-not-complete' || reason === 'nothing-came') client.socket.end();
    assert.equal(await client.end(), '');
    assert.equal(here.gate?.heads.length, 0);
    assert.deepEqual(refused, [['127.0.0.1', reason]]);
  });

test('engine waits for a PROXY protocol header no longer than for a head', async () => {
  const refused: string[] = [];
  const client = await telling({
    limits: { headTimeoutMs: 100 },
    onProxyRefused: (_peer, reason) => refused.push(reason),
  });
  client.send('PROXY TCP4 ');
  assert.equal(await client.end(), '');
  assert.deepEqual(refused, ['header-late']);
});

for (const [what, sent] of [
  ['with a header', 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['without one', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
] as const)
  test(`engine closes connections from a peer that may not speak the PROXY protocol, ${what}`, async () => {
    const refused: unknown[] = [];
    const client = await telling({ proxyProtocol: () => false, onProxyRefused: (...what) => refused.push(what) });
    client.send(sent);
    assert.equal(await client.end(), '');
    assert.equal(here.gate?.heads.length, 0);
    assert.deepEqual(refused, [['127.0.0.1', 'peer-not-named']]);
  });

test('engine counts no connections of an address that many clients share', async () => {
  const shared = 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const first = await telling({
    limits: { connectionsPerAddress: 1 },
    uncounted: (address) => address === '192.0.2.7',
  });
  const clients = [first, await here.gate?.connect(), await here.gate?.connect()];
  for (const client of clients) client?.send(shared);
  for (const client of clients) await client?.until('you are 192.0.2.7.');
  const [alone, further] = [await here.gate?.connect(), await here.gate?.connect()];
  alone?.send(shared.replace('2.7', '2.8'));
  await alone?.until('you are 192.0.2.8.');
  further?.send(shared.replace('2.7', '2.8'));
  assert.equal(await further?.end(), '');
});

test('engine lets one address have so many connections, and another one when one of them is closed', async () => {
  const first = await telling({ limits: { connectionsPerAddress: 2 } });
  const second = await here.gate?.connect();
  const third = await here.gate?.connect();
  for (const client of [first, second])
    client?.send('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await first.until('you are 192.0.2.7.');
  await second?.until('you are 192.0.2.7.');
  third?.send('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(await third?.end(), '');
  const other = await here.gate?.connect();
  other?.send('PROXY TCP4 192.0.2.8 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await other?.until('you are 192.0.2.8.');
  first.socket.destroy();
  while ((here.gate?.engine.connections().open ?? 0) > 2) await new Promise((resolve) => setImmediate(resolve));
  const again = await here.gate?.connect();
  again?.send('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await again?.until('you are 192.0.2.7.');
});

test('engine closes a connection whose client takes nothing of what it asked for', async () => {
  const client = await open({ limits: { writeTimeoutMs: 200 } });
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  client.socket.pause();
  server.head('HTTP/1.1 200 OK', 'Content-Length: 50000000').socket.write(Buffer.alloc(50_000_000));
  const { end, status } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual({ end, status }, { end: 'client-gone', status: 200 });
  await server.end();
});

test('engine lets a slow client take its time as long as it takes something', async () => {
  const client = await open({ limits: { writeTimeoutMs: 1_000 } });
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  const size = 24_000_000;
  const started = performance.now();
  const isOver = (): boolean => client.ended || client.closed;
  client.socket.on('data', () => {
    client.socket.pause();
    setTimeout(() => client.socket.resume(), 10);
  });
  server.head('HTTP/1.1 200 OK', `Content-Length: ${size}`).socket.write(Buffer.alloc(size));
  // For longer than the limit, and not to the end: how long that takes is a matter of this machine and its load.
  await client.when(() => performance.now() - started > 2_500 || isOver());
  assert.equal(isOver(), false);
  assert.ok(client.received.length < size, 'there is more to take');
});

test('engine answers thousands of requests in one packet, in order, without running out of stack', async () => {
  let count = 0;
  const client = await open({ decide: () => says(`<${++count}>`) });
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(5_000));
  const numbers = (await client.until('<5000>')).match(/<\d+>/g) ?? [];
  assert.equal(numbers.length, 5_000);
  assert.equal(
    numbers.every((text, i) => text === `<${i + 1}>`),
    true,
  );
});

test('engine answers requests that come byte by byte like those that come at once', async () => {
  const client = await open({ decide: (head) => says(`<${head.target}>`) });
  const bytes =
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: a\r\n\r\n';
  for (const byte of bytes) {
    client.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.until('</1>', '</2>', '</3>');
});

test('engine answers a request of a client that has ended its side, if it can do so at once', async () => {
  const client = await open({ decide: () => says('bye') });
  client.head('GET / HTTP/1.1', 'Host: a').socket.end();
  assert.match(await client.end(), /^HTTP\/1\.1 200 [^]*bye$/);
  await client.when(() => client.closed);
});

test('engine takes a client that ends its side before the app has answered for one that is gone', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  client.socket.end();
  await server.when(() => server.ended || server.closed);
  const { status, end } = (await here.gate?.completion(1)) ?? {};
  assert.deepEqual([status, end], [499, 'client-gone']);
});

test('engine answers 400 to a head that is cut off by the end of the stream', async () => {
  const client = await open();
  client.send('GET / HTTP/1.1\r\nHost').socket.end();
  assert.match(await client.end(), /^HTTP\/1\.1 400 /);
});

test('engine ends an HTTP/1.0 connection after its answer, and one whose client says close', async () => {
  for (const head of [
    ['GET / HTTP/1.0', 'Connection: keep-alive'],
    ['GET / HTTP/1.1', 'Host: a', 'Connection: close'],
  ]) {
    const client = await open({ decide: () => says('bye') });
    client.head(...head);
    assert.match(await client.end(), /\r\nConnection: close\r\n[^]*bye$/);
    await here.gate?.close();
  }
});

test('engine closes a connection after its last answer without waiting for the client to close its side', async () => {
  const client = await open({ decide: () => says('bye') });
  client.head('GET / HTTP/1.1', 'Host: a', 'Connection: close');
  await client.end();
  const late = performance.now() + 1_000;
  while ((here.gate?.engine.connections().open ?? 0) > 0 && performance.now() < late)
    await new Promise((resolve) => setImmediate(resolve));
  assert.equal(here.gate?.engine.connections().open, 0);
});

test('engine sends head and content of a small answer in one piece', async () => {
  const client = await open();
  const pieces: number[] = [];
  client.socket.on('data', (chunk) => pieces.push(chunk.length));
  client.head('GET / HTTP/1.1', 'Host: a');
  const server = await here.upstream.next();
  await server.until('\r\n\r\n');
  server.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\nall\r\n0\r\n\r\n');
  await client.until('0\r\n\r\n');
  assert.equal(pieces.length, 1);
});

test('engine leaves a connection alone that is reset while its answer is on the way', async () => {
  const decided = Promise.withResolvers<Verdict>();
  const asked = Promise.withResolvers<void>();
  const client = await open({
    decide: () => {
      asked.resolve();
      return decided.promise;
    },
  });
  client.head('GET / HTTP/1.1', 'Host: a');
  await asked.promise;
  client.socket.resetAndDestroy();
  while ((here.gate?.engine.connections().open ?? 0) > 0) await new Promise((resolve) => setImmediate(resolve));
  decided.resolve(says('too late'));
  const next = await here.gate?.connect();
  next?.head('GET / HTTP/1.1', 'Host: a');
  await next?.until('too late');
});

test('startEngine() rejects when the address is taken, and leaves nothing behind', async () => {
  await open();
  const port = here.gate?.engine.port ?? 0;
  const before = process.getActiveResourcesInfo().length;
  await assert.rejects(startGate({ upstream: upstreamAt(here.upstream.origin), port }), /EADDRINUSE/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(process.getActiveResourcesInfo().length <= before, true);
});

test('engine counts a connection until it is closed', async () => {
  const client = await open({ decide: () => says('.') });
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('\r\n\r\n.');
  assert.deepEqual(here.gate?.engine.connections(), { open: 1, tunnels: 0 });
  client.socket.end();
  await once(client.socket, 'close');
  while ((here.gate?.engine.connections().open ?? 0) > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('engine answers a client that ends its side in the turn in which its answer comes', async () => {
  const client = await open();
  client.head('GET / HTTP/1.1', 'Host: app');
  const wire = await here.upstream.next();
  await wire.until('\r\n\r\n');
  // Sent from here, both come in the next turn, the answer first.
  await new Promise((resolve) => setImmediate(resolve));
  wire.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  client.socket.end();
  assert.match(await client.end(), /\r\n\r\nok$/);
  assert.equal((await here.gate?.completion(1))?.end, 'complete');
});
