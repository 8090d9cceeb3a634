/**
 * Doctor's own listener, where probes arrive in the place of an app: it tells what has arrived, and takes every upgrade.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';

export interface Echo {
  /** Of 127.0.0.1. */
  readonly port: number;
  /** What has arrived under this name, as alternating names and values; `undefined`: nothing. */
  arrived(nonce: string): readonly string[] | undefined;
  close(): Promise<void>;
}

/** Requests are told apart by a name in their query, `?cardea-doctor=…`. */
export const nonceParameter = 'cardea-doctor';

/** The first message through a connection that was upgraded. */
export const greeting = 'cardea-doctor hears you';

/** Starts it on a free port. */
export async function startEcho(): Promise<Echo> {
  const arrived = new Map<string, readonly string[]>();
  const note = ({ url, rawHeaders }: IncomingMessage): void => {
    const nonce = new URL(url ?? '/', 'http://echo').searchParams.get(nonceParameter);
    if (nonce !== null) arrived.set(nonce, rawHeaders);
  };
  const server = createServer((request, response) => {
    note(request);
    request.resume();
    response.end('cardea-doctor');
  });
  server.on('upgrade', (request, socket) => {
    note(request);
    socket.on('error', () => socket.destroy());
    const accept = acceptOf(request.headers['sec-websocket-key'] ?? '');
    const frame = Buffer.concat([Buffer.of(0x81, greeting.length), Buffer.from(greeting)]);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.write(frame);
    socket.on('end', () => socket.end());
  });
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot listen on 127.0.0.1');
  return {
    port: address.port,
    arrived: (nonce) => arrived.get(nonce),
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** RFC 6455, 4.2.2. */
const acceptOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
