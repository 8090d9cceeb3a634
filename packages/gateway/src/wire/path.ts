/**
 * The one spelling of a request target that policy judges and the upstream gets.
 *
 * What two servers could read differently is refused, not repaired (RFC 3986, 6;
 * design 5.3). Only two things are rewritten, since every reader agrees on them:
 * percent-encoded unreserved characters are decoded (`%41` to `A`) and the digits
 * of the other escapes are put into upper case. Whatever is accepted is its own
 * canonical form; the fuzz test holds it to that.
 *
 * @module
 */

export type TargetRefusal =
  | 'target-too-long'
  /** Absolute form, authority form and `*` (RFC 9112, 3.2.2 to 3.2.4): the gateway is an origin server to its clients. */
  | 'target-not-origin-form'
  | 'target-has-fragment'
  | 'target-forbidden-character'
  | 'target-bad-percent-encoding'
  | 'target-double-encoding'
  | 'target-encoded-separator'
  | 'target-encoded-control'
  | 'target-not-utf-8'
  | 'target-dot-segment'
  | 'target-empty-segment';

type Refused = { readonly kind: 'refused'; readonly reason: TargetRefusal };

export type CanonicalTarget =
  | {
      readonly kind: 'ok';
      /** Begins with `/`; canonical; still percent-encoded. */
      readonly path: string;
      /** From the `?` on, untouched, or empty. Policy never looks at it. */
      readonly query: string;
      /** `path` and `query`: what goes to the upstream. */
      readonly target: string;
    }
  | Refused;

export type CanonicalPath = { readonly kind: 'ok'; readonly path: string } | Refused;

const MAX_TARGET_LENGTH = 16 * 1024;

// `pchar` and `/` (RFC 3986, 3.3), and the brackets, which browsers leave as they are.
const PATH_CHARACTERS = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/%[\]]*$/;
// Any printable character: browsers and curl send `|`, `^`, `{`, `"` in queries as they are.
const QUERY_CHARACTERS = /^[\x21-\x7e]*$/;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** Reads the target of a request line (RFC 9112, 3.2), as received. */
export function canonicalTarget(target: string): CanonicalTarget {
  if (target.length > MAX_TARGET_LENGTH) return refused('target-too-long');
  if (!target.startsWith('/')) return refused('target-not-origin-form');
  if (target.includes('#')) return refused('target-has-fragment');

  const mark = target.indexOf('?');
  const query = mark === -1 ? '' : target.slice(mark);
  if (!QUERY_CHARACTERS.test(query)) return refused('target-forbidden-character');

  const canonical = canonicalPath(mark === -1 ? target : target.slice(0, mark));
  if (canonical.kind === 'refused') return canonical;
  return { kind: 'ok', path: canonical.path, query, target: canonical.path + query };
}

/** The same for a path alone, which begins with `/` and has no query. */
export function canonicalPath(raw: string): CanonicalPath {
  if (!PATH_CHARACTERS.test(raw)) return refused('target-forbidden-character');

  const path = raw.includes('%') ? decodeUnreserved(raw) : raw;
  if (path === undefined) return refused('target-bad-percent-encoding');
  const escapes = path.includes('%') ? refusalOfEscapes(path) : undefined;
  if (escapes !== undefined) return refused(escapes);

  // A segment that is dots alone to a server that drops path parameters (`..;x`, `..%3Bx`) counts as well.
  // So does one that is dots and blanks: Windows drops those at the end of a name.
  if (/\/\.{1,2}(?:\/|;|%3B|$)/.test(path) || /\/(?:(?:%20)+\.|\.+%20)(?:\.|%20)*(?:\/|;|%3B|$)/.test(path))
    return refused('target-dot-segment');
  // So does one that is empty to such a server (`/;x/admin`).
  if (/\/(?:\/|;|%3B)/.test(path)) return refused('target-empty-segment');
  return { kind: 'ok', path };
}

function decodeUnreserved(raw: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) return undefined;
  return raw.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return UNRESERVED.test(character) ? character : escape.toUpperCase();
  });
}

function refusalOfEscapes(path: string): TargetRefusal | undefined {
  // Looked for after decoding, which can bring it about: `%25%34%31` is `%2541`. A server that decodes twice would see
  // a path that policy has not seen; IIS refuses these for the same reason.
  if (/%25[0-9A-Fa-f]{2}/.test(path)) return 'target-double-encoding';
  if (/%(?:2F|5C)/.test(path)) return 'target-encoded-separator';
  if (/%(?:[01][0-9A-F]|7F)/.test(path)) return 'target-encoded-control';
  // Throws for overlong forms (`%C0%AF` is a slash to a careless decoder), surrogates and stray bytes.
  const text = decodeOrUndefined(path);
  if (text === undefined) return 'target-not-utf-8';
  return /[\u0080-\u009f]/.test(text) ? 'target-encoded-control' : undefined;
}

/** Percent-decoded UTF-8, or `undefined` when it is not well-formed. */
export function decodeOrUndefined(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const refused = (reason: TargetRefusal): Refused => ({ kind: 'refused', reason });
