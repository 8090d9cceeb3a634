import type { OnReadOpts, Socket } from 'node:net';
import { isLegOfProof, type Pin } from './bound-connection.ts';
import type { Fault } from './faults.ts';
import { type Fields, fieldValues } from './fields.ts';
import type { StatusLine } from './head.ts';
import { type Limits, MessageReader, type ReaderEvents } from './message-reader.ts';
import { Outbox } from './outbox.ts';
import { ReadBuffer } from './read-buffer.ts';
import type { Turn, Waiting } from './turn.ts';
import { type Address, connect, readPastWrites } from './upstream-address.ts';
import { RelayedHead } from './relayed-head.ts';
import { UpstreamError } from './upstream-failure.ts';

/** As much as we take from a client. Apps answer with many cookies. */
const LIMITS: Limits = { headBytes: 64 * 1024, headerCount: 1_000 };

/**
 * How long an unused connection is kept. Below the five seconds after which uvicorn and Node close theirs, so that a
 * request seldom meets a connection that is just being closed.
 */
const IDLE_MS = 4_000;
/** How long before an upstream closes an unused connection by its own word we do. */
const EARLIER_MS = 1_000;
/** The same for a connection that is bound to a client: losing it means that the person has to prove themselves again. */
const BOUND_IDLE_MS = 60_000;
/** Interim answers to one request. HTTP sets no limit; an upstream that says more of them never comes to an answer. */
const MAX_INTERIM = 16;

/** How long things may take. */
export interface Patience {
  readonly connectTimeoutMs: number;
  readonly responseTimeoutMs: number;
}

/**
 * When a connection broke: before it was there; before the first byte of an answer although it had been used before, so
 * that it may have been dead already; or at any other time.
 */
export type Phase = 'connecting' | 'reused' | 'in-use';

/** The request that is on a connection. */
export interface Occupant {
  readonly method: string;
  /** The request has been given to the connection completely. */
  readonly sent: boolean;
  /** The upstream has been asked for something that it must answer before it gets more. */
  readonly expectsWord: boolean;
  connected(): void;
  interim(status: number, fields: Fields): void;
  switched(head: StatusLine): void;
  head(head: StatusLine, relayed: RelayedHead): void;
  data(chunk: Buffer): boolean;
  trailers(fields: Fields): void;
  flush(): void;
  drain(): void;
  /** The answer is complete, and the connection no longer this request's. */
  over(): void;
  /** The connection is gone before the answer was complete. */
  broken(error: unknown, phase: Phase): void;
}

/** Where a connection belongs to. */
export interface Home {
  readonly address: Address;
  readonly patience: Patience;
  readonly turn: Turn;
  /** The session of an earlier TLS connection. */
  session: Buffer | undefined;
  opened(): void;
  /** It could not be opened. */
  unreachable(): void;
  /** It may carry another request. */
  release(connection: UpstreamConnection): void;
  /** It may carry another request of the client that it is bound to. */
  rest(connection: UpstreamConnection): void;
  /** It carries one again. */
  resume(connection: UpstreamConnection): void;
  /** It is closed or not ours any more; `busy`: there was a request on it. */
  gone(connection: UpstreamConnection, busy: boolean): void;
}

/** One connection to an upstream: one request at a time, and a next one only when nothing about the last was doubtful. */
export class UpstreamConnection implements ReaderEvents<StatusLine>, Waiting {
  readonly home: Home;
  readonly socket: Socket;
  readonly out: Outbox;
  connected = false;
  readonly #forUpgrade: boolean;
  readonly #reader = new MessageReader<StatusLine>('response', LIMITS, this);
  readonly #relayed = new RelayedHead();
  #occupant: Occupant | undefined;
  /** When what we wait for began: connecting, an answer, or being unused. */
  #since: number;
  #idleMs = IDLE_MS;
  /** A request has been answered on it. */
  #used = false;
  /** A byte of the answer to this request has come. */
  #heard = false;
  /** The request is complete and waits for the end of the turn: the upstream has seen nothing of it. */
  #unsent = false;
  #head: StatusLine | undefined;
  /** Interim answers to this request. */
  #interim = 0;
  #complete = false;
  /** Somebody may have proven who they are on it: their next requests find it by the pin, if there is one, and no others do. */
  #bound = false;
  #pin: Pin | undefined;
  /** It waits at its pin. */
  #resting = false;
  #closed = false;
  #readingPastWrites = false;
  /** Bytes that the upstream had taken when we last looked. */
  #taken = 0;
  /** Not for upgrades. */
  #buffer: ReadBuffer | undefined;

