/**
 * Remembers what was made of a session cookie (opened session, group names, ready
 * header block), so that a busy browser costs one lookup a request.
 *
 * The key is the whole cookie value: a key made from a part of it would let a
 * forged cookie borrow the identity of a genuine one (LiteLLM CVE-2026-35030).
 *
 * @module
 */
export interface SessionCacheOptions {
  /** Entries at most; the one not used for longest goes first. */
  readonly maxEntries: number;
  /** Longest stay, so that changed group names reach a session in use. */
  readonly maxAgeMs: number;
}

/** A bounded memory of opened sessions, by whole cookie. */
export class SessionCache<T> {
  readonly #options: SessionCacheOptions;
  /** In order of use: a Map iterates in order of insertion, and use re-inserts. */
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();

  constructor(options: SessionCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(cookie: string, now: number): T | undefined {
    const entry = this.#entries.get(cookie);
    if (entry === undefined) return undefined;
    this.#entries.delete(cookie);
    if (now >= entry.until) return undefined;
    this.#entries.set(cookie, entry);
    return entry.value;
  }

  /** Keeps `value` until `expiresAt` (see `sessionEnd`), or for `maxAgeMs` if that is sooner. */
  set(cookie: string, value: T, expiresAt: number, now: number): void {
    this.#entries.delete(cookie);
    const until = Math.min(expiresAt, now + this.#options.maxAgeMs);
    if (until <= now) return;
    this.#entries.set(cookie, { value, until });
    if (this.#entries.size <= this.#options.maxEntries) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** Forgets one, as at sign-out. */
  delete(cookie: string): void {
    this.#entries.delete(cookie);
  }

  clear(): void {
    this.#entries.clear();
  }
}
