/**
 * The registry that `LiveSessions` asks, over the session store and the list of what is revoked.
 *
 * @module
 */
import type { RevocationList } from '../auth/revocation-list.ts';
import type { Session } from '../auth/session.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { SessionStore, StoredSession } from '../ports/session-store.ts';
import { replacedBy } from '../ports/revocations.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { issuedOf } from './live.ts';
import type { EndReason, SessionName, SessionPlace, SessionRegistry } from './registry.ts';

export interface RegistryOptions {
  readonly store: SessionStore;
  readonly revocations: Pick<RevocationList, 'revoke' | 'isRevoked' | 'upToDate'>;
  /** For the purpose `session-body` alone. */
  readonly bodies: Sealer;
  /** How often the uses of sessions are written; default 10 s. */
  readonly everyMs?: number;
  readonly onTrouble: (message: string) => void;
}

/** What waits to be written, of each kind. More sessions than this are not in use within the time of one parcel. */
const maxWaiting = 20_000;

/** The store has forgotten where the session began, or was never told. */
const somewhere: SessionPlace = { address: '', device: '', app: '' };

interface Use {
  readonly session: Session;
  readonly lastSeen: number;
  readonly whole: boolean;
}

/**
 * Keeps sessions in the store. What people need to be let in is written while they wait; what only administrators want to
 * know is written some time later, as soon as the store takes it.
 */
export class StoredRegistry implements SessionRegistry {
  readonly #options: RegistryOptions;
  readonly #timer: NodeJS.Timeout;
  #uses = new Map<string, Use>();
  /** Sessions that have ended and may still be in the store. */
  readonly #ended = new Set<string>();

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#flush(), options.everyMs ?? 10_000);
    this.#timer.unref();
  }

  async begun(session: Session, place: SessionPlace, body: Uint8Array | undefined): Promise<void> {
    const { store } = this.#options;
    if (body !== undefined) return store.put({ ...summaryOf(session, place), body: this.#sealed(body) });
    // The session is in its cookie and good without the store: nobody waits for a store that is slow or down.
    this.#without(store.put(summaryOf(session, place)), 'note who has signed in');
  }

  async body(id: string): Promise<Uint8Array | undefined> {
    const { store, bodies } = this.#options;
    const stored = await store.get(id);
    return stored?.body && bodies.open(Buffer.from(stored.body).toString('latin1'));
  }

  async changed(session: Session, body: Uint8Array): Promise<boolean> {
    const { store } = this.#options;
    const sealed = this.#sealed(body);
    try {
      if (await store.update(session.id, { body: sealed })) return true;
      if (await this.#isOver(session)) return false;
      await store.put({ ...summaryOf(session, somewhere), body: sealed });
      return true;
    } catch (error) {
      this.#missed('keep a session', error);
      return false;
    }
  }

  seen(session: Session, now: number, whole: boolean): void {
    const { id } = session;
    if (this.#uses.size < maxWaiting || this.#uses.has(id)) this.#uses.set(id, { session, lastSeen: now, whole });
  }

  ended(session: SessionName, why: EndReason): Promise<void> {
    return this.#end(session, why);
  }

  replaced(session: SessionName, successor?: { readonly session: Session; readonly body: Uint8Array }): void {
    const what = 'end a session whose place another one has taken';
    if (successor === undefined) return this.#without(this.#end(session, 'replaced'), what);
    const { session: next, body } = successor;
    // The body first: whoever hears of the one looks up the other.
    const work = this.changed(next, body).then(() => this.#end(session, replacedBy(next.id)));
    this.#without(work, what);
  }

  /** Writes what waits. The store stays open. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flush();
  }

  async #end({ id, expiresAt }: SessionName, why: string): Promise<void> {
    const { store, revocations } = this.#options;
    this.#uses.delete(id);
    if (this.#ended.size < maxWaiting) this.#ended.add(id);
    await revocations.revoke({ kind: 'session', key: id, reason: why, until: expiresAt });
    this.#without(
      store.remove([id]).then(() => void this.#ended.delete(id)),
      'remove an ended session',
    );
  }

  async #flush(): Promise<void> {
    try {
      await this.#writeEnds();
      await this.#writeUses();
    } catch (error) {
      this.#missed('note which sessions are in use', error);
    }
  }

  async #writeEnds(): Promise<void> {
    const ids = [...this.#ended];
    if (ids.length === 0) return;
    await this.#options.store.remove(ids);
    for (const id of ids) this.#ended.delete(id);
  }

  async #writeUses(): Promise<void> {
    const uses = this.#uses;
    if (uses.size === 0) return;
    const { store } = this.#options;
    this.#uses = new Map();
    const unknown = await store.touch([...uses].map(([id, { lastSeen }]) => ({ id, lastSeen })));
    // The store was down when they began, or has lost its memory since.
    for (const id of unknown) {
      const use = uses.get(id);
      if (use === undefined || !use.whole || (await this.#isOver(use.session))) continue;
      await store.put({ ...summaryOf(use.session, somewhere), lastSeen: use.lastSeen });
    }
  }

  /** Whether a session that is not in the store was taken out of it. What ends a session is written before it is removed. */
  async #isOver(session: Session): Promise<boolean> {
    const { revocations } = this.#options;
    await revocations.upToDate();
    return revocations.isRevoked(issuedOf(session));
  }

  #sealed(body: Uint8Array): Uint8Array {
    return Buffer.from(this.#options.bodies.seal(body), 'latin1');
  }

  #without(work: Promise<void>, what: string): void {
    work.catch((error: unknown) => this.#missed(what, error));
  }

  #missed(what: string, error: unknown): void {
    // The store itself says once that it is down.
    if (error instanceof StoreUnavailable) return;
    this.#options.onTrouble(`Cannot ${what}: ${error instanceof Error ? error.message : 'unknown error'}`);
  }
}

function summaryOf(session: Session, { address, device, app }: SessionPlace): StoredSession {
  const { id, identity, provider, providerSession, sealedAt } = session;
  return {
    id,
    subject: identity.subject,
    account: identity.account,
    upn: identity.upn,
    method: identity.method,
    provider,
    providerSession,
    address,
    device,
    app,
    since: sealedAt,
    lastSeen: sealedAt,
    expiresAt: identity.expiresAt,
  };
}
