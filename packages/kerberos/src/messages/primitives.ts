/**
 * The field types that every Kerberos message is made of (RFC 4120, 5.2), each with its reader and its writer.
 *
 * No type of the AP exchange has an extension marker in RFC 4120, and its section 1.5.1 says why: a field that a
 * peer does not know makes the whole message unreadable. So unknown later fields are refused like any other
 * trailing bytes, and whatever is accepted is written back byte for byte.
 *
 * @module
 */

import { context, type DerReader, encodeTlv, Tag } from '../der.ts';

/** The largest name, realm or error text that is read. Active Directory's own limits are far below. */
const longestString = 1024;

/** KerberosFlags have 32 bits; what later documents may append is kept, up to here. */
const mostFlagBytes = 16;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8Bytes = new TextEncoder();

/** One explicitly tagged field, `[n]`. */
export const field = (n: number, content: Uint8Array): Uint8Array => encodeTlv(context(n), content);

/** An OPTIONAL field: nothing at all when the value is absent. */
export const optionalField = <T>(n: number, value: T | undefined, encode: (value: T) => Uint8Array): Uint8Array =>
  value === undefined ? new Uint8Array(0) : field(n, encode(value));

/** A SEQUENCE of these parts. */
export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => encodeTlv(Tag.sequence, ...parts);

/** Reads a SEQUENCE OF with at least `least` and at most `most` elements. */
export function readList<T>(der: DerReader, least: number, most: number, read: (der: DerReader) => T): readonly T[] {
  return der.enter(Tag.sequence, (list) => {
    const items: T[] = [];
    while (list.peek() !== undefined) {
      if (items.length === most) throw list.error(`more than ${most} elements`);
      items.push(read(list));
    }
    if (items.length < least) throw list.error(`fewer than ${least} elements`);
    return items;
  });
}

function readInteger(der: DerReader, least: number, most: number): number {
  const bytes = der.contents(Tag.integer);
  const first = bytes[0];
  const second = bytes[1] ?? 0;
  if (first === undefined || bytes.length > 5) throw der.error('integer has no value or is too large');
  // X.690 8.3.2: the first nine bits are neither all zero nor all one.
  if (bytes.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    throw der.error('integer is not in shortest form');
  let value = first >= 0x80 ? first - 0x100 : first;
  for (let i = 1; i < bytes.length; i++) value = value * 0x100 + (bytes[i] ?? 0);
  if (value < least || value > most) throw der.error(`integer ${value} is out of range`);
  return value;
}

/** Int32 (RFC 4120, 5.2.4). */
export const readInt32 = (der: DerReader): number => readInteger(der, -0x80000000, 0x7fffffff);

/** Microseconds (RFC 4120, 5.2.4). */
export const readMicroseconds = (der: DerReader): number => readInteger(der, 0, 999_999);

/**
 * UInt32 (RFC 4120, 5.2.4) as it is met: some implementations write sequence numbers and key versions above 2^31 as
 * negative numbers. The value is kept as written; `>>> 0` normalises it.
 */
export const readUInt32 = (der: DerReader): number => readInteger(der, -0x80000000, 0xffffffff);

/** A version or message-type field, which has one possible value. */
export function expectInteger(der: DerReader, expected: number, name: string): void {
  const value = readInt32(der);
  if (value !== expected) throw der.error(`${name} is ${value}, not ${expected}`);
}

/** An INTEGER in its shortest form. */
export function encodeInteger(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(((rest % 0x100) + 0x100) % 0x100);
    rest = Math.floor(rest / 0x100);
  } while (!(rest === 0 && (bytes[0] ?? 0) < 0x80) && !(rest === -1 && (bytes[0] ?? 0) >= 0x80));
  return encodeTlv(Tag.integer, Uint8Array.from(bytes));
}

/** OCTET STRING, a view and not a copy. */
export const readOctets = (der: DerReader): Uint8Array => der.contents(Tag.octetString);

/** The inverse of `readOctets`. */
export const encodeOctets = (bytes: Uint8Array): Uint8Array => encodeTlv(Tag.octetString, bytes);

