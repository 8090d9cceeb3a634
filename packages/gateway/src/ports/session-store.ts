/**
 * Who is signed in, on all threads and replicas; and, where sessions do not travel in their
 * cookie, the sessions themselves. Every operation throws `StoreUnavailable` when the store
 * cannot be asked.
 *
 * @module
 */

/** What administrators may see of a session. */
export interface SessionSummary {
  readonly id: string;
  readonly subject: string;
  readonly account: string;
  readonly upn?: string | undefined;
  /** The kind of sign-in: `negotiate`, `oidc`, ... */
  readonly method: string;
  /** The name of the sign-in method's entry in the configuration. */
  readonly provider?: string | undefined;
  /** The provider's own name for its session (`sid`, OpenID Connect Back-Channel Logout 1.0, 2.1). */
  readonly providerSession?: string | undefined;
  readonly address: string;
  /** `Chrome on Windows`. */
  readonly device: string;
  /** Where the session began. */
  readonly app?: string | undefined;
  /** Times are milliseconds since the epoch. */
  readonly since: number;
  readonly lastSeen: number;
  readonly expiresAt: number;
}

/** A session as it is kept. Both texts of bytes are sealed by the caller: whoever reads the store learns nothing from them. */
export interface StoredSession extends SessionSummary {
  /** The whole session, when it is not in the cookie. */
  readonly body?: Uint8Array | undefined;
  /** What renews the identity: an OpenID Connect refresh token. */
  readonly refresh?: Uint8Array | undefined;
}

export interface SessionQuery {
  /**
   * A person: the account, subject or UPN, or the account without its domain (`alice` finds `CORP\alice` and
   * `alice@corp.example`). Case makes no difference. Default: everybody.
   */
  readonly person?: string | undefined;
  /** At most so many; default and maximum: 1,000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

export interface SessionPage {
  /** The newest first. */
  readonly sessions: readonly SessionSummary[];
  /** For the page that follows; `undefined` on the last one. */
  readonly next: string | undefined;
}

/** How much one store keeps. What exceeds a bound goes, and with it those sessions whose bodies are here. */
export interface SessionBounds {
  /** Sessions in all; the oldest go first. Default: 200,000. */
  readonly total?: number;
  /**
   * Sessions of one account; those never used again go first, then those unused for longest. A program that signs in
   * for each request begins one every time. Default: 100.
   */
  readonly perPerson?: number;
}

export interface SessionStore {
  /** Keeps a session until `expiresAt`, or replaces the one with this id. */
  put(session: StoredSession): Promise<void>;
  /** `undefined` for one that is unknown, removed or expired. */
  get(id: string): Promise<StoredSession | undefined>;
  /** Replaces what is given and leaves the rest. False for an unknown session: it does not come back to life by this. */
  update(id: string, change: Pick<StoredSession, 'body' | 'refresh'>): Promise<boolean>;
  /**
   * Notes when sessions were used, many at once. Gives the ids that are unknown here, for callers that can `put` them again
   * (the store may have lost its memory).
   */
  touch(seen: readonly SessionUse[]): Promise<readonly string[]>;
  list(query?: SessionQuery): Promise<SessionPage>;
  /** Gives how many of them were there. This alone does not end a session whose cookie holds all of it: see `Revocations`. */
  remove(ids: readonly string[]): Promise<number>;
  close(): void | Promise<void>;
}

export interface SessionUse {
  readonly id: string;
  readonly lastSeen: number;
}
