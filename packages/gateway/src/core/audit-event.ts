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

/** A provider has ended sessions itself (OpenID Connect Back-Channel Logout). */
export interface ProviderLogoutEvent extends Common {
  readonly kind: 'provider-logout';
  /** The id of its entry in the configuration. */
  readonly provider: string;
  /** What has ended: one session at the provider, or everything of a person. */
  readonly ended: 'provider-session' | 'person';
  /** The revoked key: the provider's session, or the subject. */
  readonly key: string;
}

export interface ProviderLogoutRefusedEvent extends Common {
  readonly kind: 'provider-logout-refused';
  readonly provider: string;
  readonly reason: string;
  readonly detail: string;
}

/** Somebody has exchanged their sign-in for a stream token. */
export interface StreamTokenEvent extends Common {
  readonly kind: 'stream-token-issued';
  readonly path: string;
  /** It is good for everything below the path as well. */
  readonly below: boolean;
}

/** Somebody has said yes to one action on one job. */
export interface ApprovalEvent extends Common {
  readonly kind: 'approval-given' | 'approval-refused';
  readonly action: string;
  readonly job: string;
  /** Only when refused. */
  readonly reason: string | undefined;
}

/** What was approved has been let through to its app, once. `account` and `subject` are those of who asked for it. */
export interface ApprovalUsedEvent extends Common {
  readonly kind: 'approval-used';
  readonly action: string;
  readonly job: string;
  /** The account of the person who approved it. */
  readonly approver: string;
  /** The id of the API key that came with it, if one did. */
  readonly key: string | undefined;
}

/** An administrator has made or revoked an API key at the command line. */
export interface ApiKeyEvent extends Common {
  readonly kind: 'api-key-created' | 'api-key-revoked';
  readonly key: string;
  readonly name: string;
  readonly owner: string;
  /** Who on this machine, as the operating system knows them. */
  readonly by: string;
}

/** An administrator has ended sessions. `account` and `subject` are those of the person, when there is one. */
export interface SessionRevokedEvent extends Common {
  readonly kind: 'session-revoked';
  readonly ended: 'session' | 'person' | 'everybody';
  /** What was named: the session's id, or the person; empty for everybody. */
  readonly key: string;
  /** How many of those that were listed have ended. */
  readonly sessions: number;
  /** Who on this machine, as the operating system knows them. */
  readonly by: string;
}

/**
 * An app has asked what somebody else may do (`POST /auth/check`), or has tried to. `account` and `subject` are those of who asks.
 * Once in a while for each person, and a few in a second at most.
 */
export interface AuthorizationAskedEvent extends Common {
  readonly kind: 'authorization-asked' | 'authorization-refused';
  /** The person, as the app has named them. */
  readonly about: string;
  /** How many such events were left out before this one. */
  readonly leftOut: number;
}

/** Somebody has got a token for another service. */
export interface TokenIssuedEvent extends Common {
  readonly kind: 'token-issued';
  /** The id of the client in the configuration. */
  readonly client: string;
  readonly audience: string;
  /** Its `jti`. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** How many groups are in it. */
  readonly groups: number;
}

/** Somebody who has signed in has not got a token. */
export interface TokenRefusedEvent extends Common {
  readonly kind: 'token-refused';
  /** Empty when it is not known. */
  readonly client: string;
  readonly reason: string;
}

/** An administrator has turned, or taken away, a key of the issuer at the command line. */
export interface SigningKeyEvent extends Common {
  readonly kind: 'signing-key-made' | 'signing-key-retired';
  /** Its `kid`. */
  readonly key: string;
  /** Who on this machine, as the operating system knows them. */
  readonly by: string;
}

/** The limits of apps are counted by this process alone from now on, because their store cannot be asked; or together again. */
export interface LimitsEvent extends Common {
  readonly kind: 'limits-unshared' | 'limits-shared';
}

/** Of what strangers have caused, as much was not written down (`audit/bounded.ts`). `address` is the one that has caused most of it. */
export interface LeftOutEvent extends Common {
  readonly kind: 'left-out';
  /** The kind of the events. */
  readonly of: string;
  readonly count: number;
  /** How many addresses have caused them. */
  readonly addresses: number;
}

/** A WebSocket, an event stream, or (closed alone) another response that we have cut. */
export interface SocketEvent extends Common {
  readonly kind: 'websocket-opened' | 'websocket-closed' | 'stream-opened' | 'stream-closed';
  readonly path: string;
  /** Only when closed. */
  readonly durationMs: number | undefined;
  readonly bytesToClient: number | undefined;
  readonly bytesToUpstream: number | undefined;
  /** Only when closed: who ended it, for example `client`, `upstream`, `shutdown`; or why we did (`server/stream-ends.ts`). */
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
  | ProviderLogoutEvent
  | ProviderLogoutRefusedEvent
  | StreamTokenEvent
  | ApprovalEvent
  | ApprovalUsedEvent
  | ApiKeyEvent
  | SessionRevokedEvent
  | TokenIssuedEvent
  | TokenRefusedEvent
  | SigningKeyEvent
  | LimitsEvent
  | LeftOutEvent
  | AuthorizationAskedEvent
  | SocketEvent
  | UpstreamFailedEvent;

type Particulars<E> = E extends AuditEvent ? Omit<E, keyof Common> : never;

/** An event without what every event has: what its maker alone knows. */
export type EventParticulars = Particulars<AuditEvent>;
