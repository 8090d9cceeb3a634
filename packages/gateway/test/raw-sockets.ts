/**
 * Sockets of which every byte is kept: of a client, of an app whose answers the test writes, and of a line between the gateway
 * and an app.
 *
 * @module
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type RawResponse, readResponse } from './raw-response.ts';

/** What came on a socket, from its beginning. */
export class Incoming {
  readonly socket: Socket;
  bytes: Buffer = Buffer.alloc(0);
  /** The other side has ended, or it is broken. */
  closed = false;
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    const tell = (): void => {
      for (const wake of this.#waiting.splice(0)) wake();
    };
    socket.on('data', (chunk: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      tell();
    });
    const over = (): void => {
      this.closed = true;
      tell();
    };
    socket.on('error', over).on('end', over).on('close', over);
  }

  /** Forgets what has come. */
  forget(): void {
    this.bytes = Buffer.alloc(0);
  }

  /** Waits until `found` gives something, and gives that; fails when the other side ends before, or nothing comes for ten seconds. */
  async until<T>(found: (incoming: Incoming) => T | undefined): Promise<T> {
    for (;;) {
      const value = found(this);
      if (value !== undefined) return value;
      if (this.closed) throw new Error(`It ended early: ${this.bytes.toString('latin1')}`);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const late = (): void => reject(new Error(`Nothing more came: ${this.bytes.toString('latin1')}`));
      const timer = setTimeout(late, 10_000);
      this.#waiting.push(resolve);
      await promise.finally(() => clearTimeout(timer));
    }
  }
}

/** Connects to a port of this machine. Destroy the socket. */
export async function dial(origin: string): Promise<Incoming> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(origin).port), noDelay: true });
  await once(socket, 'connect');
  return new Incoming(socket);
}

/** The response to what was sent, as soon as it is complete. */
export const wholeResponse = (incoming: Incoming, method: string): Promise<RawResponse> =>
  incoming.until(({ bytes, closed }) => {
    const response = readResponse(bytes, method, closed);
    return response?.complete === true ? response : undefined;
  });

/** A server whose answers are bytes that the test has written down. */
export interface ScriptedApp {
  readonly origin: string;
  /** Where the next request begins to come in, on a new connection or one that was there; the test answers on its socket. */
  next(): Promise<Incoming>;
  /** Forgets who has asked, and who waits for that. */
  forget(): void;
  close(): Promise<void>;
}

/** Starts one on loopback. */
export async function startScriptedApp(): Promise<ScriptedApp> {
  const sockets = new Set<Socket>();
  const come: Incoming[] = [];
  const wanted: ((incoming: Incoming) => void)[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => {
      if (incoming.bytes.length > 0) return; // more of the same request
      const waits = wanted.shift();
      if (waits === undefined) come.push(incoming);
      else waits(incoming);
    });
    const incoming = new Incoming(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: () => {
      const there = come.shift();
      return there === undefined ? new Promise((resolve) => wanted.push(resolve)) : Promise.resolve(there);
    },
    forget: () => {
      come.length = 0;
      wanted.length = 0;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Leads to an app, and keeps what comes back from it. */
export interface HeardLine {
  readonly origin: string;
  /** Every byte of the app since `forget`, for one request at a time. */
  heard(): Buffer;
  forget(): void;
  close(): Promise<void>;
}

/** Starts one in front of the app at `origin`. */
export async function startHeardLine(origin: string): Promise<HeardLine> {
  const app = new URL(origin);
  const sockets = new Set<Socket>();
  let heard: Buffer = Buffer.alloc(0);
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: app.hostname, port: Number(app.port), noDelay: true });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    upstream.on('data', (chunk: Buffer) => (heard = Buffer.concat([heard, chunk])));
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: () => heard,
    forget: () => void (heard = Buffer.alloc(0)),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
