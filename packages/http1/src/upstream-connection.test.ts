import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { handshake, type RawUpstream, rawUpstream, upstreamAt, Wire } from './engine-testing.ts';
import type { Upstream } from './exchange.ts';
import { ask } from './upstream-testing.ts';
import { UpstreamPools } from './upstream-pool.ts';

let server: RawUpstream;
let pools: UpstreamPools;

beforeEach(async () => {
  server = await rawUpstream();
  pools = new UpstreamPools({ sweepMs: 10 });
});

afterEach(async () => {
  pools.close();
  await server.close();
});

const at = (rest: Partial<Upstream> = {}): Upstream => upstreamAt(server.origin, rest);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('UpstreamConnection gives connecting up in time, TLS included, and lets the address rest', async () => {
  const deaf = await rawUpstream();
  const upstream = at({
    origin: deaf.origin.replace('http:', 'https:'),
    origins: [server.origin],
    connectTimeoutMs: 150,
  });
  const from = performance.now();
  const { heard } = ask(pools, upstream, 'GET /');
  const wire = await server.next();
  // A timer counts from the beginning of its turn of the event loop, which is before `from`.
  assert.equal(performance.now() - from > 100, true);
  await wire.until('\r\n\r\n');
  wire.send(OK);
  await heard.over();
  assert.equal(deaf.connections.length, 1);
  await deaf.close();
});

test('UpstreamConnection fails with connect-timeout when there is no other address', async () => {
  const upstream = at({ origin: server.origin.replace('http:', 'https:'), connectTimeoutMs: 30 });
  const { heard } = ask(pools, upstream, 'GET /');
  assert.equal(await heard.over(), 'failed connect-timeout unanswered');
  assert.deepEqual(heard.failure, {
    code: 'connect-timeout',
    detail: `${upstream.origin}: no connection within 30 ms`,
  });
});

test('UpstreamConnection fails with response-timeout when no answer comes, and is closed', async () => {
  const from = performance.now();
  const { heard } = ask(pools, at({ responseTimeoutMs: 60 }), 'GET /');
  const wire = await server.next();
  assert.equal(await heard.over(), 'failed response-timeout unanswered');
  assert.equal(performance.now() - from > 30, true);
  assert.match(heard.failure?.detail ?? '', /: no response within 60 ms$/);
  await wire.end();
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
});

test('UpstreamConnection does not repeat a request that was not answered in time', async () => {
  const upstream = at({ responseTimeoutMs: 150 });
  const first = ask(pools, upstream, 'GET /1');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send(OK);
  await first.heard.over();
  const { heard } = ask(pools, upstream, 'GET /2');
  await wire.until('GET /2');
  assert.equal(await heard.over(), 'failed response-timeout unanswered');
  assert.equal(server.connections.length, 1);
});

test('UpstreamConnection does not take a part of a head, nor interim answers, for an answer in time', async () => {
  const { heard } = ask(pools, at({ responseTimeoutMs: 50 }), 'GET /');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX: ');
  assert.equal(await heard.over(), 'failed response-timeout unanswered');
});

test('UpstreamConnection waits for an answer only from the end of the request', async () => {
  const { call, heard } = ask(pools, at({ responseTimeoutMs: 200 }), 'POST /', ['Content-Length: 2']);
  const wire = await server.next();
  for (const part of ['o', 'k']) {
    await sleep(150);
    call.write(Buffer.from(part));
  }
  call.end();
  await wire.until('ok');
  wire.send(OK);
  assert.equal(await heard.over(), 'end');
});

test('UpstreamConnection does not count how long it was unused as waiting for an answer', async () => {
  const upstream = at({ responseTimeoutMs: 200 });
  const first = ask(pools, upstream, 'GET /1');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send(OK);
  await first.heard.over();
  await sleep(250);
  const { heard } = ask(pools, upstream, 'GET /2');
  await wire.until('GET /2');
  wire.send(OK);
  assert.equal(await heard.over(), 'end');
});

test('UpstreamConnection waits for a 100 no longer than for an answer', async () => {
  const expecting = ['Content-Length: 2', 'Expect: 100-continue'];
  const { heard } = ask(pools, at({ responseTimeoutMs: 50 }), 'POST /', expecting);
  assert.equal(await heard.over(), 'failed response-timeout unanswered');
});

