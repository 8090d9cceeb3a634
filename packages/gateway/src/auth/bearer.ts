/**
 * Programs that sign in with a token of an issuer that the configuration names: a JWT
 * (RFC 7519) in `Authorization: Bearer` (RFC 6750). Issuer, audience, algorithm and type
 * are pinned, and nothing in the token has a say in how it is verified (RFC 8725).
 *
 * @module
 */
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Identity } from '../core/identity.ts';
import { apiKeyPrefix } from './api-key-text.ts';
import type { Accepted, Authenticator, Credentials, Outcome, Rejected } from './authenticator.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import type { OwnTokens } from './own-token.ts';
import { groupsOf, personOf } from './oidc/claims.ts';
import type { ClaimNames } from './oidc/options.ts';
import { quotable } from './oidc/refusal.ts';
import { isTime, provenAt } from './oidc/token-claims.ts';
import { SessionCache } from './session-cache.ts';

/** What a token may be signed with (RFC 7518, 3.1; RFC 8037, 3.1): never `none`, and nothing with a shared secret. */
export const bearerAlgorithms = [
  'RS256',
  'ES256',
  'PS256',
  'EdDSA',
  'RS384',
  'RS512',
  'ES384',
  'ES512',
  'PS384',
  'PS512',
] as const;

/** One issuer whose tokens are believed. */
export interface BearerIssuer {
  /** Compared with `iss` letter for letter. */
  readonly issuer: string;
  /** One of these must be among those that a token is for. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly (typeof bearerAlgorithms)[number][];
  /** The `typ` of the header that is asked for. Without it: none, `JWT` or `at+jwt` (RFC 9068). */
  readonly type: string | undefined;
  readonly claims: ClaimNames;
  /** Names for groups by their id. */
  readonly groupNames: Readonly<Record<string, string>>;
  readonly keys: IssuerKeys;
  /** Whether the person's groups are to be asked of the directory, and not of the token. */
  readonly lookUpGroups?: boolean;
}

export interface BearerOptions {
  readonly id?: string;
  readonly issuers: readonly BearerIssuer[];
  /** Issuers of other entries: their tokens are for those to judge. A token's own word on its issuer only says whom to ask. */
  readonly elsewhere?: ReadonlySet<string> | undefined;
  /** Tokens of our own issuer, for these audiences: they need neither keys from elsewhere nor a memory of their own here. */
  readonly own?:
    | { readonly tokens: OwnTokens; readonly audiences: readonly string[]; readonly lookUpGroups: boolean }
    | undefined;
}

/** Clocks may differ by this much. */
const leewaySeconds = 60;
/** Longer ones would not fit into a head with everything else. */
const maxTokenLength = 16 * 1024;
/** So long is a verified token believed at most: a key that its issuer has withdrawn is out of use soon after. */
const believedMs = 60_000;
const maxKnown = 5_000;

/** What RFC 6750, 3.1 has for every bad token. */
const refusal = 'Bearer error="invalid_token"';

/** Bearer tokens as a sign-in method. */
export function bearer(options: BearerOptions): Authenticator {
  const id = options.id ?? 'bearer';
  const issuers = new Map(options.issuers.map((one) => [one.issuer, one]));
  // Under the whole token: one that begins like a good one is another.
  const known = new SessionCache<Accepted>({ maxEntries: maxKnown, maxAgeMs: believedMs });

  async function verify(token: string, now: number): Promise<Outcome> {
    const read = readToken(token);
    if (read === undefined) return rejected('bearer-malformed', 'it is not a signed JWT');
    const issuer = issuers.get(read.issuer);
    if (issuer === undefined && options.elsewhere?.has(read.issuer) === true) return { kind: 'absent' };
    if (issuer === undefined)
      return rejected('bearer-issuer', `its issuer "${quotable(read.issuer)}" is none of those in the configuration`);
    const { algorithm, type } = read;
    if (!issuer.algorithms.some((allowed) => allowed === algorithm))
      return rejected('bearer-algorithm', `its algorithm "${quotable(algorithm)}" is not one of its issuer's`);
    if (!isAllowedType(type, issuer.type))
      return rejected('bearer-type', `its type "${quotable(type ?? '')}" is not that of a token for this`);

    const keys = await issuer.keys(now);
    const verified = await keys.tryEach(read.header, now, (key) =>
      jwtVerify(token, key, {
        algorithms: [algorithm],
        issuer: issuer.issuer,
        audience: [...issuer.audiences],
        clockTolerance: leewaySeconds,
        currentDate: new Date(now),
        requiredClaims: ['iss', 'aud', 'exp', 'iat', 'sub'],
      }),
    );
    if (verified.kind === 'no-key') return rejected('bearer-key-unknown', 'its issuer has no such key');
    if (verified.kind === 'failed') return faultOf(verified.error);
    return accepted(verified.value.payload, issuer, now);
  }

  return {
    id,
    kind: 'bearer',
    scope: 'request',
    challenge: 'Bearer',
    ownScheme: 'bearer',

    authenticate({ authorization, now }: Credentials): Outcome | Promise<Outcome> {
      const token = tokenOf(authorization);
      if (token === undefined) return { kind: 'absent' };
      if (options.own?.tokens.claims(token) === true) return ofOwnIssuer(options.own, token, id, now);
      const before = known.get(token, now);
      if (before !== undefined) return before;
      return verify(token, now).then((outcome) => {
        if (outcome.kind !== 'accepted') return outcome;
        const until = Math.min(outcome.identity.expiresAt, now + believedMs);
        const remembered = { ...outcome, reuse: { key: `${id} ${token}`, until } };
        known.set(token, remembered, until, now);
        return remembered;
      });
    },
  };
}

