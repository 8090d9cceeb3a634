/**
 * The client side as its caller sees it: a request goes out with `UpstreamPools.call`, what comes back arrives at
 * `CallEvents`. No event is given before `call` has returned. After `end`, `failed` or `upgraded` none follows, and
 * the methods of the call do nothing.
 *
 * @module
 */
import type { Socket } from 'node:net';
import type { Pin } from './bound-connection.ts';
import type { UpstreamFailure } from './exchange.ts';
import type { Fields } from './fields.ts';
import type { BodyFraming } from './framing.ts';
import type { StatusLine } from './head.ts';
import type { RelayedHead } from './relayed-head.ts';

/** What the pool must know of a request beside its head. */
export interface CallOptions {
  readonly method: string;
  /** How the head announces the content. `until-close` is no framing of a request. */
  readonly body: BodyFraming;
  /** The head asks for a WebSocket (RFC 6455, 4.1): the call gets a connection of its own. */
  readonly upgrade: boolean;
  /** It may be sent twice (`isIdempotent`). It is, once, if it has no content and a kept connection was dead. */
  readonly idempotent: boolean;
  /** The head has `Expect: 100-continue`: the upstream must say something within its response timeout. */
  readonly expectContinue: boolean;
  /** It may authenticate the connection that it goes out on: nobody else's request follows it there. */
  readonly bound?: boolean;
  /** Where such a connection of this client waits. Without one, it closes after the answer. */
  readonly pin?: Pin | undefined;
}

/** Whether a request with this method may be sent twice (RFC 9110, 9.2.2). */
export const isIdempotent = (method: string): boolean => IDEMPOTENT.has(method);

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Who hears what becomes of a call. */
export interface CallEvents {
  /** 100: the content is asked for. */
  continue_(): void;
  /** Any other interim answer (RFC 9110, 15.2). */
  informational(status: number, fields: Fields): void;
  /**
   * The final answer begins. Its fields are as received, hop-by-hop fields included. `relayed` belongs to the connection
   * that it came on.
   */
  head(head: StatusLine, relayed: RelayedHead): void;
  /**
   * Content. The bytes lie in a buffer that is read into again: true says that they are no longer needed, false that
   * they are kept (somebody still writes them), and another buffer is taken.
   */
  data(chunk: Buffer): boolean;
  /** Trailer fields, when there are any; before `end`. */
  trailers(fields: Fields): void;
  /** The answer is complete. Its connection is free again already, so a next call may be made from here. */
  end(): void;
  /** All events of one read have been given and the answer is not over: what is held back to be written at once goes out. */
  flush(): void;
  /** It cannot be completed. `answered`: `head` was given before. */
  failed(failure: UpstreamFailure, answered: boolean): void;
  /** After a `write` that gave false: more can be written. */
  drain(): void;
  /**
   * 101, as was asked for. The socket is paused, its other direction stays open when one ends, nobody listens on it but
   * for errors; `rest` is what came behind the head.
   */
  upgraded(head: StatusLine, socket: Socket, rest: Buffer): void;
}

/** One request on its way. */
export interface Call {
  /**
   * Writes content, framed as the head says. False asks to wait for `drain`. Throws when the content exceeds the length
   * that was announced: what would follow could be read as another request.
   */
  write(chunk: Buffer): boolean;
  /** Nothing that was given to `write` is held back any more: its memory may be used again. */
  readonly flushed: boolean;
  /**
   * The request is complete. Trailers, which must be well-formed, go out where the content is chunked. Throws when
   * content is missing. Needless where no content was announced.
   */
  end(trailers?: Fields): void;
  /** Stops reading; what has been read already may still come (one buffer at most). */
  pauseResponse(): void;
  resumeResponse(): void;
  /** Gives the call up, and its connection with it. Nothing is reported any more. */
  abort(): void;
}
