import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { type RawUpstream, rawUpstream, upstreamAt, Wire } from './engine-testing.ts';
import type { Upstream } from './exchange.ts';
import { type Asked, ask } from './upstream-testing.ts';
import { UpstreamPools } from './upstream-pool.ts';

let server: RawUpstream;
let pools: UpstreamPools;
let upstream: Upstream;

beforeEach(async () => {
  server = await rawUpstream();
  pools = new UpstreamPools({ sweepMs: 10 });
  upstream = upstreamAt(server.origin);
});

afterEach(async () => {
  pools.close();
  await server.close();
});

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** One request, answered with these bytes on a new connection. */
async function answered(line: string, bytes: string, ...fields: readonly string[]): Promise<Asked & { wire: Wire }> {
  const asked = ask(pools, upstream, line, fields);
  const wire = await server.next();
  await wire.until(line, '\r\n\r\n');
  wire.send(bytes);
  await asked.heard.over();
  return { ...asked, wire };
}

/** A request to an address that nobody listens on. */
async function nowhere(): Promise<string> {
  const closed = net.createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  return `http://127.0.0.1:${port}`;
}

test('UpstreamPools.call() uses a connection again, request after request', async () => {
  const { wire } = await answered('GET /1', OK);
  for (const path of ['/2', '/3']) {
    const { heard } = ask(pools, upstream, `GET ${path}`);
    await wire.until(`GET ${path} HTTP/1.1\r\nHost: app\r\n\r\n`);
    wire.send(OK);
    assert.equal(await heard.over(), 'end');
    assert.equal(heard.content, 'ok');
  }
  assert.equal(server.connections.length, 1);
  assert.deepEqual(pools.stats(), { busy: 0, idle: 1 });
});

test('UpstreamPools.call() made from within end() finds the connection free', async () => {
  const first = ask(pools, upstream, 'GET /1');
  const second = new Promise<Asked>((resolve) => {
    first.heard.react = (event) => {
      if (event === 'end') resolve(ask(pools, upstream, 'GET /2'));
    };
  });
  const wire = await server.next();
  await wire.until('GET /1');
  wire.send(OK);
  const { heard } = await second;
  await wire.until('GET /2');
  wire.send(OK);
  assert.equal(await heard.over(), 'end');
  assert.equal(server.connections.length, 1);
});

test('UpstreamPools.call() uses the connection that was used last', async () => {
  const asked = [ask(pools, upstream, 'GET /a'), ask(pools, upstream, 'GET /b')];
  const wires = [await server.next(), await server.next()];
  await Promise.all(wires.map((wire) => wire.until('\r\n\r\n')));
  for (const wire of wires) {
    wire.send(OK);
    await Promise.race(asked.splice(0, 1).map(({ heard }) => heard.over()));
  }
  await Promise.all(asked.map(({ heard }) => heard.over()));
  assert.deepEqual(pools.stats(), { busy: 0, idle: 2 });
  const before = wires.map(({ received }) => received.length);
  for (let i = 0; i < 3; i++) {
    const { heard } = ask(pools, upstream, `GET /${i}`);
    await wires[1]?.until(`GET /${i}`);
    wires[1]?.send(OK);
    await heard.over();
  }
  assert.equal(wires[0]?.received.length, before[0]);
});

