/**
 * The contents of a DER OBJECT IDENTIFIER (X.690 8.19), to and from the dotted form.
 *
 * Shortest form only, so two texts are equal exactly when the bytes are. Arcs are limited
 * to 49 bits and the whole to 64 bytes, far above any mechanism that exists.
 *
 * @module
 */
import { DerError } from './der.ts';

const maxBytes = 64;
const maxArcBytes = 7;

/** `2a 86 48 86 f7 12 01 02 02` to `1.2.840.113554.1.2.2`. Throws `DerError`. */
export function decodeOid(contents: Uint8Array): string {
  if (contents.length === 0 || contents.length > maxBytes)
    throw new DerError('OID is empty or longer than 64 bytes', 0);
  const arcs: number[] = [];
  let value = 0;
  let start = 0;
  for (const [at, byte] of contents.entries()) {
    if (at === start && byte === 0x80) throw new DerError('OID arc is not in shortest form', at);
    if (at - start >= maxArcBytes) throw new DerError('OID arc is above 49 bits', at);
    value = value * 128 + (byte & 0x7f); // not a shift: above 32 bits
    if (byte >= 0x80) continue;
    // X.690 8.19.4: the first two arcs share one number, and only arc 2 may be followed by more than 39.
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(value / 40));
      arcs.push(first, value - 40 * first);
    } else {
      arcs.push(value);
    }
    value = 0;
    start = at + 1;
  }
  if (start !== contents.length) throw new DerError('OID ends inside an arc', contents.length);
  return arcs.join('.');
}

const dotted = /^[012](?:\.(?:0|[1-9][0-9]{0,14}))+$/;

/** The inverse of `decodeOid`. Throws `RangeError` for text that is not an OID that it could have given. */
export function encodeOid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.test(text) ? text.split('.').map(Number) : [3];
  if (first > 2 || (first < 2 && second > 39)) throw new RangeError('Cannot write OID: not a dotted object identifier');
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    if (arc >= 2 ** 49) throw new RangeError('Cannot write OID: arc is above 49 bits');
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    bytes.push(...digits);
  }
  if (bytes.length > maxBytes) throw new RangeError('Cannot write OID: longer than 64 bytes');
  return Uint8Array.from(bytes);
}
