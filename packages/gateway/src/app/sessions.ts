import { csrfTokens } from '../auth/csrf.ts';
import type { LookUpGroups } from '../auth/memberships.ts';
import type { Outdated } from '../auth/outdated.ts';
import { RevocationList } from '../auth/revocation-list.ts';
import { SessionCache } from '../auth/session-cache.ts';
import { sessionCookies } from '../auth/session-cookie.ts';
import type { Config } from '../config/schema.ts';
import type { Directory } from '../ports/directory.ts';
import type { RevocationsState } from '../server/admin.ts';
import type { Held } from '../server/live.ts';
import { LiveSessions } from '../server/live-sessions.ts';
import type { AskMethod } from '../server/recheck.ts';
import { StoredRegistry } from '../server/session-registry.ts';
import { Standings } from '../server/standing.ts';
import { assertions } from '../tokens/assertion.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import type { Closers } from './closers.ts';
import type { OnTrouble } from './log.ts';
import type { Shared } from './process-parts.ts';

/** So long a start waits for the list of what is revoked. Without it everybody is told to come back in a moment. */
const firstCopyMs = 3_000;

/** Whatever the groups of a person: what the store gives back is opened. */
const longestBody = 4 * 1024 * 1024;

/** A copy that is older than this is not what it should be: it is asked for several times a second. */
const staleMs = 5_000;

/** What readiness checks say of the list. */
export function revocationsState(
  { ready, currentAt }: Pick<RevocationList, 'ready' | 'currentAt'>,
  now: number,
): RevocationsState {
  if (!ready || currentAt === undefined) return 'unknown';
  return now - currentAt > staleMs ? 'stale' : 'ok';
}

/** A minute: what the directory says about a person in the middle of a session is heard within that time. */
export const sessionsKeptMs = 60_000;

export interface SessionParts {
  readonly config: Config;
  readonly shared: Shared;
  readonly ring: KeyRing;
  readonly directory: Directory | undefined;
  readonly lookUpGroups: LookUpGroups;
  readonly outdated: Outdated;
  readonly recheck: AskMethod;
  readonly now: () => number;
  readonly onTrouble: OnTrouble;
  readonly onRecovery: (message: string) => void;
}

export interface OpenedSessions {
  readonly sessions: LiveSessions;
  readonly standings: Standings;
  readonly revocations: RevocationList;
}

/** The sessions of one thread, and its copy of what is revoked. They end by `closers`. */
export async function openSessions(
  { config, shared, ring, directory, lookUpGroups, outdated, recheck, now, onTrouble, onRecovery }: SessionParts,
  closers: Closers,
): Promise<OpenedSessions> {
  const { idle, store, cookie } = config.session;
  const revocations = new RevocationList({ store: shared.revocations, now, onTrouble, onRecovery });
  closers.add(() => revocations.close());
  const bodies = sealer(ring, 'session-body', longestBody);
  const registry = new StoredRegistry({ store: shared.sessions, revocations, bodies, onTrouble });
  closers.add(() => registry.close());
  const signer = assertions({ ring, issuer: 'cardea' });
  const { roles } = config;
  const standings = new Standings({ registry, revocations, recheck, directory, lookUpGroups, roles });
  const sessions = new LiveSessions({
    cookies: sessionCookies({ sealer: sealer(ring, 'session'), idleMs: idle }),
    cache: new SessionCache<Held>({ maxEntries: 20_000, maxAgeMs: sessionsKeptMs }),
    outdated,
    registry,
    bodiesInRegistry: store !== 'cookie',
    csrf: csrfTokens(ring),
    revocations,
    lookUpGroups,
    recheck,
    directory,
    roles,
    idleMs: idle,
    sameSite: cookie.same_site,
    assertion: (app, identity, roles, at) => signer.assertionFor(app.audience, identity, roles, at),
    assertionReuseMs: 60_000,
  });
  await revocations.whenReady(firstCopyMs);
  return { sessions, standings, revocations };
}
