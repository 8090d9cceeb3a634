/**
 * Names of people and groups as field values. HTTP carries visible ASCII safely and
 * nothing else, so other text is encoded in one of two ways:
 *
 * - `percent`: as in a URL, UTF-8 with `%XX`. Visible ASCII stays as it is except `%`
 *   (`CORP\alice` is `CORP\alice`). `decodeURIComponent` gives the text back.
 * - `utf-8`: the bytes as they are, for applications that expect them.
 *
 * In both, a control character becomes U+FFFD: it belongs into no name, and leaving
 * it out would turn one name into another.
 *
 * @module
 */
/** How one app wants its values. */
export type HeaderEncoding = 'percent' | 'utf-8';

const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/gu;
const REPLACEMENT = '\ufffd';

// Spaces at the end by `(?<! ) +$` and not ` +$`, which looks at a long run of them in the middle once for each.

/** One value. Spaces at its ends, which receivers cut off, are encoded too. */
export function encodeValue(text: string, encoding: HeaderEncoding): string {
  return encode(text, encoding, /[^ -$&-~]+|^ +|(?<! ) +$/gu, /^ +|(?<! ) +$/gu);
}

/**
 * Several values, with a comma between them. A comma inside a value never looks like the one between two: it is encoded
 * in `percent`, and becomes U+FFFD in `utf-8`, which has no way to write it. Empty values are left out.
 */
export function encodeList(items: readonly string[], encoding: HeaderEncoding): string {
  return items
    .filter((item) => item !== '')
    .map((item) => encode(item, encoding, /[^ !#$&-+\--~]+|^ +|(?<! ) +$/gu, /,|^ +|(?<! ) +$/gu))
    .join(',');
}

/** Percent-encodes what matches `toEscape`, or replaces what matches `unwritable` and gives the UTF-8 bytes, one per character. */
function encode(text: string, encoding: HeaderEncoding, toEscape: RegExp, unwritable: RegExp): string {
  const clean = text.toWellFormed().replace(CONTROLS, REPLACEMENT);
  if (encoding === 'percent') return clean.replace(toEscape, encodeURIComponent);
  const written = clean.replace(unwritable, (run) => REPLACEMENT.repeat(run.length));
  return Buffer.from(written, 'utf8').toString('latin1');
}