/**
 * KerberosString (RFC 4120, 5.2.1), with the bytes taken for UTF-8 as Active Directory and every current KDC write
 * them. Control characters are refused here, once, so that no name can carry a line break into a log or a header.
 */
export function readKerberosString(der: DerReader): string {
  const bytes = der.contents(Tag.generalString);
  if (bytes.length > longestString) throw der.error(`string is longer than ${longestString} bytes`);
  let ascii = true;
  for (const byte of bytes) {
    if (byte < 0x20 || byte === 0x7f) throw der.error('string has a control character');
    if (byte >= 0x80) ascii = false;
  }
  if (ascii) return String.fromCharCode(...bytes);
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw der.error('string is not UTF-8');
  }
  if (/[\u0080-\u009f]/.test(text)) throw der.error('string has a control character');
  return text;
}

/** The inverse of `readKerberosString`. */
export const encodeKerberosString = (text: string): Uint8Array => encodeTlv(Tag.generalString, utf8Bytes.encode(text));

/** Realm (RFC 4120, 5.2.2): a KerberosString that is not empty. */
export function readRealm(der: DerReader): string {
  const realm = readKerberosString(der);
  if (realm === '') throw der.error('realm is empty');
  return realm;
}

/** KerberosTime (RFC 4120, 5.2.3), `YYYYMMDDHHMMSSZ` and nothing else, in milliseconds since the epoch. */
export function readKerberosTime(der: DerReader): number {
  const bytes = der.contents(Tag.generalizedTime);
  if (bytes.length !== 15 || bytes[14] !== 0x5a) throw der.error('time is not of the form YYYYMMDDHHMMSSZ');
  const digits = (start: number, count: number): number => {
    let value = 0;
    for (let i = start; i < start + count; i++) {
      const digit = (bytes[i] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) throw der.error('time is not of the form YYYYMMDDHHMMSSZ');
      value = value * 10 + digit;
    }
    return value;
  };
  const [year, month, day] = [digits(0, 4), digits(4, 2), digits(6, 2)];
  const [hour, minute, second] = [digits(8, 2), digits(10, 2), digits(12, 2)];
  // Date.UTC carries 30 February over into March; the last day of the month must be asked for.
  const valid = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= lastDay(year, month);
  if (!valid || hour > 23 || minute > 59 || second > 59) throw der.error('time does not exist');
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

const lastDay = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** A KerberosTime; milliseconds are cut off. */
export function encodeKerberosTime(time: number): Uint8Array {
  const text = new Date(time).toISOString().replace(/[-:T]|\.\d+/g, '');
  return encodeTlv(Tag.generalizedTime, utf8Bytes.encode(text));
}

/** KerberosFlags (RFC 4120, 5.2.8), as they are in the message. Bit 0 is the most significant of the first byte. */
export interface KerberosFlags {
  readonly bits: Uint8Array;
  /** How many bits of the last byte are not part of the string. */
  readonly unused: number;
}

/** Whether this bit is set; a bit beyond the end is not. */
export const hasFlag = (flags: KerberosFlags, bit: number): boolean =>
  ((flags.bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;

/** Flags with exactly these bits set, 32 bits long. */
export function flagsOf(...set: readonly number[]): KerberosFlags {
  const bits = new Uint8Array(4);
  for (const bit of set) bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return { bits, unused: 0 };
}

/** Reads KerberosFlags of at least 32 bits; throws `DerError`. */
export function readFlags(der: DerReader): KerberosFlags {
  const contents = der.contents(Tag.bitString);
  const unused = contents[0] ?? 8;
  const bits = contents.subarray(1);
  if (unused > 7 || bits.length * 8 - unused < 32) throw der.error('flags have fewer than 32 bits');
  if (bits.length > mostFlagBytes) throw der.error(`flags have more than ${mostFlagBytes} bytes`);
  // X.690 11.2.1: the unused bits are zero.
  if (((bits[bits.length - 1] ?? 0) & ((1 << unused) - 1)) !== 0) throw der.error('unused bits are not zero');
  return { bits, unused };
}

/** The inverse of `readFlags`. */
export const encodeFlags = ({ bits, unused }: KerberosFlags): Uint8Array =>
  encodeTlv(Tag.bitString, Uint8Array.of(unused), bits);
