/**
 * Clients of one proxy whose connections stay: event streams, WebSockets, or kept after one request.
 *
 * @module
 */
import { connect, type Socket } from 'node:net';
import { type Load, loadOf } from './load.ts';
import { atPace } from './pace.ts';
import { clientFrame, countMessages } from './relay-bytes.ts';
import { endOfResponse } from './response.ts';

export type RelayKind = 'events' | 'websocket' | 'kept';

export interface OpenOptions {
  readonly kind: RelayKind;
  readonly port: number;
  readonly cookie: string;
  readonly count: number;
}

/** So many connections come from each loopback address: fewer than Cardea takes from one by default. */
const perAddress = 500;
const atOnce = 16;

/** The clients of one proxy, and when each message that they wait for was sent. */
export class RelayClients {
  readonly #sockets: Socket[] = [];
  /** When the messages that are under way were sent, by connection. */
  readonly #sentAt: number[][] = [];
  readonly #latencies: number[] = [];
  #unexpected = 0;

  get count(): number {
    return this.#sockets.length;
  }

  /** Opens further ones; each has been answered, and a WebSocket has carried one message each way. */
  async open(options: OpenOptions): Promise<void> {
    const until = this.count + options.count;
    const some = async (): Promise<void> => {
      while (this.count < until) await this.#openOne(options);
    };
    await Promise.all(Array.from({ length: atOnce }, some));
  }

  /** Sends messages at a steady rate, over the connections in turns, and waits for all of them to arrive. */
  async run(perSecond: number, seconds: number, send: (connection: number) => void): Promise<Load> {
    this.#latencies.length = 0;
    this.#unexpected = 0;
    let sent = 0;
    const startedAt = performance.now();
    await atPace(perSecond, seconds, () => {
      const connection = sent++ % this.count;
      this.#sentAt[connection]?.push(performance.now());
      send(connection);
    });
    const deadline = performance.now() + 5_000;
    while (this.#latencies.length < sent && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 1));
    const lost = sent - this.#latencies.length;
    return loadOf(this.#latencies, (performance.now() - startedAt) / 1_000, lost + this.#unexpected);
  }

  /** Sends a message of the client on a WebSocket. */
  sendFrame(connection: number): void {
    this.#sockets[connection]?.write(clientFrame);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #openOne({ kind, port, cookie }: OpenOptions): Promise<void> {
    const index = this.count;
    const socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      localAddress: `127.0.1.${1 + Math.floor(index / perAddress)}`,
    });
    this.#sockets.push(socket);
    this.#sentAt.push([]);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const lost = (): void => reject(new Error(`A connection of kind "${kind}" was closed`));
    socket.on('error', reject).on('close', lost);
    const ready = (): void => {
      socket.removeAllListeners('data').on('data', (data: Buffer) => this.#arrived(index, data));
      resolve();
    };
    let received = '';
    let greeted = false;
    socket.on('data', (data: Buffer) => {
      if (greeted) return ready(); // the answer to the first message
      received += data.toString('latin1');
      if (!received.includes('\r\n\r\n')) return;
      if (!received.startsWith(kind === 'websocket' ? 'HTTP/1.1 101 ' : 'HTTP/1.1 200 '))
        return reject(new Error(`A connection of kind "${kind}" was answered with ${received.slice(0, 200)}`));
      if (kind === 'events') return ready();
      if (kind === 'kept') return endOfResponse(received) === undefined ? undefined : ready();
      greeted = true;
      socket.write(clientFrame);
    });
    socket.write(requestOf(kind, port, index, cookie));
    return promise;
  }

  #arrived(connection: number, data: Buffer): void {
    const now = performance.now();
    for (let left = countMessages(data); left > 0; left--) {
      const sentAt = this.#sentAt[connection]?.shift();
      if (sentAt === undefined) this.#unexpected++;
      else this.#latencies.push(now - sentAt);
    }
  }
}

function requestOf(kind: RelayKind, port: number, index: number, cookie: string): string {
  const path = { events: `/events/${port}-${index}`, websocket: '/ws', kept: '/' }[kind];
  const fields = [
    `Host: 127.0.0.1:${port}`,
    'User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)',
    `Cookie: ${cookie}`,
    ...(kind === 'websocket'
      ? [
          'Connection: Upgrade',
          'Upgrade: websocket',
          `Origin: http://127.0.0.1:${port}`,
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
          'Sec-WebSocket-Version: 13',
        ]
      : []),
  ];
  return `GET ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`;
}
