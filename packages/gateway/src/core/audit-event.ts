/**
 * What is written down about who did what. Events are plain data without any
 * credential; sinks (stdout, SQLite) add nothing to them.
 *
 * @module
 */

interface Common {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** One id for everything that happened to one request; also in the error page that a person sees. */
  readonly requestId: string;
  /** The client's address, after trusted proxies were taken into account. */
  readonly address: string;
  /** The app's name, when a route was found. */
  readonly app: string | undefined;
  readonly account: string | undefined;
  readonly subject: string | undefined;
}

export interface SignInEvent extends Common {
  readonly kind: 'sign-in';
  readonly method: string;
  /** Anything an administrator should know, such as "PAC without groups". */
  readonly note: string | undefined;
}

export interface SignInFailedEvent extends Common {
  readonly kind: 'sign-in-failed';
  readonly method: string;
  /** Stable code, for example `clock-skew`. */
  readonly reason: string;
  /** Text for the administrator; never shown to the client. */
  readonly detail: string;
}

export interface RefusedEvent extends Common {
  readonly kind: 'refused';
  readonly reason: string;
  readonly httpMethod: string;
  readonly host: string;
  /** Path without query. */
  readonly path: string;
}

export interface SignOutEvent extends Common {
  readonly kind: 'sign-out';
}

export interface SocketEvent extends Common {
  readonly kind: 'websocket-opened' | 'websocket-closed';
  readonly path: string;
  /** Only when closed. */
  readonly durationMs: number | undefined;
  readonly bytesToClient: number | undefined;
  readonly bytesToUpstream: number | undefined;
  /** Only when closed: who ended it, for example `client`, `upstream`, `shutdown`. */
  readonly reason: string | undefined;
}

export interface UpstreamFailedEvent extends Common {
  readonly kind: 'upstream-failed';
  readonly reason: string;
  readonly detail: string;
  readonly path: string;
}

export type AuditEvent =
  | SignInEvent
  | SignInFailedEvent
  | RefusedEvent
  | SignOutEvent
  | SocketEvent
  | UpstreamFailedEvent;

type Particulars<E> = E extends AuditEvent ? Omit<E, keyof Common> : never;

/** An event without what every event has: what its maker alone knows. */
export type EventParticulars = Particulars<AuditEvent>;
