import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Pin } from './bound-connection.ts';
import type { Deadlines, Timed } from './deadlines.ts';
import type { EngineContext } from './engine-context.ts';
import type { ClientCertificate, Connection, Reply, Upstream } from './exchange.ts';
import type { Fault } from './faults.ts';
import type { Fields } from './fields.ts';
import type { RequestLine } from './head.ts';
import { MessageReader, type ReaderEvents } from './message-reader.ts';
import { Outbox } from './outbox.ts';
import { replyText } from './reply-writer.ts';
import { Exchange } from './server-exchange.ts';
import { clientCertificateOf } from './tls.ts';

/** How long the rest of a refused upload is read, so that the client can finish sending and then read the answer. */
const DISCARD_MS = 30_000;
/** How long a client may take to read last words before its connection is gone. */
const LINGER_MS = 2_000;
/** How long a connection at rest remembers what its last request said. */
const REMEMBERED_MS = 5_000;
/**
 * Bytes that may wait behind the request in progress before no more are read. Not none: while nothing is read, nobody
 * sees the client go.
 */
const MAX_EARLY = 64 * 1024;

const NO_FIELDS: Fields = [];

/** What the connection waits for, and so what it means when the deadline passes. */
type Awaited = 'first-byte' | 'head' | 'next-request' | 'content' | 'end-of-discarded' | 'client-to-close' | 'us';

export interface ConnectionParts {
  readonly context: EngineContext;
  readonly deadlines: Deadlines;
  /** It takes itself out of these when it is closed, or a tunnel. */
  readonly connections: Set<ClientConnection>;
  readonly remoteAddress: string;
  /** Asked once, when a handler asks. */
  readonly certificateHash: (socket: TLSSocket) => Uint8Array | undefined;
}

/** One client connection: reads requests from it one after the other, and lets the next one begin when the answer to the last is written. */
export class ClientConnection implements Connection, ReaderEvents<RequestLine>, Timed {
  readonly remoteAddress: string;
  readonly tls: boolean;
  readonly socket: Socket;
  readonly out: Outbox;
  readonly #parts: ConnectionParts;
  readonly #reader: MessageReader<RequestLine>;
  #current: Exchange | undefined;
  /** All of the request in progress has been read. */
  #requestRead = false;
  #trailers: Fields = NO_FIELDS;
  #memory: Map<string, unknown> | undefined;
  #pins: Map<Upstream, Pin> | undefined;
  /** Nothing that comes from the client is looked at any more. */
  #deaf = false;
  #tunnel = false;
  #awaited: Awaited = 'first-byte';
  #deadline: number;
  /** What had been written when the client last took something, and when that was. */
  #taken = 0;
  #takenAt = Number.NaN;

