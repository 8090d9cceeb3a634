/**
 * Trailer fields, which arrive after everybody has looked at the header. Some servers
 * merge the two, so what a trailer may say is little (RFC 9110, 6.5.1).
 *
 * @module
 */
import type { Fields } from './fields.ts';

const FORBIDDEN: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'connection',
  'cookie',
  'date',
  'expect',
  'expires',
  'forwarded',
  'host',
  'keep-alive',
  'location',
  'max-forwards',
  'origin',
  'proxy',
  'range',
  'referer',
  'retry-after',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'vary',
  'via',
  'warning',
  'www-authenticate',
]);
const FORBIDDEN_PREFIXES = ['content-', 'if-', 'proxy-', 'sec-', 'x-forwarded-', 'access-control-'];

/**
 * The key under which field names are the same to somebody: lower case, and `-` for every character that is neither
 * letter nor digit (`_` and `.` above all; RFC 3875, 4.1.18, and servers that go further than it).
 */
export function foldFieldName(name: string): string {
  const lower = name.toLowerCase();
  return /[^a-z0-9-]/.test(lower) ? lower.replace(/[^a-z0-9-]/g, '-') : lower;
}

/** The trailer fields that may go on: none that frames, routes, authenticates or describes the content. */
export function passableTrailers(trailers: Fields): Fields {
  const kept: string[] = [];
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i] as string;
    if (!isForbidden(foldFieldName(name))) kept.push(name, trailers[i + 1] as string);
  }
  return kept;
}

const isForbidden = (name: string): boolean =>
  FORBIDDEN.has(name) || FORBIDDEN_PREFIXES.some((prefix) => name.startsWith(prefix));
