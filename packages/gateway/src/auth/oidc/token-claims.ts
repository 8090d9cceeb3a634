/**
 * What ID tokens and logout tokens have to say, and what they must not. Pure: the signature has been verified before, the
 * time is an argument.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { quotable, type Refused, refused } from './refusal.ts';
import { type Claims, isObject, type VerifiedToken } from './token.ts';

/** Whose tokens are believed, and for whom they must be. */
export interface Parties {
  /** The issuer as its metadata has it; `{tenantid}` in it stands for the tenant that the token names (Entra). */
  readonly issuer: string;
  /** Tenants that people may come from, when the issuer stands for several. */
  readonly tenants: readonly string[];
  readonly clientId: string;
}

export interface IdTokenExpectations extends Parties {
  /** `undefined` after a refresh, when none was kept: then any is taken (OpenID Connect Core, 12.2). */
  readonly nonce: string | undefined;
  /** The subject that it must be about, when that is known already. */
  readonly subject?: string | undefined;
  /** For `at_hash`. */
  readonly accessToken: string | undefined;
  /** The person must have proven who he is within this time; seconds. */
  readonly maxAge?: number | undefined;
  /** One of these must have been reached. */
  readonly acrValues?: readonly string[] | undefined;
}

export interface IdToken {
  readonly kind: 'ok';
  readonly claims: Claims;
  readonly issuer: string;
  readonly subject: string;
  /** The provider's session, for its logout tokens. */
  readonly sessionId: string | undefined;
  /** When the person last proved who he is, if the provider says so; milliseconds since the epoch. */
  readonly authTime: number | undefined;
}

export interface LogoutToken {
  readonly kind: 'ok';
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly sessionId: string | undefined;
  readonly tokenId: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

type Signed = Extract<VerifiedToken, { kind: 'ok' }>;

/** Clocks may differ by this much. */
const leewayMs = 60_000;
/** A logout token is sent when the logout happens. */
const logoutTokenMaxAgeMs = 5 * 60_000;
const maxIdLength = 255;
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';

/** Checks an ID token (OpenID Connect Core 1.0, 3.1.3.7). */
export function checkIdToken(token: Signed, expected: IdTokenExpectations, now: number): IdToken | Refused {
  const { claims, type } = token;
  // An access token (RFC 9068) or a logout token of the same provider is signed with the same keys.
  if (type !== undefined && type !== 'jwt') return refused('token-type', `its type is "${quotable(type)}"`);
  const wrong = checkParties(claims, expected) ?? checkTimes(claims, now);
  if (wrong !== undefined) return wrong;
  const { sub, nonce, at_hash: hash, auth_time: authTime, acr, sid } = claims;
  if (!isId(sub)) return refused('token-subject', 'it has no subject');
  if (expected.subject !== undefined && sub !== expected.subject)
    return refused('token-subject', 'it is about another subject');
  if ('events' in claims) return refused('token-type', 'it is a security event, not an ID token');
  if (expected.nonce !== undefined && nonce !== expected.nonce)
    return refused('token-nonce', nonce === undefined ? 'it has no nonce' : 'its nonce is another one');
  if (hash !== undefined && hash !== accessTokenHash(expected.accessToken, token.algorithm))
    return refused('token-hash', 'its at_hash is not that of the access token');
  const reached = checkAuthentication(authTime, acr, expected, now);
  if (reached !== undefined) return reached;
  return {
    kind: 'ok',
    claims,
    issuer: String(claims['iss']),
    subject: sub,
    sessionId: isId(sid) ? sid : undefined,
    authTime: typeof authTime === 'number' ? authTime * 1000 : undefined,
  };
}

/**
 * When a person proved who they are, of an `auth_time` in milliseconds; `undefined` for one that is absent or in the future.
 * The token may be of a sign-in that the issuer did without asking anybody: its own age says nothing.
 */
export function provenAt(authTime: number | undefined, now: number): number | undefined {
  return authTime === undefined || authTime > now + leewayMs ? undefined : Math.floor(Math.min(authTime, now));
}

/** Checks a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6). Whether it was used before is asked by the caller. */
export function checkLogoutToken(token: Signed, expected: Parties, now: number): LogoutToken | Refused {
  const { claims, type } = token;
  if (type !== undefined && !['jwt', 'logout+jwt', 'application/logout+jwt'].includes(type))
    return refused('token-type', `its type is "${quotable(type)}"`);
  const wrong = checkParties(claims, expected) ?? checkTimes(claims, now);
  if (wrong !== undefined) return wrong;
  const { sub, sid, jti, iat, exp, events } = claims;
  if ('nonce' in claims) return refused('token-nonce', 'a logout token has no nonce');
  if (!isObject(events) || !isObject(events[logoutEvent]))
    return refused('token-event', 'it does not state the logout event');
  if (!isId(jti)) return refused('token-claim-missing', 'it has no jti');
  if (sub !== undefined && !isId(sub)) return refused('token-subject', 'its subject is not one');
  if (sid !== undefined && !isId(sid)) return refused('token-subject', 'its session is not one');
  if (sub === undefined && sid === undefined)
    return refused('token-subject', 'it names neither a subject nor a session');
  const issuedAt = Number(iat) * 1000;
  if (now - issuedAt > logoutTokenMaxAgeMs + leewayMs) return refused('token-too-old', 'it was issued too long ago');
  return {
    kind: 'ok',
    issuer: String(claims['iss']),
    subject: sub,
    sessionId: sid,
    tokenId: jti,
    issuedAt,
    expiresAt: Number(exp) * 1000,
  };
}

function checkParties(claims: Claims, { issuer, tenants, clientId }: Parties): Refused | undefined {
  const { iss, aud, azp, tid } = claims;
  if (tenants.length > 0 && !tenants.some((tenant) => tenant === tid))
    return refused('tenant-not-allowed', `its tenant is "${quotable(String(tid))}"`);
  // The tenant is one of the configuration's own words from here on.
  const expectedIssuer = typeof tid === 'string' ? issuer.replace('{tenantid}', tid) : issuer;
  if (typeof iss !== 'string' || iss !== expectedIssuer)
    return refused('token-issuer', `its issuer is "${quotable(String(iss))}"`);
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audience.includes(clientId)) return refused('token-audience', 'it is for somebody else');
  // Core, 3.1.3.7: several audiences need a party that it was issued to, and we are that one.
  if (azp === undefined ? audience.length > 1 : azp !== clientId)
    return refused('token-authorized-party', 'it was issued to another client');
  return undefined;
}

