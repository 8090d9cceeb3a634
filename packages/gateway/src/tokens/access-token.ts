/**
 * Access tokens: JWTs of our own issuer for other audiences (RFC 9068), and how they are verified
 * without asking anybody. Algorithm, type, issuer and audience are pinned (RFC 8725, 3).
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import type {
  AccessTokenClaims,
  AccessTokenFault,
  AccessTokenVerifier,
  VerifiedToken,
} from '../ports/access-tokens.ts';
import { isSignedBy, signWith } from './signing-key.ts';
import { clockLeewayMs, type SigningRing } from './signing-ring.ts';

/** `typ` (RFC 9068, 2.1): no other token of ours can be taken for one, nor one for another. */
export const accessTokenType = 'at+jwt';

/** Nothing longer is looked at, and nothing longer is issued: many servers refuse fields above 8 KiB. */
export const maxAccessTokenLength = 8 * 1024;

/** What a token is to say. */
export type AccessTokenContents = Omit<AccessTokenClaims, 'iss' | 'iat' | 'exp' | 'jti'>;

export interface IssuedToken {
  readonly token: string;
  readonly claims: AccessTokenClaims;
}

/** Signs a token that is good from `now` to `expiresAt`. `no-key`: none has been made yet. `too-long`: it would not fit into a field. */
export async function issueAccessToken(
  { ring, issuer }: { readonly ring: SigningRing; readonly issuer: string },
  contents: AccessTokenContents,
  now: number,
  expiresAt: number,
): Promise<IssuedToken | 'no-key' | 'too-long'> {
  const key = ring.signer(now);
  if (key === undefined) return 'no-key';
  const { aud, sub, client_id, ...rest } = contents;
  const times = { iat: Math.floor(now / 1_000), exp: Math.floor(expiresAt / 1_000) };
  const claims: AccessTokenClaims = { iss: issuer, aud, sub, client_id, ...times, jti: randomUUID(), ...rest };
  const input = `${part({ alg: key.algorithm, typ: accessTokenType, kid: key.kid })}.${part(claims)}`;
  if (input.length > maxAccessTokenLength) return 'too-long';
  const token = `${input}.${(await signWith(key, input)).toString('base64url')}`;
  return token.length > maxAccessTokenLength ? 'too-long' : { token, claims };
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export interface ExpectedToken {
  readonly ring: Pick<SigningRing, 'find'>;
  readonly issuer: string;
  /** One of these must be its audience. */
  readonly audiences: readonly string[];
  readonly now: number;
}

/** Verifies a token of our own issuer, at once. Whether it has been revoked is another question. */
export function verifyAccessToken(token: string, expected: ExpectedToken): VerifiedToken {
  const read = readAccessToken(token);
  if (read === undefined) return refused('malformed', 'it is not a signed JWT');
  const { header, claims, input, signature } = read;
  if (header['typ'] !== accessTokenType) return refused('type', 'it is not an access token');
  if (claims['iss'] !== expected.issuer) return refused('issuer', 'it is of another issuer');
  // Nothing that a header may ask for beyond this is understood (RFC 7515, 4.1.11).
  if (header['crit'] !== undefined) return refused('malformed', 'its header asks for an extension');
  const { kid } = header;
  const key = typeof kid === 'string' ? expected.ring.find(kid) : undefined;
  if (key === undefined) return refused('key-unknown', 'the issuer has no such key');
  // The key says how it is verified, and the token only whether it knows that as well (RFC 8725, 3.1).
  if (header['alg'] !== key.algorithm) return refused('algorithm', "its algorithm is not its key's");
  if (!isSignedBy(key, input, signature)) return refused('signature', "its signature is not the issuer's");
  return checkClaims(claims, key.kid, expected);
}

/** The same for whoever knows nothing of keys. */
export function accessTokenVerifier(parts: Pick<ExpectedToken, 'ring' | 'issuer'>): AccessTokenVerifier {
  const { ring, issuer } = parts;
  return {
    issuer,
    isOwn: (token) => readAccessToken(token)?.claims['iss'] === issuer,
    hasKey: (kid) => ring.find(kid) !== undefined,
    verify: (token, audiences, now) => verifyAccessToken(token, { ...parts, audiences, now }),
  };
}

function checkClaims(
  claims: Readonly<Record<string, unknown>>,
  kid: string,
  { audiences, now }: ExpectedToken,
): VerifiedToken {
  if (!hasAllClaims(claims)) return refused('claim', `a claim is missing, or has another form: ${missingOf(claims)}`);
  const { aud, iat, exp } = claims;
  const [seconds, leeway] = [now / 1_000, clockLeewayMs / 1_000];
  if (!audiences.includes(aud)) return refused('audience', 'it is for something else');
  if (exp + leeway <= seconds) return refused('expired', 'it has expired');
  const { nbf } = claims as { readonly nbf?: unknown };
  if (nbf !== undefined && typeof nbf !== 'number') return refused('claim', 'its nbf is no time');
  if (iat - leeway > seconds || (nbf ?? 0) - leeway > seconds) return refused('not-yet-valid', 'it is of the future');
  return { kind: 'ok', claims, kid, goodUntil: exp * 1_000 + clockLeewayMs };
}

const refused = (reason: AccessTokenFault, detail: string): VerifiedToken => ({ kind: 'refused', reason, detail });

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const orAbsent = (is: (value: unknown) => boolean) => (value: unknown) => value === undefined || is(value);

/** What every token has that we have issued; a signature of ours alone does not make one. */
const claimForms: Readonly<Record<keyof Omit<AccessTokenClaims, 'iss'>, (value: unknown) => boolean>> = {
  aud: isText,
  sub: isText,
  client_id: isText,
  groups: isTexts,
  roles: orAbsent(isTexts),
  scope: orAbsent(isText),
  upn: orAbsent(isText),
  iat: isTime,
  exp: isTime,
  jti: isText,
  auth_time: orAbsent(isTime),
  cardea: isOrigin,
};

const missingOf = (claims: Readonly<Record<string, unknown>>): string =>
  Object.entries(claimForms)
    .filter(([name, is]) => !is(claims[name]))
    .map(([name]) => name)
    .join(', ');

function hasAllClaims(
  claims: Readonly<Record<string, unknown>>,
): claims is Readonly<Record<string, unknown>> & AccessTokenClaims {
  return missingOf(claims) === '';
}

function isOrigin(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const members = new Map<string, unknown>(Object.entries(value));
  return (
    isTime(members.get('at')) &&
    isText(members.get('sub')) &&
    ['sid', 'idp', 'idp_sid'].every((name) => orAbsent(isText)(members.get(name)))
  );
}

interface ReadAccessToken {
  readonly header: Readonly<Record<string, unknown>>;
  /** Of which nothing has been verified. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly input: string;
  readonly signature: Buffer;
}

/** What a signed JWT (RFC 7515, 7.1) says of itself, of which nothing has been verified; `undefined` for anything else. */
function readAccessToken(token: string): ReadAccessToken | undefined {
  if (token.length > maxAccessTokenLength) return undefined;
  const [, head = '', body = '', tail = ''] = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(token) ?? [];
  const header = objectOf(head);
  const claims = objectOf(body);
  const signature = Buffer.from(tail, 'base64url');
  if (header === undefined || claims === undefined || signature.toString('base64url') !== tail) return undefined;
  return { header, claims, input: `${head}.${body}`, signature };
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = Buffer.from(text, 'base64url');
  // Spare bits could be written in several ways: one token, one spelling.
  if (text === '' || bytes.toString('base64url') !== text) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined; // JSON.parse tells by throwing
  }
}
