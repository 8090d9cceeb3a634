/**
 * This thread's copy of what has been revoked. Asking it costs a few lookups; keeping it
 * costs one small question to the store several times a second.
 *
 * When the store is down the copy goes on being used, and what is revoked here meanwhile is written once it is
 * back. When the store has lost its memory everything known here is written back, by everybody, before the store counts as
 * settled: nothing comes back to life. Until the first copy has been read, everything counts as revoked.
 *
 * @module
 */
import {
  covers,
  providerSessionKey,
  type Revocation,
  type RevocationKind,
  type Revocations,
  widened,
} from '../ports/revocations.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { canonicalName } from './canonical-name.ts';

/** What is asked about: a session, or another credential of a person. */
export interface Issued {
  /** The session's id. */
  readonly id?: string | undefined;
  readonly subject: string;
  readonly account: string;
  readonly upn?: string | undefined;
  readonly provider?: string | undefined;
  readonly providerSession?: string | undefined;
  /** When the person signed in, or the token was issued. Milliseconds since the epoch. */
  readonly issuedAt: number;
}

/** What is to be revoked. */
export interface RevocationRequest {
  readonly kind: RevocationKind;
  readonly key: string;
  readonly reason: string;
  /** When what it is about has expired anyway. Default: when the longest possible session has. */
  readonly until?: number;
}

export interface RevocationListOptions {
  readonly store: Revocations;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How often the store is asked; default 400 ms. */
  readonly everyMs?: number;
  /** One line when the store cannot be asked, one when it can be again. Must not throw. */
  readonly onTrouble: (message: string) => void;
  readonly onRecovery: (message: string) => void;
}

/**
 * How far the clocks of replicas may be apart. Sessions that a replica whose clock is ahead has issued are caught by a
 * revocation from another one; `earliestIssue` keeps that from touching those who sign in again afterwards.
 */
export const clockLeewayMs = 10_000;

/** The longest lifetime that a configuration may name, and a day. */
const longestMs = 31 * 86_400_000;

const maxSpellings = 10_000;

/** Entries of `kind` for which it does not matter when something was issued: such a name is given once. */
const isName = (kind: RevocationKind): boolean => kind === 'session' || kind === 'api-key';

/** The entry for a request, made now. It covers all that was issued up to now by any clock within `clockLeewayMs`. */
export function revocation({ kind, key, reason, until }: RevocationRequest, now: number): Revocation {
  const before = Math.floor(now) + 1 + clockLeewayMs;
  return {
    kind,
    key: kind === 'person' ? canonicalName(key) : key,
    before,
    until: (until ?? before + longestMs) + clockLeewayMs,
    reason,
  };
}

