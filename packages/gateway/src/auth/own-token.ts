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
import type { RestsOn } from './authenticator.ts';
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
  | {
      readonly kind: 'ok';
      readonly claims: AccessTokenClaims;
      readonly identity: Identity;
      readonly restsOn: RestsOn;
    }
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
      const restsOn = originOf(claims, identity);
      return isRevoked(restsOn, revocations())
        ? { kind: 'refused', reason: 'revoked', detail: 'it, or what it was made of, has been revoked' }
        : { kind: 'ok', claims, identity, restsOn };
    },
  };
}

/** Its own id, the session or the API key of which it was made, and the person. */
function originOf({ jti, cardea: origin }: AccessTokenClaims, { subject, account, upn }: Identity): RestsOn {
  const person = { subject, account, upn, issuedAt: origin.at, provider: origin.idp, providerSession: origin.idp_sid };
  const ids = origin.sid === undefined ? [jti] : [jti, origin.sid];
  return { issued: ids.map((id) => ({ ...person, id })), keyId: apiKeyIdOf({ subject, method: 'api_key' }) };
}

const isRevoked = ({ issued, keyId }: RestsOn, revocations: TokenRevocations): boolean =>
  issued.some((one) => revocations.isRevoked(one)) || (keyId !== undefined && revocations.isKeyRevoked(keyId));

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
