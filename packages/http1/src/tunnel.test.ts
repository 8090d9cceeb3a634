import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type RawUpstream, rawUpstream, Wire } from './engine-testing.ts';
import type { Tunnel } from './exchange.ts';
import { startTunnel, type TunnelEnd } from './tunnel.ts';
import { closeFrame } from './websocket-close.ts';
import { frame } from './websocket-testing.ts';

const mask = Buffer.from('0a0b0c0d', 'hex');
const message = frame({ opcode: 1, payload: Buffer.from('a message') });
const masked = frame({ opcode: 1, payload: Buffer.from('a message'), mask });
const latin1 = (...bytes: Buffer[]): string => Buffer.concat(bytes).toString('latin1');

let outside: RawUpstream;
let inside: RawUpstream;
/** How often each tunnel has said that it has ended. */
let reports: number[];

beforeEach(async () => {
  outside = await rawUpstream();
  inside = await rawUpstream();
  reports = [];
});

afterEach(async () => {
  await outside.close();
  await inside.close();
  await turn();
  assert.deepEqual(
    reports,
    reports.map(() => 1),
  );
});

interface Joined {
  readonly client: Wire;
  readonly upstream: Wire;
  readonly tunnel: Tunnel;
  readonly ended: Promise<TunnelEnd>;
  /** The tunnel's own ends, to look at. */
  readonly sockets: readonly net.Socket[];
}

/** Four sockets and a tunnel between the middle ones. */
async function join(clientRest = '', upstreamRest = ''): Promise<Joined> {
  const { port } = new URL(outside.origin);
  const client = new Wire(net.connect({ host: '127.0.0.1', port: Number(port), allowHalfOpen: true }));
  const accepted = await outside.next();
  accepted.socket.removeAllListeners();
  const target = { host: '127.0.0.1', port: Number(new URL(inside.origin).port), allowHalfOpen: true };
  const connected = net.connect(target);
  await once(connected, 'connect');
  const upstream = await inside.next();
  const { promise: ended, resolve } = Promise.withResolvers<TunnelEnd>();
  const rests = [Buffer.from(clientRest, 'latin1'), Buffer.from(upstreamRest, 'latin1')] as const;
  const sockets = [accepted.socket, connected];
  const nth = reports.push(0) - 1;
  const events = {
    ended(end: TunnelEnd) {
      reports[nth] = (reports[nth] as number) + 1;
      resolve(end);
    },
  };
  const tunnel = startTunnel(accepted.socket, rests[0], connected, rests[1], events, inside.origin);
  return { client, upstream, tunnel, ended, sockets };
}

/** The masked Close that an upstream has got, as code and reason. */
function closeIn(received: string): string {
  const bytes = Buffer.from(received, 'latin1');
  assert.equal(bytes[0], 0x88);
  const length = (bytes[1] as number) ^ 0x80;
  assert.equal(bytes.length, 6 + length, 'masked, and nothing behind it');
  const payload = Buffer.from(bytes.subarray(6).map((byte, at) => byte ^ (bytes[2 + (at % 4)] as number)));
  return `${payload.readUInt16BE(0)} ${String(payload.subarray(2))}`;
}

test('startTunnel() relays both rests first, then everything, and counts', async () => {
  const { client, upstream, ended } = await join('one ', 'two ');
  client.send('three');
  upstream.send('fourth');
  await upstream.until('one three');
  await client.until('two fourth');
  client.socket.end();
  await upstream.end();
  upstream.socket.end();
  assert.deepEqual(await ended, {
    bytesToClient: 10,
    bytesToUpstream: 9,
    end: 'complete',
    failure: undefined,
    closedBy: 'client',
  });
});

test('startTunnel() lets one direction go on when the other has ended', async () => {
  const { client, upstream, ended } = await join();
  upstream.socket.end('last words');
  await client.until('last words');
  await client.end();
  client.send('still here');
  await upstream.until('still here');
  client.socket.end();
  assert.equal((await ended).closedBy, 'upstream');
});

test('startTunnel() reads neither side faster than the other one takes it', async () => {
  const { client, upstream, ended, sockets } = await join();
  const size = 24 * 1024 * 1024;
  for (const [sender, taker, source] of [
    [client, upstream, sockets[0]],
    [upstream, client, sockets[1]],
  ] as const) {
    taker.socket.pause();
    sender.socket.write(Buffer.alloc(size, 'x'));
    while (!source?.isPaused()) await turn();
    assert.equal(sender.socket.writableLength > 0, true);
    for (const { writableLength } of sockets) assert.equal(writableLength < 256 * 1024, true, String(writableLength));
    taker.socket.resume();
    await taker.when(() => taker.received.length === size);
  }
  client.socket.end();
  upstream.socket.end();
  const { bytesToClient, bytesToUpstream } = await ended;
  assert.deepEqual([bytesToClient, bytesToUpstream], [size, size]);
});

