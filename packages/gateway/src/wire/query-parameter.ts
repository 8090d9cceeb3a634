/**
 * One parameter of a query (`?a=1&b=2`) that is meant for the gateway and not for the
 * app: read strictly, and taken out, with every other byte left as it was.
 *
 * @module
 */
import type { Fields } from './fields.ts';

export type TakenParameter =
  | { readonly kind: 'none' }
  /** `value` as it stands there, not decoded. `query` is without it, and empty when nothing else was there. */
  | { readonly kind: 'one'; readonly value: string; readonly query: string }
  /** Twice, or in a spelling that some servers take for the name: somebody would read another value than we do. */
  | { readonly kind: 'ambiguous' };

/** Takes the parameter `name` out of a query (from its `?` on, or empty). The value must not be logged, whatever the outcome. */
export function takeQueryParameter(query: string, name: string): TakenParameter {
  if (query.length < 2) return none;
  const folded = foldName(name);
  const pieces = query.slice(1).split('&');
  let found = -1;
  for (const [i, piece] of pieces.entries()) {
    if (!speaksOf(piece, folded)) continue;
    if (found !== -1 || rawName(piece) !== name || piece.includes(';')) return { kind: 'ambiguous' };
    found = i;
  }
  const piece = pieces[found];
  if (piece === undefined) return none;
  const rest = pieces.filter((_, i) => i !== found);
  const value = piece.slice(name.length + 1);
  return { kind: 'one', value, query: rest.length === 0 ? '' : `?${rest.join('&')}` };
}

/**
 * The fields with the parameter taken out of every `Referer`, in whatever spelling and however often: there it is an
 * address that the browser has been at, and what matters is that nobody reads the value.
 */
export function withoutParameterInReferer(fields: Fields, name: string): Fields {
  let cleaned: string[] | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const field = fields[i] as string;
    if (field.length !== 7 || field.toLowerCase() !== 'referer') continue;
    const value = fields[i + 1] as string;
    const without = refererWithout(value, name);
    if (without === value) continue;
    cleaned ??= [...fields];
    cleaned[i + 1] = without;
  }
  return cleaned ?? fields;
}

/** One `Referer` value (RFC 9110, 10.1.3) without the parameter. */
export function refererWithout(value: string, name: string): string {
  const mark = value.indexOf('?');
  if (mark === -1) return value;
  const folded = foldName(name);
  const hash = value.indexOf('#', mark);
  const end = hash === -1 ? value.length : hash;
  const pieces = value.slice(mark + 1, end).split('&');
  const rest = pieces.filter((piece) => !speaksOf(piece, folded));
  if (rest.length === pieces.length) return value;
  const query = rest.length === 0 ? '' : `?${rest.join('&')}`;
  return value.slice(0, mark) + query + value.slice(end);
}

/** Whether some server finds the name in this piece: many take `;` for another `&` (HTML 4, B.2.2). */
const speaksOf = (piece: string, folded: string): boolean =>
  (piece.includes(';') ? piece.split(';') : [piece]).some((part) => foldName(rawName(part)) === folded);

function rawName(piece: string): string {
  const equals = piece.indexOf('=');
  return equals === -1 ? piece : piece.slice(0, equals);
}

/** A name as the most careless of servers knows it: decoded, upper and lower case alike, PHP's `.`, ` ` and `[` read as `_` or cut off. */
function foldName(raw: string): string {
  const text = raw.includes('%') || raw.includes('+') ? decoded(raw) : raw;
  return text.trim().replace(/\[.*$/s, '').replace(/[. ]/g, '_').toLowerCase();
}

/** Byte by byte: the names in question are ASCII, and what is no UTF-8 must not hide them. */
const decoded = (raw: string): string =>
  raw
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

const none: TakenParameter = { kind: 'none' };
