/**
 * UTF-16LE, as every string in a PAC is written.
 *
 * @module
 */

/** The text of well-formed UTF-16LE; `undefined` for an odd length or a lone surrogate. */
export function decodeUtf16(bytes: Uint8Array): string | undefined {
  if (bytes.length % 2 !== 0) return undefined;
  const text = unpaired(bytes);
  return text.isWellFormed() ? text : undefined;
}

/** The text of UTF-16LE of even length, with U+FFFD for each lone surrogate. For text that identifies nobody. */
export const decodeDisplayUtf16 = (bytes: Uint8Array): string => unpaired(bytes).toWellFormed();

const unpaired = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf16le');

/** The bytes of `text`, without a terminator. */
export const encodeUtf16 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf16le'));
