/**
 * `X-Cardea-Assertion`: a short-lived JWT that tells one app who is there, for apps
 * that do not want to trust their network. ES256 (RFC 7518, 3.4), verifiable with
 * the keys under `/.well-known/jwks.json`.
 *
 * @module
 */
import { randomUUID, sign } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { Identity } from '../core/identity.ts';
import type { KeyRing } from './key-ring.ts';

export interface AssertionOptions {
  readonly ring: KeyRing;
  /** `iss`: the gateway's own origin. */
  readonly issuer: string;
  /** Default: five minutes. An app reads it at once; the time is for clocks that differ. */
  readonly lifetimeMs?: number;
}

/** The claims of an assertion, besides those that RFC 7519 registers. Absent when unknown. */
export interface AssertionClaims extends JWTPayload {
  readonly account: string;
  readonly upn?: string;
  readonly name?: string;
  readonly email?: string;
  readonly groups?: readonly string[];
  /** The groups were left out, because the header would have been longer than 8 KiB. Ask `/auth/me` instead. */
  readonly groups_omitted?: true;
  readonly roles: readonly string[];
  /** The session's id, when there is a session. */
  readonly sid?: string;
}

/** `typ` (RFC 8725, 3.11): no other token of ours can be taken for an assertion, nor an assertion for it. */
export const assertionType = 'cardea-assertion+jwt';

/** Longest header value: many servers refuse fields (or all of them together) above 8 KiB. */
export const maxAssertionLength = 8 * 1024;

const defaultLifetimeMs = 5 * 60_000;

export interface Assertions {
  /** A signed assertion about `identity` for the app called `audience`. */
  readonly assertionFor: (
    audience: string,
    identity: Identity,
    roles: readonly string[],
    now: number,
    sessionId?: string,
  ) => string;
}

/** A maker of assertions on this ring: it signs with the newest key of the moment. */
export function assertions({ ring, issuer, lifetimeMs = defaultLifetimeMs }: AssertionOptions): Assertions {
  // By node:crypto, in one step: jose signs by WebCrypto, whose hand-over to another thread costs more than the signature.
  function signed(claims: JWTPayload): string {
    const { id, signing } = ring.newest;
    const input = `${part({ alg: 'ES256', typ: assertionType, kid: id })}.${part(claims)}`;
    // RFC 7518, 3.4: the signature is the two numbers side by side, not the DER that OpenSSL writes by itself.
    return `${input}.${sign('sha256', Buffer.from(input), { key: signing, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  return {
    assertionFor(audience, identity, roles, now, sessionId) {
      const issuedAt = Math.floor(now / 1_000);
      // Never beyond the session: an assertion must not outlive what it asserts.
      const expiresAt = Math.floor(Math.min(now + lifetimeMs, identity.expiresAt) / 1_000);
      const claims = {
        iss: issuer,
        aud: audience,
        sub: identity.subject,
        iat: issuedAt,
        exp: expiresAt,
        jti: randomUUID(),
        account: identity.account,
        ...optional('upn', identity.upn),
        ...optional('name', identity.name),
        ...optional('email', identity.email),
        roles,
        ...optional('sid', sessionId),
      };
      const groupsLength = identity.groups.reduce((sum, group) => sum + group.length, 0);
      // Base64 makes it a third longer: what cannot fit is not signed first.
      const whole = groupsLength < maxAssertionLength ? signed({ ...claims, groups: identity.groups }) : undefined;
      if (whole !== undefined && whole.length <= maxAssertionLength) return whole;
      return signed({ ...claims, groups_omitted: true });
    },
  };
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function optional(name: string, value: string | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { [name]: value };
}

/**
 * Verifies an assertion as an app should: algorithm, type, issuer, audience and times are all required.
 * Throws jose's errors, whose `code` says what is wrong.
 */
export async function verifyAssertion(
  token: string,
  expected: { readonly jwks: JSONWebKeySet; readonly issuer: string; readonly audience: string; readonly now: number },
): Promise<AssertionClaims> {
  const { payload } = await jwtVerify<AssertionClaims>(token, createLocalJWKSet(expected.jwks), {
    algorithms: ['ES256'],
    typ: assertionType,
    issuer: expected.issuer,
    audience: expected.audience,
    currentDate: new Date(expected.now),
    requiredClaims: ['sub', 'iat', 'exp', 'jti'],
  });
  return payload;
}
