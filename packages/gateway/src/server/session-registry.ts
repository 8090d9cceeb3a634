/**
 * The registry that `LiveSessions` asks, over the session store and the list of what is revoked.
 *
 * @module
 */
import type { RevocationList } from '../auth/revocation-list.ts';
import type { Session } from '../auth/session.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { SessionStore, StoredSession } from '../ports/session-store.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { SessionPlace, SessionRegistry } from './live-sessions.ts';

export interface RegistryOptions {
  readonly store: SessionStore;
  readonly revocations: Pick<RevocationList, 'revoke'>;
  /** For the purpose `session-body` alone. */
  readonly bodies: Sealer;
  /** How often the uses of sessions are written; default 10 s. */
  readonly everyMs?: number;
  readonly onTrouble: (message: string) => void;
}

/** Uses that wait to be written. More sessions than this are not in use within the time of one parcel. */
const maxUses = 20_000;

/** Keeps sessions in the store. What only administrators want to know may be lost; what people need to be let in is not. */
export class StoredRegistry implements SessionRegistry {
  readonly #options: RegistryOptions;
  readonly #timer: NodeJS.Timeout;
  #uses = new Map<string, number>();

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#flush(), options.everyMs ?? 10_000);
    this.#timer.unref();
  }

  async begun(session: Session, place: SessionPlace, body: Uint8Array | undefined): Promise<void> {
    const { store, bodies } = this.#options;
    const sealed = body && Buffer.from(bodies.seal(body), 'latin1');
    const stored = { ...summaryOf(session, place), ...(sealed === undefined ? {} : { body: sealed }) };
    if (sealed !== undefined) return store.put(stored);
    // The session is in its cookie and good without the store: nobody waits for a store that is slow or down.
    this.#without(store.put(stored), 'note who has signed in');
  }

  async body(id: string): Promise<Uint8Array | undefined> {
    const { store, bodies } = this.#options;
    const stored = await store.get(id);
    return stored?.body && bodies.open(Buffer.from(stored.body).toString('latin1'));
  }

  seen(id: string, now: number): void {
    if (this.#uses.size < maxUses || this.#uses.has(id)) this.#uses.set(id, now);
  }

  async ended(id: string): Promise<void> {
    const { store, revocations } = this.#options;
    await revocations.revoke({ kind: 'session', key: id, reason: 'signed-out' });
    this.#without(
      store.remove([id]).then(() => {}),
      'remove an ended session',
    );
  }

  /** Writes what waits. The store stays open. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#uses.size === 0) return;
    const uses = [...this.#uses].map(([id, lastSeen]) => ({ id, lastSeen }));
    this.#uses = new Map();
    await this.#options.store
      .touch(uses)
      .catch((error: unknown) => this.#missed('note which sessions are in use', error));
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
