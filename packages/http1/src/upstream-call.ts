import { lastChunk } from './chunked.ts';
import type { UpstreamFailure } from './exchange.ts';
import { type Fields, fieldValues } from './fields.ts';
import type { StatusLine } from './head.ts';
import type { Outbox } from './outbox.ts';
import type { RelayedHead } from './relayed-head.ts';
import type { Call, CallEvents, CallOptions } from './upstream.ts';
import type { Home, Occupant, Phase, UpstreamConnection } from './upstream-connection.ts';
import { failureOf, UpstreamError } from './upstream-failure.ts';

/** How much content is taken while there is no connection yet. */
const HELD_BYTES = 64 * 1024;

/** Where a call gets its connections from. */
export interface Route {
  /** A kept connection if there is one and `kept` allows it, else a new one; `undefined` when all addresses have been tried. */
  connection(options: {
    readonly kept: boolean;
    readonly upgrade: boolean;
    readonly tried: ReadonlySet<Home>;
  }): UpstreamConnection | undefined;
}

/**
 * One request to an upstream. It goes to another connection in two cases only: no connection came about, so that nothing
 * was sent; or nothing in it has to be repeated (no content), it may be sent twice, and the kept connection it went out
 * on was closed before one byte came back. The second happens once.
 */
export class UpstreamCall implements Call, Occupant {
  readonly method: string;
  sent: boolean;
  readonly #route: Route;
  readonly #head: string;
  readonly #options: CallOptions;
  readonly #events: CallEvents;
  #connection: UpstreamConnection | undefined;
  /** What is to be written when the connection is there. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #trailers: Fields = [];
  /** Bytes of the content that the head announces and that have not been written. */
  #missing: number;
  readonly #chunked: boolean;
  readonly #withContent: boolean;
  #flushing = false;
  #answered = false;
  #continued = false;
  #paused = false;
  /** It has been sent twice, and goes to no kept connection any more. */
  #repeated = false;
  #over = false;
  #tried: Set<Home> | undefined;

  constructor(route: Route, head: string, options: CallOptions, events: CallEvents) {
    const { body } = options;
    if (body.kind === 'until-close') throw new TypeError('Cannot send a request whose content has no end');
    this.#route = route;
    this.#head = head;
    this.#options = options;
    this.#events = events;
    this.method = options.method;
    this.#chunked = body.kind === 'chunked';
    this.#missing = body.kind === 'length' ? body.length : 0;
    this.#withContent = this.#chunked || this.#missing > 0;
    this.sent = !this.#withContent;
  }

  get expectsWord(): boolean {
    return this.#options.expectContinue && !this.#continued;
  }

  get flushed(): boolean {
    return this.#heldBytes === 0 && (this.#over || this.#connection?.flushed !== false);
  }

  /** Sends it on its way. */
  start(): void {
    const { upgrade, pin } = this.#options;
    const own = upgrade ? undefined : pin?.take();
    this.#takeConnection(own ?? this.#route.connection({ kept: !upgrade, upgrade, tried: NONE }));
  }