  constructor(socket: Socket, parts: ConnectionParts) {
    const { context, deadlines } = parts;
    this.socket = socket;
    this.tls = socket instanceof TLSSocket;
    this.remoteAddress = parts.remoteAddress;
    this.out = new Outbox(socket);
    this.#parts = parts;
    this.#reader = new MessageReader<RequestLine>('request', context.limits, this);
    this.#deadline = deadlines.after(context.limits.headTimeoutMs);
    deadlines.timed.add(this);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('close', this.#onClose);
  }

  get certificateHash(): Uint8Array | undefined {
    return this.socket instanceof TLSSocket ? this.#parts.certificateHash(this.socket) : undefined;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.socket instanceof TLSSocket ? clientCertificateOf(this.socket) : undefined;
  }

  get memory(): Map<string, unknown> {
    this.#memory ??= new Map();
    return this.#memory;
  }

  /** Whether somebody has proven who they are over a connection to an upstream. */
  get hasPins(): boolean {
    return this.#pins !== undefined;
  }

  /** Where the connection to this upstream waits that is bound to this client; `make`: there is to be one. */
  pin(upstream: Upstream, make: boolean): Pin | undefined {
    const known = this.#pins?.get(upstream);
    if (known !== undefined || !make) return known;
    const pin = new Pin();
    this.#pins ??= new Map();
    this.#pins.set(upstream, pin);
    return pin;
  }

  /** It carries neither a request nor a tunnel, and nothing has to be written any more. */
  get idle(): boolean {
    return this.#current === undefined && !this.#tunnel && this.out.empty;
  }

  /** All of the request in progress has been read. */
  get requestRead(): boolean {
    return this.#requestRead;
  }

  // What the reader finds.

  head(line: RequestLine): void {
    const { context } = this.#parts;
    this.#requestRead = false;
    this.#trailers = NO_FIELDS;
    this.#await('us', Number.POSITIVE_INFINITY);
    this.#current = new Exchange(context, this, line);
    this.#current.start();
  }

  data(chunk: Buffer): void {
    if (this.#awaited === 'content') this.awaitContent();
    this.#current?.content(chunk);
  }

  trailers(fields: Fields): void {
    this.#trailers = fields;
  }

  end(): void {
    const current = this.#current;
    this.#requestRead = true;
    if (current === undefined) return;
    if (current.over) return this.#leave(current);
    // The next head is not looked at before this answer is written.
    this.#reader.pause();
    if (this.#awaited === 'content') this.#await('us', Number.POSITIVE_INFINITY);
    current.contentEnd(this.#trailers);
  }

  fault({ status, reason }: Fault): void {
    const detail = `The request was refused: ${reason}`;
    const current = this.#current;
    if (current === undefined) return this.lastWords(this.#parts.context.handler.badRequest(status, detail));
    if (current.over) return this.#destroy();
    current.giveUp(status, detail);
  }

  // What the request in progress does with its connection.

  /** Reads no further: nothing of the content has to be kept that has not come already. */
  holdContent(): void {
    this.#reader.pause();
    this.socket.pause();
  }

  /** Whether content is held back, and whoever it is for keeps the client waiting. */
  get holdsContent(): boolean {
    return this.socket.isPaused();
  }

  /** Undoes `holdContent`. */
  takeContent(): void {
    this.socket.resume();
    if (!this.#requestRead) this.#reader.resume();
    this.#mindTheQueue();
  }

  /** From now on, or once more, the client has a limited time to send content. */
  awaitContent(): void {
    if (this.#requestRead) return;
    const { bodyTimeoutMs, idleTimeoutMs } = this.#parts.context.limits;
    this.#await('content', bodyTimeoutMs ?? idleTimeoutMs);
  }

  /** Content may come whenever it comes. */
  awaitNothing(): void {
    this.#await('us', Number.POSITIVE_INFINITY);
  }

  /** The answer to the request in progress is written. */
  answered(exchange: Exchange): void {
    if (exchange !== this.#current) return;
    if (this.#requestRead) return this.#leave(exchange);
    // An answer that was there at once: the reader has not come to say so yet, but nothing is left to read.
    if (!exchange.hasContent) return;
    if (exchange.closes) {
      this.#turnDeaf();
      return this.#linger(DISCARD_MS);
    }
    this.#await('end-of-discarded', DISCARD_MS);
    this.takeContent();
  }

  /** Calls back when the operating system has taken all that was written, and not at all when the connection ends before. */
  whenWritten(then: () => void): void {
    this.socket.write('', (error) => {
      if (error === null || error === undefined) then();
    });
  }

  /**
   * Writes an answer that ends the connection, and reads on for a moment: a socket closed with unread bytes sends a
   * reset, which would take the answer away from the client (RFC 9112, 9.6).
   */
  lastWords(reply: Reply): void {
    const { context } = this.#parts;
    this.#turnDeaf();
    try {
      this.out.add(replyText(reply, { method: 'GET', close: true, date: context.dateLine() }));
    } catch (error) {
      context.onError('A reply could not be sent', error);
      return this.#destroy();
    }
    this.out.flush();
    this.#linger();
  }

  /** Hands the socket over to a tunnel; gives what has come behind the request. */
  release(): Buffer {
    const { socket } = this;
    const rest = this.#reader.takeRest();
    this.#tunnel = true;
    this.#current = undefined;
    this.#forgetMe();
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('drain', this.#onDrain);
    socket.off('close', this.#onClose);
    return rest;
  }

  /** Ends it at once, whatever it is doing; a tunnel is nothing of its own any more. */
  cancel(): void {
    if (this.#tunnel) return;
    this.#turnDeaf();
    this.#destroy();
  }

  check(now: number): void {
    if (this.#takesNothing(now)) return this.#destroy();
    this.#current?.look(this.#parts.deadlines.everyMs);
    if (now < this.#deadline) {
      if (this.#awaited === 'next-request' && this.#restingMs() >= REMEMBERED_MS) this.#reader.forget();
      return;
    }
    this.#deadline = Number.POSITIVE_INFINITY;
    if (this.#awaited === 'head') this.fault({ status: 408, reason: 'head-timeout' });
    else if (this.#awaited === 'content') this.#current?.stalled();
    else this.#destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#deaf) return;
    this.#reader.push(chunk);
    if (this.#current === undefined) this.#awaitRequest();
    else this.#mindTheQueue();
  };

  readonly #onEnd = (): void => {
    if (this.#deaf) return this.socket.destroySoon();
    this.#current?.write();
    // A client that ends its side before the answer has given up: one that only has nothing more to say looks the same to
    // us, and an answer for nobody would keep the app at work. nginx and Go see it so, too.
    if (this.#current !== undefined) return this.#destroy();
    this.#reader.end();
    if (!this.#deaf) this.socket.destroySoon();
  };

  readonly #onDrain = (): void => {
    this.#current?.drained();
  };

  readonly #onClose = (): void => {
    this.#deaf = true;
    this.#forgetMe();
    const current = this.#current;
    this.#current = undefined;
    current?.cancel();
  };

  #forgetMe(): void {
    for (const pin of this.#pins?.values() ?? []) pin.end();
    this.#pins = undefined;
    this.#parts.deadlines.timed.delete(this);
    this.#parts.connections.delete(this);
  }

  /** Request and answer are through: the next request, or the end of the connection. */
  #leave(exchange: Exchange): void {
    this.#current = undefined;
    if (exchange.closes) {
      this.#turnDeaf();
      // With nothing left to read no reset is to be feared.
      if (this.#reader.idle) this.socket.destroySoon();
      else this.#linger();
      return;
    }
    this.#await('next-request', this.#parts.context.limits.idleTimeoutMs);
    if (this.socket.isPaused()) this.socket.resume();
    this.#reader.resume();
    if (this.#current === undefined) this.#awaitRequest();
    else this.#mindTheQueue();
  }

  /** Reads no faster from a client that pipelines than it is answered. */
  #mindTheQueue(): void {
    if (this.#requestRead && this.#current !== undefined && this.#reader.unread > MAX_EARLY) this.socket.pause();
  }

  /** Nothing is in progress: either a head has begun, or nothing has. */
  #awaitRequest(): void {
    if (this.#deaf) return;
    const { headTimeoutMs, idleTimeoutMs } = this.#parts.context.limits;
    if (this.#reader.idle) {
      if (this.#awaited === 'head') this.#await('next-request', idleTimeoutMs);
    } else if (this.#awaited !== 'head') this.#await('head', headTimeoutMs);
  }

  #await(what: Awaited, limitMs: number): void {
    this.#awaited = what;
    this.#deadline = this.#parts.deadlines.after(limitMs);
  }

  #restingMs(): number {
    const { deadlines, context } = this.#parts;
    return deadlines.after(context.limits.idleTimeoutMs) - this.#deadline;
  }

  #turnDeaf(): void {
    this.#deaf = true;
    this.#reader.pause();
  }

  #linger(limitMs = LINGER_MS): void {
    this.#current = undefined;
    this.#await('client-to-close', limitMs);
    this.socket.end();
    this.socket.resume();
  }

  /** Whether there is something to write, and the client has taken none of it for too long. */
  #takesNothing(now: number): boolean {
    const { socket } = this;
    const waiting = socket.writableLength;
    if (waiting === 0) {
      this.#takenAt = now;
      return false;
    }
    const taken = socket.bytesWritten - waiting;
    if (taken !== this.#taken || Number.isNaN(this.#takenAt)) {
      this.#taken = taken;
      this.#takenAt = now;
      return false;
    }
    const { writeTimeoutMs, idleTimeoutMs } = this.#parts.context.limits;
    return now - this.#takenAt > (writeTimeoutMs ?? idleTimeoutMs);
  }

  #destroy(): void {
    this.#turnDeaf();
    this.socket.destroy();
  }
}
