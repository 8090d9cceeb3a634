/**
 * Asking the provider again in the middle of a session, so that a group that was taken away or an account that was disabled is
 * noticed before the session's end.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { Identity } from '../../core/identity.ts';
import type { ReplayCache } from '../../ports/replay-cache.ts';
import type { Sealer } from '../../ports/sealer.ts';
import { openGrant, sealGrant } from './grant.ts';
import type { OidcProvider } from './provider.ts';
import { ProviderUnavailable } from './refusal.ts';

export type RefreshedIdentity =
  /** Keep `refresh` in the place of the old one, and `identity` in the session. */
  | {
      readonly kind: 'renewed';
      readonly identity: Identity;
      readonly lookUpGroups: boolean;
      readonly refresh: Uint8Array;
      readonly note: string | undefined;
    }
  /** The provider does not stand by the person any more: end the session. */
  | { readonly kind: 'ended'; readonly reason: string; readonly detail: string }
  /** Another thread or replica is asking: go on with what is known. */
  | { readonly kind: 'elsewhere' }
  /** The provider cannot be asked: go on for as long as the configuration allows. */
  | { readonly kind: 'unavailable'; readonly detail: string };

export interface RefreshParts {
  readonly provider: Pick<OidcProvider, 'renew'>;
  /** For what is kept beside the session. */
  readonly sealer: Sealer;
  readonly claims: Pick<ReplayCache, 'claim'>;
}

/** Nobody else uses the same refresh token within this time: providers take a second use for a theft, and end everything. */
const aloneMs = 30_000;

/** Renews the identity of one session. One caller at a time does it, over all threads and replicas. */
export async function refreshIdentity(
  { provider, sealer, claims }: RefreshParts,
  identity: Identity,
  kept: Uint8Array,
  now: number,
): Promise<RefreshedIdentity> {
  const grant = openGrant(sealer, kept);
  if (grant?.refreshToken === undefined)
    return { kind: 'ended', reason: 'refresh-refused', detail: 'there is no refresh token, or its key is gone' };
  const key = createHash('sha256').update(grant.refreshToken).digest('base64url');
  try {
    if (!(await claims.claim(`oidc-refresh:${key}`, now + aloneMs))) return { kind: 'elsewhere' };
  } catch (error) {
    return { kind: 'unavailable', detail: error instanceof Error ? error.message : 'the claims cannot be asked' };
  }
  try {
    const renewed = await provider.renew(grant, identity, now);
    if (renewed.kind === 'refused') return { ...renewed, kind: 'ended' };
    const { lookUpGroups, note } = renewed;
    const refresh = sealGrant(sealer, renewed.grant);
    return { kind: 'renewed', identity: renewed.identity, lookUpGroups, refresh, note };
  } catch (error) {
    if (error instanceof ProviderUnavailable) return { kind: 'unavailable', detail: error.message };
    throw error;
  }
}
