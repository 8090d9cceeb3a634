/**
 * OpenID Connect providers: their endpoints, and what is asked of them in the middle of a session and at its end.
 *
 * @module
 */
import { openGrant } from '../auth/oidc/grant.ts';
import { OidcProvider } from '../auth/oidc/provider.ts';
import { refreshIdentity } from '../auth/oidc/refresh.ts';
import type { RevocationList } from '../auth/revocation-list.ts';
import type { Session } from '../auth/session.ts';
import { oidcBackchannelLogout } from '../server/endpoints/oidc-backchannel-logout.ts';
import { oidcCallback } from '../server/endpoints/oidc-callback.ts';
import { oidcLogin } from '../server/endpoints/oidc-login.ts';
import type { Live } from '../server/live.ts';
import type { Recheck } from '../server/recheck.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import type { Closers } from './closers.ts';
import { type OidcEntry, oidcOptions } from './oidc.ts';
import type { Shared } from './process-parts.ts';
import type { Read } from './read.ts';
import type { SignInMethod } from './sign-in.ts';

export interface ProviderParts {
  readonly shared: Shared;
  readonly ring: KeyRing;
  readonly prefix: string;
  readonly sameSite: 'lax' | 'strict' | 'none';
  readonly lifetimeMs: number;
  readonly revocations: () => Pick<RevocationList, 'revoke'>;
}

/** While a provider cannot be asked, sessions go on for as many of its intervals. */
const patience = 4;

/** One provider as a sign-in method. It asks nobody before somebody signs in. */
export function providerMethod(entry: OidcEntry, read: Read, parts: ProviderParts, closers: Closers): SignInMethod {
  const { shared, ring, prefix, sameSite, lifetimeMs, revocations } = parts;
  const provider = new OidcProvider(oidcOptions(entry, read, lifetimeMs));
  closers.add(() => provider.close());
  const own = { prefix, provider, transactions: sealer(ring, 'transaction') };
  const grants = sealer(ring, 'refresh');
  const claims = shared.replays;
  const keptOf = async ({ id }: Session): Promise<Uint8Array | undefined> => (await shared.sessions.get(id))?.refresh;
  const keep = async ({ session }: Live, refresh: Uint8Array): Promise<void> => {
    // The session is good without: a store that is down costs the sign-out at the provider, and asking it again.
    await shared.sessions.update(session.id, { refresh }).catch(() => false);
  };

  async function recheck(session: Session, now: number): Promise<Recheck> {
    const overdue = now - session.checkedAt > patience * entry.refresh_every;
    let kept: Uint8Array | undefined;
    try {
      kept = await keptOf(session);
    } catch {
      return overdue ? { kind: 'ended' } : { kind: 'later' };
    }
    if (kept === undefined) return overdue ? { kind: 'ended' } : { kind: 'later' };
    const found = await refreshIdentity({ provider, sealer: grants, claims }, session.identity, kept, now);
    switch (found.kind) {
      case 'renewed': {
        await shared.sessions.update(session.id, { refresh: found.refresh });
        return { kind: 'confirmed', identity: found.identity, lookUpGroups: found.lookUpGroups };
      }
      case 'ended':
        return { kind: 'ended' };
      case 'elsewhere':
        return { kind: 'later' };
      case 'unavailable':
        return overdue ? { kind: 'ended' } : { kind: 'later' };
    }
  }

  return {
    id: provider.id,
    way: { kind: 'link', id: provider.id, label: provider.name },
    endpoints: [
      oidcLogin(own),
      oidcCallback({ ...own, claims, sameSite, grants, keep }),
      oidcBackchannelLogout({ provider, claims, revoke: (request) => revocations().revoke(request) }),
    ],
    ...(entry.refresh
      ? {
          recheck: (session, now) =>
            now - session.checkedAt < entry.refresh_every ? undefined : recheck(session, now),
        }
      : {}),
    signOutUrl: async (session, returnUri, now) => {
      const kept = await keptOf(session).catch(() => undefined);
      return provider.logoutUrl(kept && openGrant(grants, kept), returnUri, now).catch(() => undefined);
    },
  };
}