test('startTunnel() says who broke the connection, and takes the other side with it', async () => {
  const first = await join();
  first.client.socket.resetAndDestroy();
  await first.upstream.end();
  const clientGone = await first.ended;
  assert.deepEqual([clientGone.end, clientGone.closedBy, clientGone.failure], ['client-gone', 'client', undefined]);

  const second = await join();
  second.upstream.socket.resetAndDestroy();
  await second.client.end();
  const { end, closedBy, failure } = await second.ended;
  assert.deepEqual([end, closedBy, failure?.code], ['upstream-failed', 'upstream', 'reset']);
  assert.equal(failure?.detail.startsWith(inside.origin), true);
});

test('startTunnel() notices a socket that was gone before, but not before it has returned', async () => {
  const { port } = new URL(outside.origin);
  const target = { host: '127.0.0.1', port: Number(port) };
  const gone = net.connect(target);
  gone.on('error', () => {});
  await once(gone, 'connect');
  gone.destroy();
  await once(gone, 'close');
  const open = net.connect(target);
  await once(open, 'connect');
  const { promise, resolve } = Promise.withResolvers<TunnelEnd>();
  let returned = false;
  const events = {
    ended(end: TunnelEnd) {
      assert.equal(returned, true);
      resolve(end);
    },
  };
  startTunnel(open, Buffer.alloc(0), gone, Buffer.alloc(0), events, 'http://app');
  returned = true;
  assert.equal((await promise).end, 'upstream-failed');
  assert.equal(open.destroyed, true);
});

test('startTunnel() takes a WebSocket that was closed in order for complete, ended by who said Close first', async () => {
  const { client, upstream, ended } = await join();
  client.socket.write(closeFrame(1000, 'bye', mask));
  await upstream.until('\x88');
  upstream.socket.write(closeFrame(1000, 'bye'));
  upstream.socket.end();
  await client.end();
  client.socket.resetAndDestroy();
  const { end, closedBy } = await ended;
  assert.deepEqual([end, closedBy], ['complete', 'client']);
});

test('Tunnel.destroy() ends both sides at once with its reason', async () => {
  const { client, upstream, tunnel, ended } = await join();
  tunnel.destroy('session-ended');
  tunnel.destroy('again');
  tunnel.close(1001, 'again');
  await Promise.all([client.end(), upstream.end()]);
  const { end, closedBy } = await ended;
  assert.deepEqual([end, closedBy], ['shutdown', 'session-ended']);
});

test('Tunnel.close() tells both sides, waits for their answers, and ends', async () => {
  const { client, upstream, tunnel, ended, sockets } = await join(latin1(masked), latin1(message));
  await client.until('message');
  await upstream.until('\x81');
  tunnel.close(4401, 'session ended');
  await client.until('session ended');
  assert.equal(client.received, latin1(message, closeFrame(4401, 'session ended')));
  await upstream.when(() => upstream.received.length >= masked.length + 6 + 15);
  assert.equal(closeIn(upstream.received.slice(masked.length)), '4401 session ended');
  const parted = (): boolean[] => sockets.map(({ writableEnded, destroyed }) => writableEnded && !destroyed);
  assert.deepEqual(parted(), [false, false]);

  client.socket.write(closeFrame(4401, 'session ended', mask));
  await client.end();
  assert.deepEqual(parted(), [true, false]);
  upstream.socket.write(closeFrame(4401, 'session ended'));
  await upstream.end();
  assert.deepEqual(parted(), [true, true]);
  client.socket.end();
  upstream.socket.end();
  assert.deepEqual(await ended, {
    bytesToClient: message.length,
    bytesToUpstream: masked.length,
    end: 'shutdown',
    failure: undefined,
    closedBy: 'session ended',
  });
  assert.equal(client.received.length, message.length + 4 + 13, 'the answer of the one is not passed to the other');
});

test('Tunnel.close() waits for the end of the frame in progress in each direction, and drops what follows', async () => {
  const { client, upstream, tunnel, ended } = await join();
  client.socket.write(masked.subarray(0, 8));
  upstream.socket.write(message.subarray(0, 1));
  await upstream.when(() => upstream.received.length === 8);
  await client.when(() => client.received.length === 1);
  tunnel.close(1001, '');
  client.socket.write(Buffer.concat([masked.subarray(8), masked]));
  upstream.socket.write(Buffer.concat([message.subarray(1), message]));
  await client.when(() => client.received.length >= message.length + 4);
  await upstream.when(() => upstream.received.length >= masked.length + 8);
  assert.equal(client.received, latin1(message, closeFrame(1001, '')));
  assert.equal(closeIn(upstream.received.slice(masked.length)), '1001 ');
  client.socket.end(closeFrame(1001, '', mask));
  upstream.socket.end(closeFrame(1001, ''));
  const { bytesToClient, bytesToUpstream } = await ended;
  assert.deepEqual([bytesToClient, bytesToUpstream], [message.length, masked.length]);
});

