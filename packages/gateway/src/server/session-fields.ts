/**
 * The response fields that bring a session to the browser, and take it away.
 *
 * @module
 */
import { type CsrfTokens, csrfCookieName } from '../auth/csrf.ts';
import { setCookie } from '../wire/cookies.ts';
import type { Fields } from '../wire/fields.ts';

export interface SessionFieldsOptions {
  readonly csrf: Pick<CsrfTokens, 'tokenFor'>;
  readonly sameSite: 'lax' | 'strict' | 'none';
}

/** `value` is the session cookie's; `id` is the session's. */
export function sessionFields(
  { csrf, sameSite }: SessionFieldsOptions,
  value: string,
  id: string,
  secure: boolean,
): Fields {
  const usual = { secure, sameSite, path: '/' };
  return cookieFields([
    setCookie({ ...usual, name: sessionCookieName(secure), value, httpOnly: true }),
    setCookie({ ...usual, name: csrfCookieName(secure), value: csrf.tokenFor(id), httpOnly: false }),
  ]);
}

/** Removes both cookies. */
export function sessionRemoval({ sameSite }: Pick<SessionFieldsOptions, 'sameSite'>, secure: boolean): Fields {
  const gone = { secure, sameSite, path: '/', value: '', maxAge: 0 };
  return cookieFields([
    setCookie({ ...gone, name: sessionCookieName(secure), httpOnly: true }),
    setCookie({ ...gone, name: csrfCookieName(secure), httpOnly: false }),
  ]);
}

/** A response that sets a session must not end up in a shared cache (RFC 9111, 5.2.2.7). */
const cookieFields = (cookies: readonly string[]): Fields => [
  ...cookies.flatMap((cookie) => ['Set-Cookie', cookie]),
  'Cache-Control',
  'private',
];

/** `__Host-` pins a cookie to this host over TLS (RFC 6265bis, 4.1.3.2); without TLS browsers refuse that name. */
export const sessionCookieName = (secure: boolean): string => (secure ? '__Host-cardea' : 'cardea');
