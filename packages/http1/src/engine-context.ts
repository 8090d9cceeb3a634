import type { Handler, Reply } from './exchange.ts';
import type { ContentRoom } from './held-content.ts';
import type { Turn } from './turn.ts';
import type { UpstreamPools } from './upstream-pool.ts';

/** What a client may cost. */
export interface EngineLimits {
  /** Bytes of request line and header together; Kerberos tokens of people in many groups need 64 KiB. Over it: 431. */
  readonly headBytes: number;
  /** Header fields, and trailer fields. Over it: 431. */
  readonly headerCount: number;
  /** From the first byte of a request (or from connecting) to the end of its head. Over it: 408. */
  readonly headTimeoutMs: number;
  /** For an unused connection. */
  readonly idleTimeoutMs: number;
  /** For an upload that makes no progress before the response has begun; default: `idleTimeoutMs`. Over it: 408. */
  readonly bodyTimeoutMs?: number | undefined;
  /** For a client that takes nothing of what it asked for; default: `idleTimeoutMs`. Over it: closed. */
  readonly writeTimeoutMs?: number | undefined;
  /** Bytes of a request's content; without it, any number. Over it: 413. */
  readonly bodyBytes?: number | undefined;
  /** Bytes of content that all connections of the engine together hold to be judged (`Inspection`); without it, any number. */
  readonly heldBytes?: number | undefined;
  /** Connections that one address may have open; without it, any number. Further ones are closed at once. */
  readonly connectionsPerAddress?: number | undefined;
}

/** A tunnel as the engine sees it: something to end. */
export interface OpenTunnel {
  destroy(reason: string): void;
  close(code: number, reason: string): void;
}

/** What belongs to one engine and everything in it needs. */
export interface EngineContext {
  readonly handler: Handler;
  readonly limits: EngineLimits;
  readonly pools: UpstreamPools;
  readonly turn: Turn;
  readonly contentRoom: ContentRoom;
  readonly tunnels: Set<OpenTunnel>;
  /** The `Date` field line of this second. */
  readonly dateLine: () => string;
  /** No new requests: every response closes its connection. */
  draining: boolean;
  /** The grace is over: what ends now, ends by `shutdown`. */
  stopping: boolean;
  /** For the log: a bug here or in the handler. Never what a client or an upstream can cause. */
  readonly onError: (detail: string, cause?: unknown) => void;
}

/** The same handler, except that a bug in its replies cannot end the process: it is reported, and a bare reply goes out. */
export function guarded(handler: Handler, onError: EngineContext['onError']): Handler {
  const attempt = (make: () => Reply, status: number): Reply => {
    try {
      return make();
    } catch (error) {
      onError('A reply could not be made', error);
      return { status, fields: [], body: '', close: true };
    }
  };
  return {
    decide: (head, client) => handler.decide(head, client),
    upstreamFailed: (head, failure, verdict) => attempt(() => handler.upstreamFailed(head, failure, verdict), 502),
    badRequest: (status, detail) => attempt(() => handler.badRequest(status, detail), status),
  };
}
