/**
 * The fields that a reader of heads must notice, found by length and first letter, so that the others cost next to
 * nothing.
 *
 * @module
 */

/** A field that is noticed. `bit` tells it from the others in a set of those seen. */
export interface KnownField {
  /** In lower case. */
  readonly name: string;
  /** As nearly everybody spells it. */
  readonly usual: string;
  readonly bit: number;
  /** A second one would let two readers disagree about the message, its sender or its way. */
  readonly single: boolean;
}

/** Known fields by `32 * length + (first letter & 31)`. */
export type KnownFields = readonly (readonly KnownField[] | undefined)[];

const names = [
  ['Content-Length', 'single'],
  ['Transfer-Encoding', 'single'],
  ['Connection', 'list'],
  ['Upgrade', 'list'],
  ['Expect', 'single'],
  ['Host', 'single'],
  ['Cookie', 'single'],
  ['Authorization', 'single'],
  ['Content-Type', 'single'],
  ['Origin', 'single'],
  ['Sec-Fetch-Dest', 'single'],
  ['Sec-Fetch-Mode', 'single'],
  ['Sec-Fetch-Site', 'single'],
  ['Sec-WebSocket-Key', 'single'],
  ['Sec-WebSocket-Version', 'single'],
] as const;

const fields = names.map(
  ([usual, kind], i): KnownField => ({ usual, name: usual.toLowerCase(), bit: 1 << i, single: kind === 'single' }),
);

const bitOf = (name: string): number => fields.find((field) => field.name === name)?.bit ?? 0;

export const CONTENT_LENGTH = bitOf('content-length');
export const TRANSFER_ENCODING = bitOf('transfer-encoding');
export const CONNECTION = bitOf('connection');
export const UPGRADE = bitOf('upgrade');
export const EXPECT = bitOf('expect');
export const HOST = bitOf('host');
export const COOKIE = bitOf('cookie');
export const AUTHORIZATION = bitOf('authorization');

/** What is noticed in requests. */
export const REQUEST_FIELDS: KnownFields = table(fields);

/** What is noticed in responses: what frames them. Of others, a second one is the browser's affair. */
export const RESPONSE_FIELDS: KnownFields = table(
  fields.filter(({ bit }) => (bit & (CONTENT_LENGTH | TRANSFER_ENCODING | CONNECTION | UPGRADE)) !== 0),
);

/** What no trailer section may have (RFC 9110, 6.5.1): whoever merges trailers into the head would frame the message anew. */
export const TRAILER_FIELDS: KnownFields = table(
  fields.filter(({ bit }) => (bit & (CONTENT_LENGTH | TRANSFER_ENCODING | HOST)) !== 0),
);

/** The known field of this name in any spelling, or of which this name is an alias (`Content_Length`). */
export function knownField(table: KnownFields, name: string): KnownField | undefined {
  const candidates = table[(name.length << 5) + (name.charCodeAt(0) & 31)];
  if (candidates === undefined) return undefined;
  for (const field of candidates) if (name === field.usual || name === field.name) return field;
  for (const field of candidates) if (foldsTo(field.name, name)) return field;
  return undefined;
}

/** Whether a name of the same length is read as `known` by whoever folds letters, and `_` and its like to `-`. */
function foldsTo(known: string, name: string): boolean {
  // From the end, where `Sec-Fetch-User` and `Sec-Fetch-Site` differ.
  for (let i = name.length - 1; i >= 0; i--) {
    const code = name.charCodeAt(i);
    const expected = known.charCodeAt(i);
    if (code === expected) continue;
    if (expected === HYPHEN ? isAlphanumeric(code) : (code | 0x20) !== expected || !isAlphanumeric(code)) return false;
  }
  return true;
}

const HYPHEN = 0x2d;

function isAlphanumeric(code: number): boolean {
  const letter = code | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39);
}

/** Whether this name, which `knownField` found, is only an alias: some servers read `_` and `.` as `-`, and some do not. */
export function isAlias(field: KnownField, name: string): boolean {
  return name !== field.usual && name !== field.name && name.toLowerCase() !== field.name;
}

function table(known: readonly KnownField[]): KnownFields {
  const longest = Math.max(...known.map(({ name }) => name.length));
  return Array.from({ length: (longest + 1) << 5 }, (_, slot) => {
    const here = known.filter(({ name }) => (name.length << 5) + (name.charCodeAt(0) & 31) === slot);
    return here.length > 0 ? here : undefined;
  });
}
