/**
 * What an idle WebSocket costs in memory: the whole gateway in a process of its own, clients and upstream in this one.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import type { Memory } from './gateway-process.ts';
import type { Figure } from './report.ts';
import { sampleOf } from './sample.ts';
import { sessionConfig, sessionCookie, writeUsers } from './session-gateway.ts';
import type { Part, Surroundings } from './surroundings.ts';

const count = 1_000;

export const webSocketsPart: Part = {
  name: 'websockets',
  summary: `Memory of ${count} idle WebSockets through the gateway`,
  missing: () => [],
  async run(surroundings) {
    const upstream = await startEcho();
    surroundings.later(() => upstream.close());
    const measured: Memory[] = [];
    for (let round = 1; round <= surroundings.rounds; round++) {
      const each = await measure(upstream.port, surroundings);
      surroundings.say(`round ${round}: ${(each.rss / 1024).toFixed(1)} KiB resident`);
      measured.push(each);
    }
    const figure = (what: string, key: keyof Memory): Figure => ({
      what,
      cost: sampleOf(measured.map((memory) => memory[key] / 1024)),
    });
    return [
      {
        title: `Memory of an idle WebSocket, of ${count} through the whole gateway, with a session cookie`,
        unit: 'KiB each',
        figures: [
          figure('resident', 'rss'),
          figure('of that: JavaScript heap', 'heapUsed'),
          figure('of that: buffers and other memory outside the heap', 'external'),
        ],
        remarks: [
          'Growth of the process after a full collection, from 100 open WebSockets (which pay for code and for what is made once) to 100 more than counted. Socket buffers of the kernel are not in it.',
          'Each has carried one message each way. Each round is a process of its own.',
        ],
      },
    ];
  },
};

async function measure(upstreamPort: number, { folder }: Surroundings): Promise<Memory> {
  const files = folder();
  await writeUsers(files);
  const file = join(files, 'cardea.yaml');
  writeFileSync(
    file,
    `listen: { address: "127.0.0.1:0" }\nadmin: false\nstate: ./state\nlog: { level: error }\n${sessionConfig(upstreamPort)}`,
  );
  const gateway = fork(join(import.meta.dirname, 'gateway-process.ts'), [file], { execArgv: ['--expose-gc'] });
  const sockets: net.Socket[] = [];
  try {
    const [port]: unknown[] = await once(gateway, 'message');
    if (typeof port !== 'number') throw new Error('Cannot measure: the gateway did not tell its port');
    const cookie = await sessionCookie(port);
    await open(sockets, 100, port, cookie);
    const before = await memory(gateway);
    await open(sockets, count, port, cookie);
    const after = await memory(gateway);
    const each = (key: keyof Memory): number => (after[key] - before[key]) / count;
    return { rss: each('rss'), heapUsed: each('heapUsed'), external: each('external') };
  } finally {
    for (const socket of sockets) socket.destroy();
    const ended = once(gateway, 'exit');
    gateway.disconnect();
    await ended;
  }
}

/** Opens WebSockets, each of which has carried one message. The upstream is no WebSocket server but an echo, which will do. */
async function open(sockets: net.Socket[], more: number, port: number, cookie: string): Promise<void> {
  for (let i = 0; i < more; i++) {
    const socket = net.connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Origin: http://127.0.0.1:${port}\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nCookie: ${cookie}\r\n\r\n`,
    );
    const [answer]: unknown[] = await once(socket, 'data');
    if (!String(answer).startsWith('HTTP/1.1 101 '))
      throw new Error(`Cannot measure: the upgrade was answered with ${String(answer).slice(0, 200)}`);
    socket.write('hello');
    await once(socket, 'data');
  }
}

/** The least of several looks: a collection may need more than one round. */
async function memory(gateway: ChildProcess): Promise<Memory> {
  const looks: Memory[] = [];
  for (let i = 0; i < 5; i++) {
    gateway.send('memory');
    const [look]: Memory[] = await once(gateway, 'message');
    if (look !== undefined) looks.push(look);
  }
  return looks.reduce((least, look) => (look.rss < least.rss ? look : least));
}

async function startEcho(): Promise<{ readonly port: number; close(): void }> {
  const server = http.createServer();
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.on('data', (data) => socket.write(data));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return { port: address.port, close: () => void server.close() };
}
