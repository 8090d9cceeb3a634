/**
 * Security identifiers (MS-DTYP 2.4.2): the binary form of the wire and of `objectSid`,
 * and the text form `S-1-5-21-...`. Each value has exactly one form of either kind here,
 * so a SID can be compared as text.
 *
 * @module
 */

/** A binary or text SID breaks the rules; `offset` is the byte or character where that was seen. */
export class SidError extends Error {
  override readonly name = 'SidError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`Cannot read SID at ${offset}: ${message}`);
    this.offset = offset;
  }
}

const maxSubAuthorities = 15; // MS-DTYP 2.4.2.2
const headerBytes = 8; // revision, count, 48-bit authority

/** The text of a binary SID (MS-DTYP 2.4.2.2), which must fill `bytes`. Throws `SidError`. */
export function sidFromBytes(bytes: Uint8Array): string {
  if (bytes.length < headerBytes) throw new SidError('shorter than its header', bytes.length);
  if (bytes[0] !== 1) throw new SidError('revision is not 1', 0);
  const count = bytes[1] ?? 0;
  if (count < 1 || count > maxSubAuthorities) throw new SidError('does not have 1 to 15 sub-authorities', 1);
  if (bytes.length !== headerBytes + 4 * count) throw new SidError('length does not fit its sub-authorities', 1);

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // MS-DTYP 2.4.2.1: an authority of 2^32 or more is written as twelve hexadecimal digits.
  const high = view.getUint16(2);
  const low = view.getUint32(4);
  let text = high === 0 ? `S-1-${low}` : `S-1-0x${(high * 2 ** 32 + low).toString(16).padStart(12, '0')}`;
  for (let at = headerBytes; at < bytes.length; at += 4) text += `-${view.getUint32(at, true)}`;
  return text;
}

const textForm = /^S-1-(?:(0|[1-9][0-9]{0,9})|0x([0-9a-f]{12}))((?:-(?:0|[1-9][0-9]{0,9})){1,15})$/;

/** The binary form of a SID written as `S-1-5-21-...` (MS-DTYP 2.4.2.1), without respelling. Throws `SidError`. */
export function sidToBytes(text: string): Uint8Array {
  const [, decimal, hex, tail = ''] = textForm.exec(text) ?? [];
  if (tail === '') throw new SidError('not of the form S-1-authority-number-...', 0);
  const authority = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  if (authority >= 2 ** 32 !== (hex !== undefined)) throw new SidError('authority is not in its one form', 4);

  const numbers = tail.slice(1).split('-').map(Number);
  const bytes = new Uint8Array(headerBytes + 4 * numbers.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 1);
  view.setUint8(1, numbers.length);
  view.setUint16(2, Math.floor(authority / 2 ** 32));
  view.setUint32(4, authority % 2 ** 32);
  for (const [i, number] of numbers.entries()) {
    if (number >= 2 ** 32) throw new SidError('sub-authority is above 32 bits', text.indexOf(`-${number}`));
    view.setUint32(headerBytes + 4 * i, number, true);
  }
  return bytes;
}

/**
 * Makes the SIDs of accounts and groups in `domain` (text) from their relative identifiers.
 * Throws `SidError` when the domain has no room for one more part.
 */
export function sidsInDomain(domain: string): (rid: number) => string {
  if (domain.split('-').length - 3 >= maxSubAuthorities) throw new SidError('has 15 sub-authorities already', 0);
  return (rid) => `${domain}-${rid}`;
}