test('UpstreamConnection waits for the content after a 100 as long as it takes', async () => {
  const expecting = ['Content-Length: 2', 'Expect: 100-continue'];
  const { call, heard } = ask(pools, at({ responseTimeoutMs: 150 }), 'POST /', expecting);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 100 Continue\r\n\r\n');
  await heard.until('continue');
  await sleep(250);
  call.write(Buffer.from('ok'));
  call.end();
  await wire.until('ok');
  wire.send(OK);
  assert.equal(await heard.over(), 'end');
});

test('UpstreamConnection fails with response-timeout when the upstream takes no more content', async () => {
  const { call, heard } = ask(pools, at({ responseTimeoutMs: 60 }), 'POST /', ['Transfer-Encoding: chunked']);
  const wire = await server.next();
  wire.socket.pause();
  call.write(Buffer.alloc(20_000_000));
  assert.equal(await heard.over(), 'failed response-timeout unanswered');
  assert.match(heard.failure?.detail ?? '', /: takes no content and gives no response$/);
});

test('UpstreamConnection lets an answer that has begun take as long as it needs', async () => {
  const { heard } = ask(pools, at({ responseTimeoutMs: 150 }), 'GET /');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  await heard.until('head');
  await sleep(250);
  wire.send('2\r\nhi\r\n0\r\n\r\n');
  assert.equal(await heard.over(), 'end');
});

const phases: readonly (readonly [phase: string, answer: string, outcome: string])[] = [
  ['before an answer', '', 'failed reset unanswered'],
  ['within a status line', 'HTTP/1.1 20', 'failed reset unanswered'],
  ['within a head', 'HTTP/1.1 200 OK\r\nContent-Le', 'failed reset unanswered'],
  ['after an interim answer', 'HTTP/1.1 103 Early Hints\r\n\r\n', 'failed reset unanswered'],
  ['before content with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n', 'failed reset answered'],
  ['within content with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc', 'failed reset answered'],
  ['within a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab', 'failed reset answered'],
  ['between chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n', 'failed reset answered'],
  [
    'before the end of the trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n',
    'failed reset answered',
  ],
];

for (const [phase, answer, outcome] of phases) {
  for (const how of ['closes', 'resets'] as const) {
    test(`UpstreamConnection fails when the upstream ${how} ${phase}`, async () => {
      const { heard } = ask(pools, at(), 'GET /');
      const wire = await server.next();
      await wire.until('\r\n\r\n');
      if (answer !== '') {
        wire.send(answer);
        // A reset may overtake what was sent before it.
        if (how === 'resets') await heard.when(() => heard.log.includes('flush'));
      }
      if (how === 'closes') wire.socket.end();
      else wire.socket.resetAndDestroy();
      assert.equal(await heard.over(), outcome);
      assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
    });
  }
}

test('UpstreamConnection takes a reset within content without a length for what it is', async () => {
  const { heard } = ask(pools, at(), 'GET /');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 200 OK\r\n\r\npart');
  await heard.until('data');
  wire.socket.resetAndDestroy();
  assert.equal(await heard.over(), 'failed reset answered');
});

