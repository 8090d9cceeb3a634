const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether this text is a `token` (RFC 9110, 5.6.2): a method, a field name, a connection option. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether a field may have this value (RFC 9110, 5.5): visible characters, blanks, and bytes above 0x7f; no line break. */
export function isFieldValue(text: string): boolean {
  return FIELD_VALUE.test(text);
}

/**
 * The members of a list of tokens, in lower case, over all the fields that carry it (RFC 9110, 5.6.1).
 * Empty members are skipped, as the RFC asks; anything else that is no token makes the whole list `'malformed'`.
 */
export function tokenList(values: readonly string[]): readonly string[] | 'malformed' {
  const tokens: string[] = [];
  for (const value of values) {
    for (const member of value.split(',')) {
      const text = trimBlanks(member);
      if (text === '') continue;
      if (!isToken(text)) return 'malformed';
      tokens.push(text.toLowerCase());
    }
  }
  return tokens;
}

/** Without the spaces and tabs at both ends: HTTP's `OWS` and nothing else, where `String.trim` would take much more. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