/** This thread's copy of the shared list. */
export class RevocationList {
  readonly #options: RevocationListOptions;
  readonly #known: Readonly<Record<RevocationKind, Map<string, Revocation>>> = {
    session: new Map(),
    person: new Map(),
    'provider-session': new Map(),
    everybody: new Map(),
    'api-key': new Map(),
  };
  readonly #spellings = new Map<string, string>();
  readonly #listeners = new Set<(entries: readonly Revocation[]) => void>();
  /** Revoked here and not written yet. */
  #unwritten: Revocation[] = [];
  #version = 0;
  #cursor: string | undefined;
  #ready = false;
  #currentAt: number | undefined;
  #failing = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #sweepAt = 0;
  readonly #firstCopy = Promise.withResolvers<void>();

  /** Begins at once to read the list, and tries until it succeeds. */
  constructor(options: RevocationListOptions) {
    this.#options = options;
    void this.#pollAgain();
  }

  /** Whether there is a copy. Without one everything counts as revoked: answer 503 rather than send people to sign in. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Another number whenever an entry has come or changed: what was not revoked at the same number is not revoked now. */
  get version(): number {
    return this.#version;
  }

  /** Resolves when there is a copy, or after `withinMs`; says which. */
  async whenReady(withinMs: number): Promise<boolean> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, withinMs);
    await Promise.race([this.#firstCopy.promise, late.promise]);
    clearTimeout(timer);
    return this.#ready;
  }

  /** When the copy was last the same as the list; `undefined` before the first time. For metrics and readiness. */
  get currentAt(): number | undefined {
    return this.#currentAt;
  }

  /** How many entries there are. */
  get size(): number {
    return Object.values(this.#known).reduce((sum, entries) => sum + entries.size, 0);
  }

  /** Whether this has been revoked. At once. True for everything while there is no copy. */
  isRevoked(what: Issued): boolean {
    return !this.#ready || this.reasonFor(what) !== undefined;
  }

  /** Why, for the audit log; `undefined` when it is good (or there is no copy). */
  reasonFor(what: Issued): string | undefined {
    const byId = what.id === undefined ? undefined : this.#known.session.get(what.id);
    if (byId !== undefined) return byId.reason;
    const latest = this.#latest(what);
    return latest !== undefined && what.issuedAt < latest.before ? latest.reason : undefined;
  }

  /** Whether an API key has been revoked, or everybody's keys are unknown because there is no copy. */
  isKeyRevoked(id: string): boolean {
    return !this.#ready || this.#known['api-key'].has(id);
  }

  /**
   * The time of issue for somebody who signs in now: now, or somewhat later when a revocation that covers the last moments is
   * about the same person. With it the new session is good, also when it begins in the millisecond of the revocation.
   */
  earliestIssue(who: Omit<Issued, 'id' | 'issuedAt'>, now: number): number {
    return Math.max(now, this.#latest(who)?.before ?? now);
  }

  /**
   * Revokes: here at once, everywhere else as soon as they ask the store. `pending`: the store could not be reached; it will
   * be told as soon as it can be, for as long as this process lives.
   */
  async revoke(...requests: readonly RevocationRequest[]): Promise<'shared' | 'pending'> {
    const entries = requests.map((request) => revocation(request, this.#options.now()));
    this.#learn(entries);
    this.#unwritten.push(...entries);
    try {
      await this.#write();
      return 'shared';
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#failed(error);
      return 'pending';
    }
  }

  /**
   * What another part of this process has revoked. `unwritten`: the store could not be told; everybody here tells it then, so that
   * it is not lost with whoever wanted it.
   */
  hear(entries: readonly Revocation[], unwritten: boolean): void {
    const now = this.#options.now();
    if (unwritten) {
      const waiting = new Map(this.#unwritten.map((entry) => [nameOf(entry), entry]));
      for (const entry of entries) {
        const known = waiting.get(nameOf(entry));
        if (entry.until > now && (known === undefined || !covers(known, entry))) this.#unwritten.push(entry);
      }
    }
    this.#learn(entries);
  }

  /** Tells what has newly been revoked, here or elsewhere, so that open streams can be ended. Gives what stops that. */
  onRevoked(listener: (entries: readonly Revocation[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Asks the store now, rather than in a moment. Never rejects for a store that is down. */
  async refresh(): Promise<void> {
    await this.#polling;
    await this.#pollAgain();
  }

  /** As `refresh`, and at once when the store did not answer the last time. */
  async upToDate(): Promise<void> {
    if (!this.#failing) await this.refresh();
  }

  /** Stops asking, after a last attempt to write what is not written yet. The store stays open. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#polling;
    await this.#write().catch((error: unknown) => this.#failed(error));
    this.#firstCopy.resolve();
  }

  /** Of the entries about this person or session, other than by its id, the one that reaches furthest. */
  #latest(who: Omit<Issued, 'issuedAt'>): Revocation | undefined {
    const { person, everybody, 'provider-session': sessions } = this.#known;
    let latest = everybody.get('');
    if (person.size > 0) {
      latest = later(latest, person.get(this.#spelling(who.subject)));
      latest = later(latest, person.get(this.#spelling(who.account)));
      if (who.upn !== undefined) latest = later(latest, person.get(this.#spelling(who.upn)));
    }
    if (sessions.size > 0 && who.provider !== undefined && who.providerSession !== undefined)
      latest = later(latest, sessions.get(providerSessionKey(who.provider, who.providerSession)));
    return latest;
  }

  /** `canonicalName`, remembered: it is asked for the same people again and again. */
  #spelling(name: string): string {
    const known = this.#spellings.get(name);
    if (known !== undefined) return known;
    if (this.#spellings.size >= maxSpellings) this.#spellings.clear();
    const spelling = canonicalName(name);
    this.#spellings.set(name, spelling);
    return spelling;
  }

  #pollAgain(): Promise<void> {
    clearTimeout(this.#timer);
    this.#polling ??= this.#poll()
      .then(
        () => this.#recovered(),
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        this.#polling = undefined;
        if (this.#closed) return;
        this.#timer = setTimeout(() => void this.#pollAgain(), this.#options.everyMs ?? 400);
        this.#timer.unref();
      });
    return this.#polling;
  }

  /** Reads what is new. When the store started over, tells it what it does not know. */
  async #poll(): Promise<void> {
    let missing: Map<string, Revocation> | undefined;
    let cursor = this.#cursor;
    let settled: boolean;
    for (;;) {
      const changes = await this.#options.store.changes(cursor);
      if (changes.startedOver) missing = this.#everything();
      for (const entry of changes.entries) {
        const mine = missing?.get(nameOf(entry));
        if (mine !== undefined && covers(entry, mine)) missing?.delete(nameOf(entry));
      }
      this.#learn(changes.entries);
      cursor = changes.cursor;
      settled = changes.settled;
      if (!changes.more) break;
    }
    if (missing !== undefined && missing.size > 0) await this.#options.store.add([...missing.values()]);
    this.#cursor = cursor; // only now: after a failure all is read, and written back, again
    await this.#write();
    if (settled) this.#isCurrent();
    this.#sweep();
  }

  #isCurrent(): void {
    this.#currentAt = this.#options.now();
    this.#ready = true;
    this.#firstCopy.resolve();
  }

  /** All that is known and still matters. */
  #everything(): Map<string, Revocation> {
    const now = this.#options.now();
    const live = Object.values(this.#known).flatMap((entries) =>
      [...entries.values()].filter(({ until }) => until > now),
    );
    return new Map(live.map((entry) => [nameOf(entry), entry]));
  }

  #learn(entries: readonly Revocation[]): void {
    const now = this.#options.now();
    const news: Revocation[] = [];
    for (const entry of entries) {
      const known = this.#known[entry.kind].get(entry.key);
      if (entry.until <= now || (known !== undefined && covers(known, entry))) continue;
      const learned = known === undefined ? entry : widened(known, entry);
      this.#known[entry.kind].set(entry.key, learned);
      this.#version++;
      const reaches = isName(entry.kind) ? learned.reason !== known?.reason : learned.before > (known?.before ?? 0);
      if (known === undefined || reaches) news.push(learned);
    }
    if (news.length > 0) for (const listener of this.#listeners) listener(news);
  }

  async #write(): Promise<void> {
    const entries = this.#unwritten;
    if (entries.length === 0) return;
    this.#unwritten = [];
    try {
      await this.#options.store.add(entries);
    } catch (error) {
      this.#unwritten.unshift(...entries);
      throw error;
    }
  }

  #sweep(): void {
    const now = this.#options.now();
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + 60_000;
    for (const entries of Object.values(this.#known))
      for (const [key, { until }] of entries) if (until <= now) entries.delete(key);
  }

  #failed(error: unknown): void {
    if (!this.#failing) {
      const why = error instanceof Error ? error.message : 'unknown error';
      this.#options.onTrouble(
        this.#ready
          ? `Revocations are not heard of or shared at the moment; those that are known hold. ${why}`
          : `Nobody can be let in: the revocations cannot be read. ${why}`,
      );
    }
    this.#failing = true;
  }

  #recovered(): void {
    if (this.#failing) this.#options.onRecovery('Revocations are shared again');
    this.#failing = false;
  }
}

function later(one: Revocation | undefined, other: Revocation | undefined): Revocation | undefined {
  return one === undefined || (other !== undefined && other.before > one.before) ? other : one;
}

const nameOf = ({ kind, key }: Revocation): string => `${kind} ${key}`;
