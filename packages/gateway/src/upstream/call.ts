import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { type Fields, fieldValues } from '../wire/fields.ts';
import type { UpstreamFailure } from '../wire/http.ts';
import { failureOf, UpstreamError } from './failure.ts';
import { type Framing, pairs, requestFields, responseTrailers } from './message.ts';
import type { UpstreamPool } from './pool.ts';

export interface CallOptions {
  readonly method: string;
  readonly target: string;
  readonly fields: Fields;
  readonly framing: Framing;
  readonly upgrade: boolean;
}

/** The head of a response, and its content as a stream that is read at the reader's pace. */
export interface UpstreamResponse {
  readonly status: number;
  readonly reason: string;
  /** As received, hop-by-hop fields included. */
  readonly fields: Fields;
  /** Ends only when the response was complete; otherwise `onFailure` is called. */
  readonly body: Readable;
  readonly chunked: boolean;
  /** Trailer fields, once `body` has ended. */
  trailers(): Fields;
}

/** Who hears what becomes of a call. After `onFailure` or `onUpgrade` nothing more comes. */
export interface CallListener {
  onInterim(status: number, fields: Fields): void;
  onResponse(response: UpstreamResponse): void;
  onUpgrade(fields: Fields, socket: Socket, first: Buffer): void;
  /** More content can be written. */
  onDrain(): void;
  /** It cannot be completed; also when this turns out in the middle of the response. */
  onFailure(failure: UpstreamFailure): void;
}

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Node keeps at most this many lines of a head (as name and value) and drops the rest without a word. */
const NODE_FIELD_LIMIT = 2_000;

const EMPTY = Buffer.alloc(0);

/**
 * One request to an upstream. It is sent a second time in one case only: nothing in it has to be repeated (no content),
 * the method is idempotent, and the kept connection it went out on was closed before one byte came back.
 */
export class UpstreamCall {
  readonly #pool: UpstreamPool;
  readonly #options: CallOptions;
  readonly #listener: CallListener;
  #request: ClientRequest;
  #socket: Socket | undefined;
  /** Bytes that had been read from the connection before this request used it. */
  #bytesBefore = 0;
  #answered = false;
  #over = false;
  #error: unknown;
  #timer: NodeJS.Timeout | undefined;

  constructor(pool: UpstreamPool, options: CallOptions, listener: CallListener) {
    this.#pool = pool;
    this.#options = options;
    this.#listener = listener;
    this.#request = this.#open(options.upgrade);
    // The head goes out now, whenever content follows. A write of nothing, since flushHeaders() would write it as UTF-8.
    if (options.framing.kind !== 'none') this.#request.write(EMPTY);
  }

  /** Writes content; false asks to wait for `onDrain`. */
  write(chunk: Uint8Array): boolean {
    return this.#request.write(chunk);
  }

  /** Ends the request. Trailers go out only where content is chunked. */
  end(trailers: Fields): void {
    if (trailers.length > 0 && this.#options.framing.kind === 'chunked') this.#request.addTrailers(pairs(trailers));
    this.#request.end();
  }

  /** Gives the call up; nothing is reported any more. What was answered completely leaves its connection to the pool. */
  destroy(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#request.destroy();
  }

  /** Gives the call up for a reason found elsewhere, and reports it. */
  fail(error: UpstreamError): void {
    this.#fail(error);
  }

  #open(fresh: boolean): ClientRequest {
    const { method, target, fields, framing, upgrade } = this.#options;
    const request = this.#pool.open(method, target, requestFields(fields, framing, method, upgrade), fresh);
    request.on('socket', (socket: Socket) => {
      this.#socket = socket;
      this.#bytesBefore = socket.bytesRead;
    });
    request.on('information', (info) => this.#listener.onInterim(info.statusCode, info.rawHeaders));
    request.on('response', (response) => this.#onResponse(response));
    request.on('upgrade', (response, socket, first) => this.#onUpgrade(response, socket, first));
    request.on('drain', () => this.#listener.onDrain());
    request.on('finish', () => this.#startTimer());
    request.on('error', (error) => this.#onError(request, error));
    request.on('close', () => this.#onClose(request));
    return request;
  }

  #startTimer(): void {
    if (this.#answered || this.#over) return;
    const { responseTimeoutMs: limit } = this.#pool;
    this.#timer = setTimeout(() => {
      this.#fail(new UpstreamError('response-timeout', `no response within ${limit} ms`));
    }, limit);
  }

  #onResponse(response: IncomingMessage): void {
    if (this.#over) return;
    clearTimeout(this.#timer);
    this.#answered = true;
    const status = response.statusCode ?? 0;
    if (status < 200) return this.#fail(new UpstreamError('protocol', `unexpected status ${status}`));
    if (response.rawHeaders.length >= NODE_FIELD_LIMIT)
      return this.#fail(new UpstreamError('protocol', 'too many header fields'));
    const codings = fieldValues(response.rawHeaders, 'transfer-encoding');
    // Node undoes `chunked` alone; what else was applied would reach the client unannounced (RFC 9112, 6.1).
    if (codings.length > 1 || (codings[0] ?? 'chunked').toLowerCase() !== 'chunked')
      return this.#fail(new UpstreamError('protocol', 'unknown transfer coding'));
    response.on('close', () => {
      if (!response.readableEnded) this.#fail(this.#error ?? new UpstreamError('reset', 'closed within a response'));
    });
    this.#listener.onResponse({
      status,
      reason: response.statusMessage ?? '',
      fields: response.rawHeaders,
      body: response,
      chunked: codings.length === 1,
      trailers: () => responseTrailers(response.rawTrailers),
    });
  }

  #onUpgrade(response: IncomingMessage, socket: Socket, first: Buffer): void {
    clearTimeout(this.#timer);
    this.#answered = true;
    if (this.#over || !this.#options.upgrade) {
      socket.destroy();
      return this.#fail(new UpstreamError('protocol', 'switched protocols without being asked'));
    }
    this.#over = true;
    this.#listener.onUpgrade(response.rawHeaders, socket, first);
  }

  #onError(request: ClientRequest, error: Error): void {
    if (request !== this.#request || this.#over) return;
    this.#error = error;
    // Within a response its stream decides: it may have been complete before the connection broke.
    if (this.#answered) return;
    if (this.#mayRepeat(error)) {
      this.#request = this.#open(true);
      this.#request.end();
      return;
    }
    this.#fail(error);
  }

  #onClose(request: ClientRequest): void {
    if (request === this.#request && !this.#answered)
      this.#fail(this.#error ?? new UpstreamError('protocol', 'closed without a response'));
  }

  #mayRepeat(error: Error): boolean {
    const { method, framing } = this.#options;
    const unread = this.#socket?.bytesRead === this.#bytesBefore;
    return (
      this.#request.reusedSocket &&
      unread &&
      framing.kind === 'none' &&
      IDEMPOTENT.has(method) &&
      failureOf(error, '').code === 'reset'
    );
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.destroy();
    this.#listener.onFailure(failureOf(error, this.#pool.origin));
  }
}
