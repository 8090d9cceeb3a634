import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { handshake, upstreamAt } from '../src/engine-testing.ts';
import { type Engine, startEngine } from '../src/server.ts';

/*
 * Exchanges that break off, by the thousand. What the engine keeps of one of them, be it a timer, an entry in a set or a
 * closure, would be kept a thousand times, and the heap would show it.
 */

let app: net.Server;
let engine: Engine;
let collect: () => void;
let ended: number;
const errors: unknown[] = [];

/** What an upstream does, by the path it is asked for. */
const behaviours: Readonly<Record<string, (socket: net.Socket) => void>> = {
  '/whole': (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  '/reset': (socket) => socket.resetAndDestroy(),
  '/cut': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart'),
  '/garbage': (socket) => socket.end('HTTP/1.1 200 OK\r\nBad Field\r\n\r\n'),
  '/stream': (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'),
  '/ws': (socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi'),
};

/** What a client sends, and what ends it: a piece of an answer after which it leaves, or the engine. */
const kinds: readonly (readonly [bytes: string, leavesAt: string | undefined])[] = [
  ['GET /whole HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', undefined],
  ['GET /whole HTTP/1.1\r\nHost: a\r\n\r\n', 'ok'],
  ['GET /reset HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', undefined],
  ['GET /cut HTTP/1.1\r\nHost: a\r\n\r\n', undefined],
  ['GET /garbage HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', undefined],
  ['GET /stream HTTP/1.1\r\nHost: a\r\n\r\n', 'part'],
  ['POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\nhalf', 'part'],
  ['POST /whole HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxx\r\nzz\r\n', undefined],
  [`GET /ws HTTP/1.1\r\n${handshake.join('\r\n')}\r\n\r\n`, 'hi'],
  ['nonsense\r\n\r\n', undefined],
];

before(async () => {
  setFlagsFromString('--expose-gc');
  collect = runInNewContext('gc') as () => void;
  app = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => {
      const path = /^[A-Z]+ (\S+) HTTP/.exec(chunk.toString('latin1'))?.[1];
      if (path !== undefined) behaviours[path]?.(socket);
    });
  });
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  const upstream = upstreamAt(`http://127.0.0.1:${(app.address() as AddressInfo).port}`);
  const refusal = (status: number): { status: number; fields: []; body: string } => ({
    status,
    fields: [],
    body: 'no',
  });
  engine = await startEngine(
    {
      address: '127.0.0.1',
      port: 0,
      limits: { headBytes: 65_536, headerCount: 100, headTimeoutMs: 60_000, idleTimeoutMs: 60_000 },
      onError: (detail, cause) => errors.push(cause ?? detail),
    },
    {
      decide: ({ target, fields }) => ({
        kind: 'forward',
        upstream,
        target,
        fields,
        responseFields: [],
        ended: () => ended++,
      }),
      upstreamFailed: () => refusal(502),
      badRequest: (status) => refusal(status),
    },
  );
});

after(async () => {
  await engine.drain(0);
  app.close();
});

/** One client, from its first byte until nothing is left of it. */
async function breakOff([bytes, leavesAt]: (typeof kinds)[number]): Promise<void> {
  const socket = net.connect({ port: engine.port, host: '127.0.0.1' });
  let received = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    if (leavesAt !== undefined && received.endsWith(leavesAt)) socket.resetAndDestroy();
    else if (leavesAt !== undefined && received.includes(`${leavesAt}\r\n`)) socket.resetAndDestroy();
  });
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
}

async function round(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await Promise.all(kinds.map(breakOff));
  while (engine.connections().open > 0 || engine.upstreamConnections().busy > 0) await turn();
}

async function heap(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    await turn();
    collect();
    const { heapUsed } = process.memoryUsage();
    least = Math.min(least, heapUsed);
  }
  return least;
}

test('engine keeps nothing of ten thousand exchanges that have ended in ten ways', async () => {
  ended = 0;
  // Twice, as the first collections also throw away what starting up has left behind.
  for (let i = 0; i < 2; i++) {
    await round(100);
    await heap();
  }
  const before = await heap();
  await round(1_000);
  const kept = (await heap()) - before;
  // 100 bytes of each: less than any connection, exchange or timer has.
  assert.ok(kept < 10_000 * 100, `${Math.round(kept / 1024)} KB more`);
  // All but the nonsense were forwarded, and each was reported once.
  assert.equal(ended, 1_200 * (kinds.length - 1));
  assert.deepEqual(engine.connections(), { open: 0, tunnels: 0 });
  assert.equal(engine.upstreamConnections().busy, 0);
  assert.deepEqual(errors, []);
});