  write(chunk: Buffer): boolean {
    if (this.#over || chunk.length === 0) return true;
    if (this.sent) throw new Error('Cannot write content: the request is complete');
    if (!this.#chunked) {
      if (chunk.length > this.#missing) throw new RangeError('Cannot write content: it is longer than announced');
      this.#missing -= chunk.length;
    }
    const connection = this.#connection;
    if (connection?.connected !== true) {
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
      return this.#heldBytes < HELD_BYTES;
    }
    this.#put(connection.out, chunk);
    this.#flushSoon(connection.out);
    return !connection.out.full;
  }

  end(trailers: Fields = []): void {
    if (this.#over || this.sent) return;
    if (this.#missing > 0) throw new RangeError('Cannot end the request: its content is shorter than announced');
    this.sent = true;
    this.#trailers = trailers;
    if (this.#connection?.connected === true) this.#writeEnd(this.#connection);
  }

  pauseResponse(): void {
    if (this.#over) return;
    this.#paused = true;
    // While it is being opened there is nothing to read yet, except what TLS needs.
    if (this.#connection?.connected === true) this.#connection.socket.pause();
  }

  resumeResponse(): void {
    if (this.#over || !this.#paused) return;
    this.#paused = false;
    if (this.#connection?.connected === true) this.#connection.socket.resume();
  }

  abort(): void {
    if (this.#over) return;
    this.#finish();
    this.#connection?.close();
  }

  connected(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const { out } = connection;
    out.add(this.#head);
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const chunk of held) this.#put(out, chunk);
    if (this.#paused) connection.socket.pause();
    if (this.sent) this.#writeEnd(connection);
    else {
      connection.waitFrom(performance.now());
      this.#flushSoon(out);
    }
    if (held.length > 0 && !this.sent && !out.full) this.#events.drain();
  }

  interim(status: number, fields: Fields): void {
    if (status !== 100) return this.#events.informational(status, fields);
    this.#continued = true;
    this.#events.continue_();
  }

  switched(head: StatusLine): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (!this.#options.upgrade || !toWebSocket(head.fields) || !this.sent)
      return connection.fail(new UpstreamError('protocol', 'switched protocols without being asked'));
    this.#finish();
    const rest = connection.handOver();
    this.#events.upgraded(head, connection.socket, rest);
  }

  head(head: StatusLine, relayed: RelayedHead): void {
    this.#answered = true;
    this.#events.head(head, relayed);
  }

  data(chunk: Buffer): boolean {
    return this.#events.data(chunk);
  }

  trailers(fields: Fields): void {
    this.#events.trailers(fields);
  }

  flush(): void {
    this.#events.flush();
  }

  drain(): void {
    this.#events.drain();
  }

  over(): void {
    this.#finish();
    this.#events.end();
  }

  broken(error: unknown, phase: Phase): void {
    const failed = this.#connection;
    if (this.#over || failed === undefined) return;
    this.#connection = undefined;
    const failure = failureOf(error, failed.home.address.origin);
    const next = this.#another(failed.home, phase, failure);
    if (next !== undefined) return this.#takeConnection(next);
    this.#finish();
    this.#events.failed(failure, this.#answered);
  }

  #another(home: Home, phase: Phase, failure: UpstreamFailure): UpstreamConnection | undefined {
    const { upgrade, idempotent } = this.#options;
    if (phase === 'connecting') {
      this.#tried ??= new Set();
      this.#tried.add(home);
      return this.#route.connection({ kept: !upgrade && !this.#repeated, upgrade, tried: this.#tried });
    }
    if (phase !== 'reused' || !idempotent || this.#withContent || failure.code !== 'reset') return undefined;
    this.#repeated = true;
    return this.#route.connection({ kept: false, upgrade, tried: NONE });
  }

  #takeConnection(connection: UpstreamConnection | undefined): void {
    if (connection === undefined) throw new Error('There is no address to connect to');
    this.#connection = connection;
    const { bound = false, pin } = this.#options;
    if (bound) connection.bind(pin);
    connection.begin(this, this.#withContent);
    if (connection.connected) this.connected();
  }

  #put(out: Outbox, chunk: Buffer): void {
    if (this.#chunked) out.chunk(chunk);
    else out.content(chunk);
  }

  #writeEnd(connection: UpstreamConnection): void {
    if (this.#chunked) connection.out.add(lastChunk(this.#trailers));
    if (this.#withContent) connection.out.flush();
    else connection.send();
    connection.waitFrom(performance.now());
  }

  /** Head and content, or content and its end, that are given in one go leave in one write. */
  #flushSoon(out: Outbox): void {
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      out.flush();
    });
  }

  #finish(): void {
    this.#over = true;
    this.#held = [];
    this.#heldBytes = 0;
  }
}

const NONE: ReadonlySet<Home> = new Set();

/** What the answer to a WebSocket handshake says beside its status (RFC 6455, 4.1); it is the only upgrade ever asked for. */
function toWebSocket(fields: Fields): boolean {
  const protocols = fieldValues(fields, 'upgrade');
  const options = fieldValues(fields, 'connection').flatMap((value) => value.split(','));
  return (
    protocols.length === 1 &&
    protocols[0]?.toLowerCase() === 'websocket' &&
    options.some((option) => option.trim().toLowerCase() === 'upgrade')
  );
}
