import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Connection } from '../wire/http.ts';
import type { Exchange } from './engine-exchange.ts';

/** Requests that may wait behind the one in progress. More is no client that means well: browsers do not pipeline at all. */
const MAX_PIPELINED = 32;

/** One client connection: what the pipeline sees of it, and whose turn it is. */
export class ClientConnection implements Connection {
  readonly remoteAddress: string;
  readonly socket: Socket;
  readonly #certificateHash: (socket: TLSSocket) => Uint8Array | undefined;
  readonly #waiting: Exchange[] = [];
  #current: Exchange | undefined;
  #memory: Map<string, unknown> | undefined;
  #tunnel = false;
  /** Nothing that comes from the client is looked at any more. */
  #deaf = false;

  constructor(socket: Socket, certificateHash: (socket: TLSSocket) => Uint8Array | undefined) {
    this.socket = socket;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? '');
    this.#certificateHash = certificateHash;
  }

  get tls(): boolean {
    return this.socket instanceof TLSSocket;
  }

  get certificateHash(): Uint8Array | undefined {
    return this.socket instanceof TLSSocket ? this.#certificateHash(this.socket) : undefined;
  }

  get memory(): Map<string, unknown> {
    this.#memory ??= new Map();
    return this.#memory;
  }

  /** It carries neither a request nor a tunnel. */
  get idle(): boolean {
    return this.#current === undefined && !this.#tunnel;
  }

  get deaf(): boolean {
    return this.#deaf;
  }

  /** The request in progress. */
  get current(): Exchange | undefined {
    return this.#current;
  }

  /** The request in progress has become a tunnel, and nothing of it need be kept. */
  carriesTunnel(): void {
    this.#tunnel = true;
    this.#current = undefined;
  }

  /** From now on requests are dropped, those that wait included. */
  turnDeaf(): void {
    this.#deaf = true;
    this.#waiting.length = 0;
  }

  /** Starts this request, or lets it wait for those before it: one at a time, so that a pipeline costs one upstream connection. */
  enter(exchange: Exchange): void {
    if (this.#deaf) return;
    if (this.#current === undefined) {
      this.#current = exchange;
      exchange.start();
    } else if (this.#waiting.length < MAX_PIPELINED) this.#waiting.push(exchange);
    else this.socket.destroy();
    if (exchange.last) this.#deaf = true;
  }

  /** The request in progress is over; the next one starts. */
  leave(exchange: Exchange): void {
    if (exchange !== this.#current) return;
    this.#current = this.#waiting.shift();
    this.#current?.start();
  }
}

/** An IPv4 address as such, also when an IPv6 socket took the connection (RFC 4291, 2.5.5.2). */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address);
  return mapped?.[1] ?? address;
}