const doubtful: readonly (readonly [what: string, answer: string])[] = [
  ['says that it closes', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
  ['is of HTTP/1.0', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok'],
  ['is followed by a byte', `${OK}x`],
  ['is followed by a line break', `${OK}\r\n`],
  ['is followed by a second answer', `${OK}HTTP/1.1 200 OK\r\nX-Smuggled: 1\r\nContent-Length: 0\r\n\r\n`],
  ['without content is followed by content', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok'],
  ['announces that it soon closes', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok'],
];

for (const [what, answer] of doubtful) {
  test(`UpstreamPools.call() drops the connection of an answer that ${what}`, async () => {
    const { heard, wire } = await answered('GET /1', answer);
    assert.deepEqual([heard.events.at(0)?.slice(0, 4), heard.events.at(-1)], ['head', 'end']);
    assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
    await wire.end();
    const second = await answered('GET /2', OK);
    assert.equal(second.heard.content, 'ok');
    assert.equal(server.connections.length, 2);
  });
}

test('UpstreamPools.call() drops the connection of an answer to HEAD that has content', async () => {
  const { heard, wire } = await answered('HEAD /', OK);
  assert.deepEqual(heard.events, ['head 200', 'end']);
  await wire.end();
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
});

test('UpstreamPools.call() drops the connection of an answer that came before the request was complete', async () => {
  const { heard, wire, call } = await answered('POST /', OK, 'Content-Length: 6');
  assert.equal(heard.log.at(-1), 'end');
  assert.equal(call.write(Buffer.from('abcdef')), true);
  call.end();
  assert.doesNotMatch(await wire.end(), /abc/);
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
});

test('UpstreamPools.call() drops the connection of an answer that came before the request was written', async () => {
  const { call, heard } = ask(pools, upstream, 'POST /', ['Content-Length: 20000000']);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.socket.pause();
  call.write(Buffer.alloc(20_000_000));
  call.end();
  wire.send(OK);
  assert.equal(await heard.over(), 'end');
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
});

test('UpstreamPools closes an unused connection on which bytes arrive, and none of them reach a request', async () => {
  const { wire } = await answered('GET /1', OK);
  wire.send('HTTP/1.1 200 OK\r\nX-Poison: 1\r\nContent-Length: 0\r\n\r\n');
  await wire.end();
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
  const second = await answered('GET /2', OK);
  assert.deepEqual(second.heard.answer?.fields, ['Content-Length', '2']);
});

test('UpstreamPools forgets an unused connection that the upstream closes', async () => {
  const { wire } = await answered('GET /1', OK);
  wire.socket.end();
  await wire.end();
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
});

test('UpstreamPools closes a connection before the upstream does, by its own word', async () => {
  const { wire } = await answered('GET /', 'HTTP/1.1 204 No\r\nKeep-Alive: max=5, timeout=2\r\n\r\n');
  assert.deepEqual(pools.stats(), { busy: 0, idle: 1 });
  const from = performance.now();
  await wire.end();
  assert.equal(performance.now() - from > 900, true);
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
});

test('UpstreamPools keeps no more unused connections than it may, and closes the oldest', async () => {
  const all = Array.from({ length: 260 }, (_, i) => ask(pools, upstream, `GET /${i}`));
  const wires = await Promise.all(all.map(() => server.next()));
  for (const wire of wires) {
    await wire.until('\r\n\r\n');
    wire.send(OK);
  }
  await Promise.all(all.map(({ heard }) => heard.over()));
  assert.deepEqual(pools.stats(), { busy: 0, idle: 256 });
});

for (const [what, die] of [
  ['closed', (wire: Wire): unknown => wire.socket.end()],
  ['reset', (wire: Wire): unknown => wire.socket.resetAndDestroy()],
] as const) {
  test(`UpstreamPools.call() repeats a GET whose kept connection is ${what} before an answer, on a new one`, async () => {
    const { wire } = await answered('GET /1', OK);
    const { heard } = ask(pools, upstream, 'GET /2');
    await wire.until('GET /2');
    die(wire);
    const second = await server.next();
    await second.until('GET /2 HTTP/1.1\r\nHost: app\r\n\r\n');
    second.send(OK);
    assert.equal(await heard.over(), 'end');
    assert.deepEqual(heard.events, ['head 200', 'end']);
  });
}

test('UpstreamPools.call() repeats a request once, and on no other kept connection', async () => {
  const [a, b] = [ask(pools, upstream, 'GET /a'), ask(pools, upstream, 'GET /b')];
  const kept = [await server.next(), await server.next()];
  for (const wire of kept) {
    await wire.until('\r\n\r\n');
    wire.send(OK);
  }
  await Promise.all([a.heard.over(), b.heard.over()]);
  const { heard } = ask(pools, upstream, 'GET /c');
  const [idle, used] = await Promise.race([
    kept[0]?.until('GET /c').then(() => [kept[1], kept[0]] as const) ?? [],
    kept[1]?.until('GET /c').then(() => [kept[0], kept[1]] as const) ?? [],
  ]);
  used?.socket.destroy();
  const third = await server.next();
  await third.until('GET /c');
  third.socket.destroy();
  assert.equal(await heard.over(), 'failed reset unanswered');
  assert.doesNotMatch(idle?.received ?? '', /GET \/c/);
  assert.equal(server.connections.length, 3);
});

test('UpstreamPools.call() sends no request for the third time, though new connections fail and others are kept', async () => {
  const wires: Wire[] = [];
  const listeners = [0, 1].map(() => net.createServer((socket) => wires.push(new Wire(socket))).listen(0, '127.0.0.1'));
  await Promise.all(listeners.map((listener) => once(listener, 'listening')));
  const [first = '', second = ''] = listeners.map(
    (listener) => `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
  );
  upstream = upstreamAt(first, { origins: [second] });
  const all = [1, 2, 3, 4].map((i) => ask(pools, upstream, `GET /${i}`).heard);
  while (wires.length < 4) await new Promise((resolve) => setImmediate(resolve));
  for (const wire of wires) {
    await wire.until('\r\n\r\n');
    wire.send(OK);
  }
  await Promise.all(all.map((heard) => heard.over()));
  for (const listener of listeners) listener.close();
  const { heard } = ask(pools, upstream, 'GET /last');
  const used = await Promise.any(wires.map((wire) => wire.until('GET /last').then(() => wire)));
  used.socket.destroy();
  assert.equal(await heard.over(), 'failed connect-refused unanswered');
  assert.equal(wires.filter(({ received }) => received.includes('GET /last')).length, 1);
  for (const { socket } of wires) socket.destroy();
});

const unrepeatable: readonly (readonly [what: string, line: string, fields: readonly string[], answer: string])[] = [
  ['a POST', 'POST /2', [], ''],
  ['a PUT with content', 'PUT /2', ['Content-Length: 1'], ''],
  ['a GET of which a byte was answered', 'GET /2', [], 'H'],
  ['a GET to which 103 was answered', 'GET /2', [], 'HTTP/1.1 103 Early Hints\r\n\r\n'],
];

for (const [what, line, fields, answer] of unrepeatable) {
  test(`UpstreamPools.call() does not repeat ${what}`, async () => {
    const { wire } = await answered('GET /1', OK);
    const { call, heard } = ask(pools, upstream, line, fields);
    if (fields.length > 0) call.write(Buffer.from('x'));
    call.end();
    await wire.until(line, '\r\n\r\n');
    wire.socket.end(answer);
    assert.equal(await heard.over(), 'failed reset unanswered');
    assert.equal(server.connections.length, 1);
  });
}

test('UpstreamPools.call() does not repeat a GET on a connection that was new', async () => {
  const { heard } = ask(pools, upstream, 'GET /');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.socket.destroy();
  assert.equal(await heard.over(), 'failed reset unanswered');
  assert.equal(server.connections.length, 1);
});

test('UpstreamPools.call() sends requests to the address with the fewest in progress', async () => {
  const other = await rawUpstream();
  upstream = upstreamAt(server.origin, { origins: [server.origin, other.origin] });
  const all = Array.from({ length: 10 }, (_, i) => ask(pools, upstream, `GET /${i}`));
  await Promise.all(Array.from({ length: 5 }, () => Promise.all([server.next(), other.next()])));
  assert.deepEqual([server.connections.length, other.connections.length], [5, 5]);
  const wires = server.connections.slice(0, 2);
  for (const wire of wires) {
    await wire.until('\r\n\r\n');
    wire.send(OK);
  }
  await Promise.race(all.map(({ heard }) => heard.until('end')));
  while (pools.stats().busy > 8) await new Promise((resolve) => setImmediate(resolve));
  const more = [ask(pools, upstream, 'GET /more'), ask(pools, upstream, 'GET /more')];
  await Promise.all(wires.map((wire) => wire.until('GET /more')));
  for (const { call } of [...all, ...more]) call.abort();
  await other.close();
});

test('UpstreamPools.call() goes on to another address when the first is not there, and content is not lost', async () => {
  const dead = await nowhere();
  upstream = upstreamAt(dead, { origins: [server.origin] });
  const { call, heard } = ask(pools, upstream, 'POST /', ['Transfer-Encoding: chunked']);
  call.write(Buffer.from('early'));
  call.end(['X-Trailer', '1']);
  const wire = await server.next();
  await wire.until('POST / HTTP/1.1', '\r\n\r\n5\r\nearly\r\n0\r\nX-Trailer: 1\r\n\r\n');
  wire.send(OK);
  assert.equal(await heard.over(), 'end');
});

test('UpstreamPools.call() leaves an address alone for a while that was not there', async () => {
  const dead = await nowhere();
  upstream = upstreamAt(dead, { origins: [server.origin] });
  await answered('GET /1', OK);
  // Somebody listens there now, and hears nothing: the rest is not over.
  const back = net.createServer(() => assert.fail('It was to rest')).listen(Number(new URL(dead).port), '127.0.0.1');
  await once(back, 'listening');
  const all = Array.from({ length: 5 }, (_, i) => ask(pools, upstream, `GET /${i}`));
  for (let i = 0; i < 4; i++) await server.next();
  for (const { call } of all) call.abort();
  back.close();
  await once(back, 'close');
});

test('UpstreamPools.call() shares requests out again when an address is back after its rest', async () => {
  const dead = await nowhere();
  upstream = upstreamAt(dead, { origins: [server.origin] });
  await answered('GET /1', OK);
  const arrived: net.Socket[] = [];
  const back = net.createServer((socket) => arrived.push(socket)).listen(Number(new URL(dead).port), '127.0.0.1');
  await once(back, 'listening');
  const calls: Asked[] = [];
  // One after the other is sent elsewhere, until the rest is over and one finds that the address is back.
  while (arrived.length === 0) {
    calls.push(ask(pools, upstream, 'GET /try'));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const before = calls.length;
  while (calls.length < before + 4) calls.push(ask(pools, upstream, 'GET /more'));
  while (arrived.length < 5) await new Promise((resolve) => setImmediate(resolve));
  for (const { call } of calls) call.abort();
  for (const socket of arrived) socket.destroy();
  back.close();
  await once(back, 'close');
});

test('UpstreamPools.call() fails when no address is there, and names the one that it tried last', async () => {
  const [first, second] = [await nowhere(), await nowhere()];
  const { heard } = ask(pools, upstreamAt(first, { origins: [second] }), 'GET /');
  assert.equal(await heard.over(), 'failed connect-refused unanswered');
  assert.equal(heard.failure?.detail.startsWith(`${second}: `), true);
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
});

test('UpstreamPools.call() tries the only address again, however often it was not there', async () => {
  const dead = upstreamAt(await nowhere());
  for (let i = 0; i < 3; i++) assert.match(await ask(pools, dead, 'GET /').heard.over(), /connect-refused/);
});

test('UpstreamPools.call() throws on an origin that cannot be one', () => {
  assert.throws(() => ask(pools, upstreamAt('ftp://a'), 'GET /'), TypeError);
});

test('UpstreamPools.close() fails what is in progress, repeats nothing, and leaves no connection', async () => {
  const { wire } = await answered('GET /1', OK);
  const other = await rawUpstream();
  const both = upstreamAt(other.origin, { origins: [server.origin] });
  const kept = ask(pools, upstream, 'GET /2');
  await wire.until('GET /2');
  // One for each address: neither may turn to the other.
  const opening = [ask(pools, both, 'GET /3'), ask(pools, both, 'GET /4')];
  pools.close();
  for (const { heard } of [kept, ...opening]) assert.equal(heard.log.at(-1), 'failed reset unanswered');
  await wire.end();
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
  await other.close();
  assert.equal(server.connections.length, 1);
});

test('UpstreamPools.call() takes what an upstream says before it has been asked for no answer', async () => {
  const { wire } = await answered('GET /1', OK);
  // From here on until the timers are through nothing is read, and nothing is written that waits for the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  wire.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged');
  const { heard } = ask(pools, upstream, 'GET /2');
  const other = await server.next();
  await other.until('GET /2');
  other.send(OK);
  assert.equal(await heard.over(), 'end');
  assert.equal(heard.content, 'ok');
  assert.doesNotMatch(wire.received, /GET \/2/);
});