function checkTimes({ exp, iat, nbf }: Claims, now: number): Refused | undefined {
  if (!isTime(exp)) return refused('token-claim-missing', 'it has no expiry');
  if (!isTime(iat)) return refused('token-claim-missing', 'it has no time of issue');
  if (now >= exp * 1000 + leewayMs) return refused('token-expired', 'it has expired');
  if (iat * 1000 > now + leewayMs) return refused('token-from-the-future', 'it was issued in the future');
  if (nbf === undefined) return undefined;
  if (!isTime(nbf)) return refused('token-malformed', 'its nbf is not a time');
  return nbf * 1000 > now + leewayMs ? refused('token-not-yet-valid', 'it is not valid yet') : undefined;
}

function checkAuthentication(
  authTime: unknown,
  acr: unknown,
  { maxAge, acrValues }: IdTokenExpectations,
  now: number,
): Refused | undefined {
  if (authTime !== undefined && !isTime(authTime)) return refused('token-malformed', 'its auth_time is not a time');
  const proven = provenAt(authTime === undefined ? undefined : authTime * 1000, now);
  if (maxAge !== undefined && (proven === undefined || now - proven > maxAge * 1000 + leewayMs))
    return refused('authentication-too-old', `the person had to sign in within ${maxAge} s`);
  if (acrValues !== undefined && !acrValues.some((value) => value === acr))
    return refused('authentication-too-weak', `the provider states acr "${quotable(String(acr))}"`);
  return undefined;
}

/** NumericDate (RFC 7519, 2). */
export const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isId = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= maxIdLength && !/\p{Cc}/u.test(value);

/** Core, 3.1.3.6: the left half of the hash that the signature's algorithm is built on. */
function accessTokenHash(accessToken: string | undefined, algorithm: string): string | undefined {
  if (accessToken === undefined) return undefined;
  const digest = createHash(algorithm.startsWith('Ed') ? 'sha512' : 'sha256')
    .update(accessToken)
    .digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}
