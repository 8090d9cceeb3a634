/**
 * The characters of HTTP/1.1 (RFC 9110, 5.6 and RFC 9112, 2 to 5). A good head is recognised by one anchored
 * expression; what is wrong with a bad one is found out by `head-faults.ts`, where time no longer matters.
 *
 * @module
 */

/** A request head, without the empty line that ends it, in which every byte is ASCII. */
export const ASCII_REQUEST_HEAD =
  /^[A-Z][A-Z-]* [\x21\x22\x24-\x7e]+ HTTP\/1\.[01](?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e]*)*$/;

/** The same with bytes above 0x7f in the values, where `obs-text` allows them (RFC 9110, 5.5). */
export const REQUEST_HEAD =
  /^[A-Z][A-Z-]* [\x21\x22\x24-\x7e]+ HTTP\/1\.[01](?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*)*$/;

/** The first line of such a head. */
export const REQUEST_LINE = /^[A-Z][A-Z-]* [\x21\x22\x24-\x7e]+ HTTP\/1\.[01]$/;

/** A response head. The space behind the status may be missing when no reason follows, as many servers write it. */
export const RESPONSE_HEAD =
  /^HTTP\/1\.[01] [1-5][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?(?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*)*$/;

/** Field lines, each with its line break in front: a trailer section (RFC 9112, 7.1.2). */
export const FIELD_LINES = /^(?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*)*$/;

/** The first byte that no head may have: a control character, or half a line break. */
export const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;

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

/** Whether this code is a space or a tab: HTTP's `OWS` and nothing else. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Without the spaces and tabs at both ends, where `String.trim` would take much more. Not by `/[\t ]+$/`, which looks at a
 * long run of blanks once for each of them: 60 KB of them in one field took a second and a half.
 */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** The members of a comma list of tokens, in lower case; empty ones are skipped (RFC 9110, 5.6.1). */
export function tokens(value: string): readonly string[] | 'malformed' {
  const members: string[] = [];
  for (const member of value.split(',')) {
    const token = trimBlanks(member);
    if (token === '') continue;
    if (!isToken(token)) return 'malformed';
    members.push(token.toLowerCase());
  }
  return members;
}
