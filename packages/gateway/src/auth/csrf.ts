/**
 * Tokens against forged requests from other sites (double submit): the page repeats in a field what a cookie tells it,
 * which another site can neither read nor guess. Each token belongs to one session, so that a planted cookie helps nobody.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Keys for purpose `csrf`, by generation. */
export interface CsrfKeys {
  readonly newest: { readonly id: string };
  derive(id: string, purpose: 'csrf'): Uint8Array | undefined;
}

export interface CsrfTokens {
  /** `<key>.<HMAC-SHA256 of the session's id>`, safe in a cookie. */
  tokenFor(session: string): string;
  /** Whether a token was made for this session. The time it takes tells nothing about the right one. */
  matches(token: string, session: string): boolean;
}

/** Makes and checks tokens with these keys; a token of an older generation is good as long as its key is there. */
export function csrfTokens(keys: CsrfKeys): CsrfTokens {
  const mac = (id: string, session: string): Buffer | undefined => {
    const key = keys.derive(id, 'csrf');
    return key && createHmac('sha256', key).update(session).digest();
  };
  return {
    tokenFor(session) {
      const { id } = keys.newest;
      const value = mac(id, session);
      if (value === undefined) throw new Error(`Cannot make a CSRF token: key ${id} has left the ring`);
      return `${id}.${value.toString('base64url')}`;
    },
    matches(token, session) {
      const [, id, text] = /^([0-9a-f]{8})\.([\w-]{43})$/.exec(token) ?? [];
      if (id === undefined || text === undefined) return false;
      const right = mac(id, session);
      const given = Buffer.from(text, 'base64url');
      return right !== undefined && given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

/** Readable for the page's script, unlike the session cookie: that is its purpose. */
export const csrfCookieName = (secure: boolean): string => (secure ? '__Host-cardea-csrf' : 'cardea-csrf');

/** The field that repeats the token, in lower case. */
export const csrfField = 'x-csrf-token';
