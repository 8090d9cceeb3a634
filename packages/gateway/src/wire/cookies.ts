/**
 * Cookies (RFC 6265): reading ours, writing ours, and taking ours out of what the
 * application gets to see.
 *
 * @module
 */
import { type Fields, fieldValues } from './fields.ts';
import { isToken, trimBlanks } from './field-grammar.ts';

export type CookieValue =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly value: string }
  /** More than one of this name, or a value that is none (RFC 6265, 4.1.1): there is no telling who set which. */
  | { readonly kind: 'ambiguous' };

const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/** The value of one cookie. The name is compared exactly. */
export function readCookie(fields: Fields, name: string): CookieValue {
  let found: string | undefined;
  for (const header of fieldValues(fields, 'cookie')) {
    for (const pair of header.split(';')) {
      if (nameOf(pair) !== name) continue;
      if (found !== undefined) return { kind: 'ambiguous' };
      found = trimBlanks(pair.slice(pair.indexOf('=') + 1));
    }
  }
  if (found === undefined) return { kind: 'none' };
  return VALUE.test(found) ? { kind: 'one', value: found } : { kind: 'ambiguous' };
}

/** The fields without these cookies. The other cookies keep their order and spelling; an emptied `Cookie` is left out. */
export function withoutCookies(fields: Fields, isMeant: (name: string) => boolean): Fields {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const value = fields[i + 1] ?? '';
    if (name.toLowerCase() !== 'cookie') kept.push(name, value);
    else {
      const cookies = value.split(';').filter((pair) => !isMeant(nameOf(pair) ?? ''));
      if (cookies.some((pair) => trimBlanks(pair) !== '')) kept.push(name, trimBlanks(cookies.join(';')));
    }
  }
  return kept;
}

/**
 * The fields of a response without those that set or delete one of these cookies, in whatever spelling a browser takes
 * for it: blanks around the name are cut off, and `=name=value` is kept without a name and sent back as `name=value`.
 */
export function withoutSetCookies(fields: Fields, isMeant: (name: string) => boolean): Fields {
  let kept: string[] | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const value = fields[i + 1] ?? '';
    if (name.toLowerCase() === 'set-cookie' && isMeant(nameOf(value.replace(/^[\t =]+/, '')) ?? ''))
      kept ??= fields.slice(0, i);
    else kept?.push(name, value);
  }
  return kept ?? fields;
}

function nameOf(pair: string): string | undefined {
  const equals = pair.indexOf('=');
  return equals === -1 ? undefined : trimBlanks(pair.slice(0, equals));
}

export interface CookieToSet {
  readonly name: string;
  readonly value: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: 'strict' | 'lax' | 'none';
  /** Seconds; `0` deletes the cookie, `undefined` leaves it until the browser closes. */
  readonly maxAge?: number | undefined;
  /** Default `/`. */
  readonly path?: string | undefined;
}

const SAME_SITE = { strict: 'Strict', lax: 'Lax', none: 'None' } as const;

/**
 * The value of a `Set-Cookie` field. Throws a `TypeError` for what a browser would misread or ignore: a caller's
 * mistake, never a client's.
 */
export function setCookie({ name, value, secure, httpOnly, sameSite, maxAge, path = '/' }: CookieToSet): string {
  if (!isToken(name)) throw new TypeError('Cannot write cookie: its name is not a token');
  // The value is a secret more often than not, so the message is silent about it.
  if (!VALUE.test(value)) throw new TypeError(`Cannot write cookie "${name}": its value has forbidden characters`);
  if (!/^\/[\x21-\x3a\x3c-\x7e]*$/.test(path)) throw new TypeError(`Cannot write cookie "${name}": bad path`);
  if (maxAge !== undefined && !Number.isSafeInteger(maxAge)) {
    throw new TypeError(`Cannot write cookie "${name}": its age is not a whole number of seconds`);
  }
  if (name.startsWith('__Host-') && !(secure && path === '/')) {
    throw new TypeError(`Cannot write cookie "${name}": the prefix needs Secure and the path /`);
  }
  if (sameSite === 'none' && !secure) throw new TypeError(`Cannot write cookie "${name}": SameSite=None needs Secure`);

  const parts = [`${name}=${value}`, `Path=${path}`];
  if (maxAge !== undefined) parts.push(`Max-Age=${maxAge}`);
  if (secure) parts.push('Secure');
  if (httpOnly) parts.push('HttpOnly');
  parts.push(`SameSite=${SAME_SITE[sameSite]}`);
  return parts.join('; ');
}
