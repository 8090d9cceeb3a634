/**
 * UTF-16LE, as every string in a PAC is written.
 *
 * @module
 */

/** The text of well-formed UTF-16LE; `undefined` for an odd length or a lone surrogate. */
export function decodeUtf16(bytes: Uint8Array): string | undefined {
  if (bytes.length % 2 !== 0) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf16le');
  return text.isWellFormed() ? text : undefined;
}

/** The bytes of `text`, without a terminator. */
export const encodeUtf16 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf16le'));