test('Tunnel.close() sends no second Close where one has gone by', async () => {
  const { client, upstream, tunnel, ended } = await join();
  const theirs = closeFrame(1011, 'theirs');
  upstream.socket.write(theirs);
  await client.until('theirs');
  tunnel.close(1001, 'ours');
  await upstream.when(() => upstream.received.length >= 12);
  assert.equal(closeIn(upstream.received), '1001 ours');
  upstream.socket.end();
  client.socket.end(closeFrame(1011, 'theirs', mask));
  await ended;
  assert.equal(client.received, latin1(theirs));
});

test('Tunnel.close() still tells the other side when one leaves instead of answering', async () => {
  const { client, upstream, tunnel, ended } = await join();
  upstream.socket.write(message.subarray(0, 5));
  await client.when(() => client.received.length === 5);
  tunnel.close(1001, '');
  await upstream.when(() => upstream.received.length === 8);
  client.socket.resetAndDestroy();
  await upstream.end();
  assert.equal(closeIn(upstream.received), '1001 ');
  upstream.socket.end(closeFrame(1001, ''));
  const { end, closedBy } = await ended;
  assert.deepEqual([end, closedBy], ['shutdown', '']);
});

test('Tunnel.close() does not write into a direction that has ended', async () => {
  const first = await join();
  first.client.socket.end(masked);
  await first.upstream.end();
  first.tunnel.close(1001, 'ours');
  await first.client.until('ours');
  assert.equal(first.sockets[1]?.errored, null);
  first.upstream.socket.end(closeFrame(1000, ''));
  assert.equal((await first.ended).end, 'shutdown');
  assert.equal(first.upstream.received, latin1(masked));

  const second = await join();
  second.upstream.socket.end(message);
  await second.client.end();
  second.tunnel.close(1001, 'ours');
  await second.upstream.when(() => second.upstream.received.length >= 12);
  assert.equal(second.sockets[0]?.errored, null);
  second.client.socket.end(closeFrame(1000, '', mask));
  assert.equal((await second.ended).end, 'shutdown');
  assert.equal(second.client.received, latin1(message));
});

test('Tunnel.close() gets the Close through to a client that has fallen behind', async () => {
  const { client, upstream, tunnel, ended, sockets } = await join();
  const big = frame({ opcode: 2, payload: Buffer.alloc(24_000_000) });
  client.socket.pause();
  upstream.socket.write(big);
  while (!sockets[1]?.isPaused()) await turn();
  tunnel.close(1001, 'at last');
  client.socket.resume();
  await client.when(() => client.received.length >= big.length + 11);
  assert.equal(client.received.slice(big.length), latin1(closeFrame(1001, 'at last')));
  client.socket.end(closeFrame(1001, '', mask));
  upstream.socket.end(closeFrame(1001, ''));
  await ended;
});

test('Tunnel.close() cuts sides that neither finish their frame nor answer', async (context) => {
  const { client, upstream, tunnel, ended } = await join();
  client.socket.write(masked.subarray(0, 8));
  await upstream.when(() => upstream.received.length === 8);
  context.mock.timers.enable({ apis: ['setTimeout'] });
  tunnel.close(1001, '');
  await client.until('\x88\x02');
  context.mock.timers.tick(1_999);
  assert.deepEqual([client.ended, upstream.ended], [false, false]);
  context.mock.timers.tick(1);
  assert.equal((await ended).end, 'shutdown');
  await upstream.end();
  assert.equal(upstream.received, latin1(masked.subarray(0, 8)));
});

test('Tunnel.close() throws for a code that must not be sent, and changes nothing', async () => {
  const { client, upstream, tunnel } = await join();
  assert.throws(() => tunnel.close(1005, ''), RangeError);
  client.send('on');
  await upstream.until('on');
  tunnel.destroy('test');
});

test('startTunnel() ends a tunnel in which nothing moves after one direction has ended', async (context) => {
  const { client, upstream, ended } = await join();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  client.socket.end();
  await upstream.end();
  context.mock.timers.tick(10_000);
  const { end, closedBy } = await ended;
  assert.deepEqual([end, closedBy], ['complete', 'client']);
});

test('startTunnel() ends a tunnel whose sides have said Close and forget to go', async (context) => {
  const { client, upstream, ended } = await join();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  upstream.socket.write(closeFrame(1000, ''));
  await client.until('\x88');
  client.socket.write(closeFrame(1000, '', mask));
  await upstream.until('\x88');
  context.mock.timers.tick(10_000);
  const { end, closedBy } = await ended;
  assert.deepEqual([end, closedBy], ['complete', 'upstream']);
});
