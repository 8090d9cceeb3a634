import { passableTrailers } from '@cardea/http1';
import { isFieldValue, isToken } from './field-grammar.ts';
import type { FieldStripper } from './field-names.ts';
import type { Fields } from './fields.ts';

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
    if (isToken(name) && isFieldValue(value)) kept.push(name, value);
  }
  return strip(passableTrailers(kept)).fields;
}
