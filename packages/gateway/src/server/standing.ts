/**
 * Whether somebody who was let in a while ago would be let in now: the session, the method that began it and
 * the groups are asked again, as for a new request. The idle limit is left out: it counts from the
 * last request, and a stream that is open sends none.
 *
 * @module
 */
import { AccountBarred } from '../auth/memberships.ts';
import { confirmedSession, packSession, type Session, unpackSession } from '../auth/session.ts';
import { issuedOf, type Live } from './live.ts';
import type { RevocationCheck } from './live-sessions.ts';
import type { AskMethod } from './recheck.ts';
import { nameOf, type SessionRegistry } from './registry.ts';
import { revive, type ReviveOptions } from './revive.ts';

export interface StandingOptions extends ReviveOptions {
  readonly registry: Pick<SessionRegistry, 'body' | 'changed' | 'ended'>;
  readonly revocations: Pick<RevocationCheck, 'isRevoked'>;
  readonly recheck: AskMethod;
}

/** What has to be known of somebody to look again. */
export type Holder = Pick<Live, 'session' | 'passing' | 'inRegistry'>;

export type Standing =
  /** `outage`: a directory could not be asked, and some groups may be missing. */
  { readonly kind: 'ok'; readonly live: Live; readonly outage: boolean } | { readonly kind: 'gone' };

/** Looks again. */
export class Standings {
  readonly #options: StandingOptions;

  constructor(options: StandingOptions) {
    this.#options = options;
  }

  /** Rejects when something has to be asked and cannot be. */
  async of({ session, passing, inRegistry = false }: Holder, now: number): Promise<Standing> {
    // A session that lies in the store ends with what lies there, and others may have written what a provider says now.
    const current = inRegistry ? await this.#stored(session.id) : session;
    if (current === undefined || now >= current.identity.expiresAt || this.#isRevoked(current)) return gone;
    return this.#asked(current, { passing, inRegistry }, now);
  }

  /** The session that has taken the place of another one, whichever thread or replica it began on. Rejects as `of`. */
  async successor(id: string, now: number): Promise<Standing> {
    const session = await this.#stored(id);
    if (session === undefined || now >= session.identity.expiresAt || this.#isRevoked(session)) return gone;
    return this.#asked(session, { passing: false, inRegistry: false }, now);
  }

  async #asked(before: Session, how: Pick<Live, 'passing' | 'inRegistry'>, now: number): Promise<Standing> {
    const { recheck, registry } = this.#options;
    let session = before;
    // Whose credential came with a request has no session to be ended.
    const end = async (why: 'ended-by-provider' | 'account-barred'): Promise<Standing> => {
      if (!how.passing) await registry.ended(nameOf(session), why);
      return gone;
    };
    const checked = await recheck(session, now);
    if (checked?.kind === 'ended') return end('ended-by-provider');
    if (checked?.kind === 'confirmed') {
      session = confirmedSession(session, checked.identity, checked.lookUpGroups, now);
      if (how.inRegistry === true) await registry.changed(session, packSession(session));
    }
    try {
      const { live, outage } = await revive(this.#options, session, now);
      // Providers and directories take their time, and it may have happened meanwhile.
      return this.#isRevoked(session) ? gone : { kind: 'ok', live: { ...live, ...how }, outage };
    } catch (error) {
      if (!(error instanceof AccountBarred)) throw error;
      return end('account-barred');
    }
  }

  async #stored(id: string): Promise<Session | undefined> {
    const body = await this.#options.registry.body(id);
    const session = body && unpackSession(body);
    // The registry could hand out another session than the one that was asked for.
    return session?.id === id ? session : undefined;
  }

  #isRevoked(session: Session): boolean {
    return this.#options.revocations.isRevoked(issuedOf(session));
  }
}

const gone: Standing = { kind: 'gone' };
