/**
 * The grammar of field names and values. It is the engine's: what it has let pass and what is
 * judged here must never differ by a letter.
 *
 * @module
 */
import { tokens } from '@cardea/http1';

export { isFieldValue, isToken, trimBlanks } from '@cardea/http1';

/**
 * The members of a list of tokens, in lower case, over all the fields that carry it (RFC 9110, 5.6.1).
 * Empty members are skipped, as the RFC asks; anything else that is no token makes the whole list `'malformed'`.
 */
export function tokenList(values: readonly string[]): readonly string[] | 'malformed' {
  const all: string[] = [];
  for (const value of values) {
    const members = tokens(value);
    if (members === 'malformed') return 'malformed';
    for (const member of members) all.push(member);
  }
  return all;
}