const garbage: readonly (readonly [what: string, bytes: string])[] = [
  ['no HTTP', 'garbage that is no HTTP at all\r\n\r\n'],
  ['a bare line feed', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['an empty line before the answer', `\r\n${OK}`],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ['length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['an unknown transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['a folded field', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
  ['a control character', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
  ['a head that is too long', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`],
  ['too many fields', `HTTP/1.1 200 OK\r\n${'X: 1\r\n'.repeat(1_001)}Content-Length: 0\r\n\r\n`],
  ['101 without being asked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
];

for (const [what, bytes] of garbage) {
  test(`UpstreamConnection fails with protocol when the upstream sends ${what}, and is closed`, async () => {
    const { heard } = ask(pools, at(), 'GET /');
    const wire = await server.next();
    await wire.until('\r\n\r\n');
    wire.send(bytes);
    assert.equal(await heard.over(), 'failed protocol unanswered');
    assert.equal(heard.failure?.detail.startsWith(`${server.origin}: `), true);
    await wire.end();
    assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
  });
}

test('UpstreamConnection fails with protocol when a chunk is broken', async () => {
  const { heard } = ask(pools, at(), 'GET /');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n');
  assert.equal(await heard.over(), 'failed protocol answered');
  assert.equal(heard.content, 'ab');
});

const AGREED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

test('UpstreamConnection hands a connection over that has switched protocols, with what came behind the head', async () => {
  const { heard } = ask(pools, at(), 'GET /ws', handshake);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send(`${AGREED}early`);
  await heard.until('upgraded');
  const { socket, rest } = heard;
  assert.deepEqual([rest?.toString(), socket?.isPaused()], ['early', true]);
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
  assert.ok(socket);
  const tunnel = new Wire(socket);
  wire.send('later');
  // Nothing may be read before the new owner asks for it.
  await sleep(20);
  assert.equal(tunnel.received, '');
  socket.resume();
  await tunnel.until('later');
  tunnel.send('back');
  await wire.until('back');
  wire.socket.end();
  await tunnel.end();
  tunnel.send('half-open');
  await wire.until('half-open');
  socket.destroy();
  assert.equal(heard.log.at(-1), 'upgraded');
});

test('UpstreamConnection for an upgrade is a new one, and outlives the pools', async () => {
  const first = ask(pools, at(), 'GET /1');
  const kept = await server.next();
  await kept.until('\r\n\r\n');
  kept.send(OK);
  await first.heard.over();
  const { heard } = ask(pools, at(), 'GET /ws', handshake);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send(AGREED);
  await heard.until('upgraded');
  pools.close();
  const tunnel = new Wire(heard.socket as net.Socket);
  tunnel.socket.resume();
  wire.send('alive');
  await tunnel.until('alive');
  tunnel.socket.destroy();
});

test('UpstreamConnection passes another answer to an upgrade on, and is not kept', async () => {
  const { heard } = ask(pools, at(), 'GET /ws', handshake);
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send('HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nwho');
  assert.equal(await heard.over(), 'end');
  assert.deepEqual([heard.answer?.status, heard.content], [401, 'who']);
  await wire.end();
  assert.deepEqual(pools.stats(), { busy: 0, idle: 0 });
});

for (const [what, fields] of [
  ['nothing', ''],
  ['another protocol', 'Upgrade: h2c\r\nConnection: Upgrade\r\n'],
  ['two protocols', 'Upgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n'],
  ['no Connection', 'Upgrade: websocket\r\n'],
] as const) {
  test(`UpstreamConnection fails with protocol when an upgrade is agreed to with ${what}`, async () => {
    const { heard } = ask(pools, at(), 'GET /ws', handshake);
    const wire = await server.next();
    await wire.until('\r\n\r\n');
    wire.send(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
    assert.equal(await heard.over(), 'failed protocol unanswered');
    await wire.end();
  });
}

test('UpstreamConnection speaks over a Unix socket, and knows when nobody listens there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-unix-'));
  const path = join(folder, 'app.sock');
  const app = net.createServer((socket) => {
    socket.once('data', () => socket.write(OK));
  });
  app.listen(path);
  await once(app, 'listening');
  const upstream = at({ origin: `unix:${path}` });
  const { heard } = ask(pools, upstream, 'GET /');
  assert.equal(await heard.over(), 'end');
  pools.close();
  app.close();
  await once(app, 'close');
  assert.equal(existsSync(path), false);
  const missing = ask(pools, upstream, 'GET /').heard;
  assert.match(await missing.over(), /^failed/);
  assert.equal(missing.failure?.detail.startsWith(`unix:${path}: `), true);
  rmSync(folder, { recursive: true });
});

test('UpstreamPools leaves no timer and no socket behind', async () => {
  const first = ask(pools, at(), 'GET /');
  const wire = await server.next();
  await wire.until('\r\n\r\n');
  wire.send(OK);
  await first.heard.over();
  pools.close();
  await wire.end();
  wire.socket.destroy();
  await wire.when(() => wire.closed);
  const left = (): string[] => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCPSocket'));
  while (left().length > 0) await new Promise((resolve) => setImmediate(resolve));
  // A pool that was closed looks at nothing any more, and opens anew when it is asked.
  const again = ask(pools, at(), 'GET /again');
  const second = await server.next();
  await second.until('GET /again');
  second.send(OK);
  assert.equal(await again.heard.over(), 'end');
});
