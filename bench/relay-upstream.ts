/**
 * An app as far as a relay is concerned: `/events/NAME` is an event stream, an upgrade is a WebSocket that answers each
 * message, everything else is 1 KB of text.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { acceptOf, countMessages, eventChunk, serverFrame } from './relay-bytes.ts';

export interface RelayUpstream {
  readonly port: number;
  /** Sends one message down the event stream of this name. */
  send(name: string): void;
  /** Ends when its connections have ended. */
  close(): void;
}

const page = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n${'x'.repeat(1024)}`;
const events =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Listens on a free loopback port. */
export async function startRelayUpstream(): Promise<RelayUpstream> {
  const streams = new Map<string, Socket>();
  const answer = (socket: Socket, head: string): void => {
    const name = /^GET \/events\/(\S+) /.exec(head)?.[1];
    const key = /\r\nsec-websocket-key: *(\S+)/i.exec(head)?.[1];
    if (name !== undefined) {
      streams.set(
        name,
        socket.on('close', () => streams.delete(name)),
      );
      socket.write(events);
    } else if (key !== undefined) {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
      );
      socket.removeAllListeners('data').on('data', (data: Buffer) => {
        for (let left = countMessages(data); left > 0; left--) socket.write(serverFrame);
      });
    } else socket.write(page);
  };
  const server = createServer({ noDelay: true }, (socket) => {
    let received = '';
    socket.on('error', () => {}); // the proxy is stopped before its upstream
    socket.on('data', (data: Buffer) => {
      received += data.toString('latin1');
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        const head = received.slice(0, end + 2);
        received = received.slice(end + 4);
        answer(socket, head);
      }
    });
  });
  await once(server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return {
    port: address.port,
    send: (name) => void streams.get(name)?.write(eventChunk),
    close: () => void server.close(),
  };
}