function ofOwnIssuer(
  { tokens, audiences, lookUpGroups }: NonNullable<BearerOptions['own']>,
  token: string,
  id: string,
  now: number,
): Outcome {
  const checked = tokens.check(token, audiences, now);
  if (checked.kind === 'refused') return rejected(`bearer-${checked.reason}`, checked.detail);
  const { identity, restsOn } = checked;
  const until = Math.min(identity.expiresAt, now + believedMs);
  return { kind: 'accepted', identity, lookUpGroups, restsOn, reuse: { key: `${id} ${token}`, until } };
}

/** RFC 6750, 2.1. What begins like an API key is one, and another method's. */
function tokenOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined || !/^bearer(?: |$)/i.test(authorization)) return undefined;
  const token = authorization.slice('bearer'.length).trim();
  return token.startsWith(apiKeyPrefix) ? undefined : token;
}

interface ReadToken {
  readonly header: ReturnType<typeof decodeProtectedHeader>;
  readonly algorithm: string;
  readonly type: string | undefined;
  /** As the token has it: only good for finding out whose keys to ask for. */
  readonly issuer: string;
}

/** What a token says of itself, of which nothing has been verified. */
function readToken(token: string): ReadToken | undefined {
  if (token.length > maxTokenLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined;
  try {
    const header = decodeProtectedHeader(token);
    const { iss } = decodeJwt(token);
    const { alg, typ } = header;
    if (typeof alg !== 'string' || typeof iss !== 'string' || (typ !== undefined && typeof typ !== 'string'))
      return undefined;
    return { header, algorithm: alg, type: typ, issuer: iss };
  } catch {
    return undefined; // jose tells by throwing
  }
}

/** RFC 8725, 3.11: ID tokens and logout tokens, and assertions of our own, are signed JWTs as well. */
function isAllowedType(type: string | undefined, wanted: string | undefined): boolean {
  const plain = type?.toLowerCase().replace(/^application\//, '');
  return wanted === undefined
    ? plain === undefined || plain === 'jwt' || plain === 'at+jwt'
    : plain === wanted.toLowerCase();
}

function accepted(payload: JWTPayload, issuer: BearerIssuer, now: number): Outcome {
  const { iat = 0, exp = 0, sub, nonce, events, auth_time: authTime } = payload;
  if (typeof sub !== 'string' || sub === '') return rejected('bearer-claim', 'its sub is not a text');
  if (iat > now / 1000 + leewaySeconds) return rejected('bearer-claim', 'it was issued in the future');
  // An ID token says that somebody has signed in elsewhere, and is not a credential to anything (OpenID Connect Core 1.0, 2).
  if (nonce !== undefined || events !== undefined)
    return rejected('bearer-type', 'it is an ID token or a logout token');
  const person = personOf(payload, issuer.issuer, issuer.claims, issuer.lookUpGroups === true);
  if (person.kind === 'refused') return rejected(`bearer-${person.reason}`, person.detail);
  const claimed = groupsOf(payload, issuer);
  if (claimed.kind === 'refused') return rejected(`bearer-${claimed.reason}`, claimed.detail);
  if (claimed.kind === 'overage' && issuer.lookUpGroups !== true)
    return rejected(
      'bearer-groups-unavailable',
      'there are more groups than fit into the token: look them up in the directory',
    );
  const identity: Identity = {
    subject: person.subject,
    account: person.account,
    upn: person.upn,
    name: person.name,
    email: person.email,
    sids: [],
    groups: claimed.kind === 'ok' ? claimed.groups : [],
    method: 'bearer',
    authenticatedAt: Math.min(iat * 1000, now),
    provenAt: provenAt(isTime(authTime) ? authTime * 1000 : undefined, now),
    expiresAt: (exp + leewaySeconds) * 1000,
  };
  return { kind: 'accepted', identity, lookUpGroups: issuer.lookUpGroups };
}

function faultOf(error: unknown): Rejected {
  if (error instanceof errors.JWTExpired) return rejected('bearer-expired', 'it has expired');
  if (error instanceof errors.JWTClaimValidationFailed)
    return rejected(
      claimReasons[error.claim] ?? 'bearer-claim',
      `its ${error.claim} is ${error.reason === 'missing' ? 'missing' : 'not right'}`,
    );
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return rejected('bearer-signature', "its signature is not its issuer's");
  if (error instanceof errors.JOSEError) return rejected('bearer-malformed', `it cannot be verified (${error.code})`);
  // RSA below 2048 bits, a point that is not on its curve: node:crypto and jose have several ways to say so.
  return rejected('bearer-key-unknown', "its issuer's key for it cannot be used");
}

const claimReasons: Readonly<Record<string, string>> = {
  aud: 'bearer-audience',
  iss: 'bearer-issuer',
  nbf: 'bearer-not-yet-valid',
};

const rejected = (reason: string, detail: string): Rejected => ({
  kind: 'rejected',
  reason,
  detail,
  replyHeader: refusal,
});