  /** Opens one. For an upgrade its socket emits `data` as usual, so that it can be handed over. */
  constructor(home: Home, forUpgrade: boolean, now: number) {
    this.home = home;
    this.#forUpgrade = forUpgrade;
    this.#since = now;
    const socket = connect(home.address, forUpgrade ? undefined : this.#readIntoBuffer(), home.session);
    this.socket = socket;
    this.out = new Outbox(socket);
    socket.on(home.address.tls === undefined ? 'connect' : 'secureConnect', this.#onConnected);
    if (home.address.tls !== undefined) socket.on('session', this.#onSession);
    if (forUpgrade) socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Nothing waits to be written. */
  get flushed(): boolean {
    return this.out.empty;
  }

  /** Somebody may prove on it who they are. */
  bind(pin: Pin | undefined): void {
    this.#bound = true;
    this.#pin = pin;
  }

  /** Puts a request on it. */
  begin(occupant: Occupant, withContent: boolean): void {
    if (this.#resting) this.home.resume(this);
    this.#resting = false;
    this.#occupant = occupant;
    this.#heard = false;
    this.#head = undefined;
    this.#interim = 0;
    this.#complete = false;
    this.#reader.expectBodyOf(occupant.method);
    if (withContent && !this.#readingPastWrites) {
      this.#readingPastWrites = true;
      readPastWrites(this.socket);
    }
  }

  /** Sends what was given to `out`, which is the whole request, with all the others of this turn. */
  send(): void {
    this.#unsent = true;
    this.home.turn.add(this);
  }

  write(): void {
    if (!this.#unsent) return;
    this.#unsent = false;
    if (!this.#closed) this.out.flush();
  }

  /** The upstream owes something from now on. */
  waitFrom(now: number): void {
    if (this.connected) this.#since = now;
  }

  /** Looks whether something is late. */
  check(now: number): void {
    const { connectTimeoutMs, responseTimeoutMs } = this.home.patience;
    const occupant = this.#occupant;
    if (!this.connected) {
      if (now - this.#since >= connectTimeoutMs)
        this.#broken(new UpstreamError('connect-timeout', `no connection within ${connectTimeoutMs} ms`));
    } else if (occupant === undefined) {
      if (now - this.#since >= this.#idleMs) this.close();
    } else if (this.#head === undefined) {
      const waiting = this.socket.writableLength;
      const due = occupant.sent || occupant.expectsWord || waiting > 0;
      // Not how much waits: content that comes in pieces of one size always leaves as much waiting.
      const taken = this.socket.bytesWritten - waiting;
      if (!due || taken !== this.#taken) this.#since = now;
      else if (now - this.#since >= responseTimeoutMs) this.#broken(lateness(occupant, responseTimeoutMs));
      this.#taken = taken;
    }
  }

  /** Closes it. Its request, if there is one, hears nothing. */
  close(): void {
    if (this.#closed) return;
    this.#leave();
    this.socket.destroy();
  }

  /** Closes it, and its request fails. */
  fail(error: unknown): void {
    this.#broken(error);
  }

  /** Hands the socket over to another protocol; gives what has come behind the 101. */
  handOver(): Buffer {
    const { socket } = this;
    const rest = this.#reader.takeRest();
    this.#leave();
    socket.pause();
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('drain', this.#onDrain);
    socket.off('close', this.#onClose);
    socket.off('session', this.#onSession);
    socket.off('error', this.#onError);
    // Until the next owner listens; an unheard error would end the process.
    socket.on('error', ignore);
    return rest;
  }

  head(head: StatusLine): void {
    const occupant = this.#occupant;
    if (occupant === undefined) return;
    if (head.status === 101) occupant.switched(head);
    else if (head.status < 200) {
      if (++this.#interim <= MAX_INTERIM) occupant.interim(head.status, head.fields);
      else this.#broken(new UpstreamError('protocol', `more than ${MAX_INTERIM} interim answers`));
    } else {
      this.#head = head;
      occupant.head(head, this.#relayed);
    }
  }

  data(chunk: Buffer): void {
    if (this.#occupant?.data(chunk) === false) this.#buffer?.keep();
  }

  trailers(fields: Fields): void {
    this.#occupant?.trailers(fields);
  }

  end(): void {
    // Told when the chunk has been read to its end: what follows is a fault, and then the reader is never idle again.
    this.#complete = true;
  }

  fault({ reason }: Fault): void {
    if (!this.#complete) this.#broken(new UpstreamError('protocol', `the answer breaks HTTP: ${reason}`));
  }

  #readIntoBuffer(): OnReadOpts {
    const buffer = new ReadBuffer();
    this.#buffer = buffer;
    return {
      buffer: () => buffer.next(),
      callback: (length) => {
        this.#onData(buffer.view(length));
        return true;
      },
    };
  }

  readonly #onConnected = (): void => {
    this.connected = true;
    this.#since = performance.now();
    this.home.opened();
    this.#occupant?.connected();
  };

  readonly #onSession = (session: Buffer): void => {
    this.home.session = session;
  };

  readonly #onData = (chunk: Buffer): void => {
    // Bytes that nobody asked for.
    if (this.#occupant === undefined) return this.close();
    if (this.#unsent) return this.#broken(new UpstreamError('reset', 'spoke before it was asked'));
    this.#heard = true;
    this.#reader.push(chunk);
    if (this.#complete) this.#finish();
    else this.#occupant?.flush();
  };

  readonly #onEnd = (): void => {
    if (this.#occupant === undefined) return this.close();
    if (this.#head?.body.kind === 'until-close') this.#reader.end();
    if (this.#complete) this.#finish();
    else
      this.#broken(
        new UpstreamError('reset', this.#head === undefined ? 'closed without an answer' : 'closed within an answer'),
      );
  };

  readonly #onDrain = (): void => {
    this.#occupant?.drain();
  };

  readonly #onError = (error: Error): void => {
    this.#broken(error);
  };

  readonly #onClose = (): void => {
    this.#broken(new UpstreamError('reset', 'closed'));
  };

  #finish(): void {
    const occupant = this.#occupant;
    const head = this.#head;
    if (occupant === undefined || head === undefined) return;
    if (this.#mayBeUsedAgain(occupant, head)) {
      this.#occupant = undefined;
      this.#head = undefined;
      this.#used = true;
      this.#since = performance.now();
      if (this.socket.isPaused()) this.socket.resume();
      if (!this.#bound) this.home.release(this);
      else {
        this.home.rest(this);
        this.#resting = true;
        if (this.#pin?.keep(this) !== true) this.close();
      }
    } else this.close();
    occupant.over();
  }

  #mayBeUsedAgain(occupant: Occupant, head: StatusLine): boolean {
    if (this.#forUpgrade || !occupant.sent || !this.out.empty || !this.#reader.idle) return false;
    if (!head.keepAlive || head.minor === 0 || head.body.kind === 'until-close') return false;
    if (this.#bound ? this.#pin === undefined : head.status === 401 && isLegOfProof(head.fields)) return false;
    this.#idleMs = idleMs(head.fields, this.#bound ? BOUND_IDLE_MS : IDLE_MS);
    return this.#idleMs > 0;
  }

  #broken(error: unknown): void {
    if (this.#closed) return;
    const occupant = this.#occupant;
    const phase = !this.connected ? 'connecting' : this.#used && !this.#heard ? 'reused' : 'in-use';
    this.close();
    if (phase === 'connecting') this.home.unreachable();
    occupant?.broken(error, phase);
  }

  #leave(): void {
    const busy = this.#occupant !== undefined;
    this.#closed = true;
    this.#occupant = undefined;
    this.#pin?.lost(this);
    this.home.gone(this, busy);
  }
}

const ignore = (): void => {};

function lateness({ sent }: Occupant, limitMs: number): UpstreamError {
  const what = sent ? `no response within ${limitMs} ms` : 'takes no content and gives no response';
  return new UpstreamError('response-timeout', what);
}

/** How long this upstream lets an unused connection be kept, as far as it says (the `timeout` of `Keep-Alive`, RFC 2068). */
function idleMs(fields: Fields, longest: number): number {
  const announced = /(?:^|,)\s*timeout=(\d{1,9})/i.exec(fieldValues(fields, 'keep-alive').join())?.[1];
  return announced === undefined ? longest : Math.min(longest, Number(announced) * 1_000 - EARLIER_MS);
}
