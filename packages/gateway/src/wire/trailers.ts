import { type FieldStripper, foldFieldName } from './field-names.ts';
import type { Fields } from './fields.ts';
import { isFieldValue, isToken } from './field-grammar.ts';

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
 * The trailer fields that may go on (RFC 9110, 6.5.1): none that frames, routes, authenticates or describes the
 * content, and none that `strip` removes. Some servers merge trailers into the header, where a forged identity
 * would arrive after everybody has looked.
 */
export function endToEndTrailers(trailers: Fields, strip: FieldStripper): Fields {
  const kept: string[] = [];
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i] ?? '';
    const value = trailers[i + 1] ?? '';
    if (isToken(name) && !isForbidden(foldFieldName(name)) && isFieldValue(value)) kept.push(name, value);
  }
  return strip(kept).fields;
}

const isForbidden = (name: string): boolean =>
  FORBIDDEN.has(name) || FORBIDDEN_PREFIXES.some((prefix) => name.startsWith(prefix));
