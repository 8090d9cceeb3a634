/**
 * Access tokens of our own issuer as a credential: verified by the keys of this thread, without a question to
 * anybody, and refused as soon as what they were made of has been revoked.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { Identity } from '../core/identity.ts';
import type { AccessTokenClaims, AccessTokenVerifier, VerifiedToken } from '../ports/access-tokens.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { apiKeyIdOf } from './api-key.ts';
import type { RevocationList } from './revocation-list.ts';
import { SessionCache } from './session-cache.ts';

/** What has been revoked, as far as tokens ask. */
export type TokenRevocations = Pick<RevocationList, 'isRevoked' | 'isKeyRevoked' | 'ready'>;

export interface OwnTokensOptions {
  readonly verifier: AccessTokenVerifier;
  /** Asked when tokens come, and not before. */
  readonly revocations: () => TokenRevocations;
}

export type CheckedToken =
  | { readonly kind: 'ok'; readonly claims: AccessTokenClaims; readonly identity: Identity }
  | { readonly kind: 'refused'; readonly reason: string; readonly detail: string };

export interface OwnTokens {
  readonly issuer: string;
  /** Whether a token says that it is of our issuer. Nothing of it has been verified. */
  claims(token: string): boolean;
  /**
   * Verifies a token for one of these audiences. `reason` is a word for the audit log. At once. Throws `StoreUnavailable` while it is
   * not known what has been revoked.
   */
  check(token: string, audiences: readonly string[], now: number): CheckedToken;
}

/** So long a signature that was right is not looked at again; everything else is, each time. */
const rememberedMs = 60_000;
const maxRemembered = 10_000;

/** Verifies tokens of our own issuer, and asks whether they have been revoked. */
export function ownTokens({ verifier, revocations }: OwnTokensOptions): OwnTokens {
  // Under a hash of all of it.
  const known = new SessionCache<Extract<VerifiedToken, { kind: 'ok' }>>({
    maxEntries: maxRemembered,
    maxAgeMs: rememberedMs,
  });

  function verified(token: string, audiences: readonly string[], now: number): VerifiedToken {
    const hash = createHash('sha256').update(token).digest('base64');
    const before = known.get(hash, now);
    // A key that is gone takes its tokens along.
    if (before !== undefined && verifier.hasKey(before.kid) && audiences.includes(before.claims.aud)) return before;
    const found = verifier.verify(token, audiences, now);
    if (found.kind === 'ok') known.set(hash, found, found.goodUntil, now);
    return found;
  }

  return {
    issuer: verifier.issuer,
    claims: (token) => verifier.isOwn(token),
    check(token, audiences, now) {
      const found = verified(token, audiences, now);
      if (found.kind === 'refused') return found;
      const { claims } = found;
      const identity = identityOf(claims, found.goodUntil);
      if (!revocations().ready) throw new StoreUnavailable('the list of what is revoked has not been read yet');
      return isRevoked(claims, identity, revocations())
        ? { kind: 'refused', reason: 'revoked', detail: 'it, or what it was made of, has been revoked' }
        : { kind: 'ok', claims, identity };
    },
  };
}

/** By its own id, by the session or the API key of which it was made, or by the person. */
function isRevoked(
  { jti, cardea: origin }: AccessTokenClaims,
  identity: Identity,
  revocations: TokenRevocations,
): boolean {
  const { subject, account, upn } = identity;
  const person = { subject, account, upn, issuedAt: origin.at, provider: origin.idp, providerSession: origin.idp_sid };
  if (revocations.isRevoked({ ...person, id: jti })) return true;
  if (origin.sid !== undefined && revocations.isRevoked({ ...person, id: origin.sid })) return true;
  const key = apiKeyIdOf({ subject, method: 'api_key' });
  return key !== undefined && revocations.isKeyRevoked(key);
}

function identityOf(
  { sub, upn, groups, auth_time: provenAt, cardea: origin }: AccessTokenClaims,
  expiresAt: number,
): Identity {
  return {
    subject: origin.sub,
    account: sub,
    upn,
    name: undefined,
    email: undefined,
    sids: [],
    groups,
    method: 'bearer',
    authenticatedAt: origin.at,
    provenAt: provenAt === undefined ? undefined : provenAt * 1_000,
    expiresAt,
  };
}
