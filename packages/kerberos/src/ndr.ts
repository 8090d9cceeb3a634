/**
 * NDR (C706, 14) in the type serialization version 1 of MS-RPCE 2.2.6, as far as a PAC needs it:
 * little-endian, unique pointers, nothing aligned to more than four bytes.
 *
 * Counts from the input are never believed beyond what the remaining bytes can hold.
 *
 * @module
 */
import { decodeDisplayUtf16, decodeUtf16 } from './utf16.ts';

/** The bytes are not the NDR that was expected; `offset` is where that was seen. */
export class NdrError extends Error {
  override readonly name = 'NdrError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`Cannot read NDR at byte ${offset}: ${message}`);
    this.offset = offset;
  }
}

const headerBytes = 16; // common and private header, 8 each
const alignment = 8;

/** The fixed part of an RPC_UNICODE_STRING (MS-DTYP 2.3.10); its characters come later. */
export interface UnicodeString {
  readonly length: number;
  readonly maximumLength: number;
  readonly referent: number;
}

/** A cursor over one serialized object. */
export class NdrReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at = headerBytes;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < headerBytes) throw new NdrError('shorter than its headers', bytes.length);
    // MS-RPCE 2.2.6.1: version 1, little-endian, 8 bytes. The fillers after that mean nothing.
    if (this.#view.getUint8(0) !== 1) throw new NdrError('serialization version is not 1', 0);
    if (this.#view.getUint8(1) !== 0x10) throw new NdrError('not little-endian', 1);
    if (this.#view.getUint16(2, true) !== 8) throw new NdrError('length of the common header is not 8', 2);
    this.#end = headerBytes + this.#view.getUint32(8, true);
    if (this.#end > bytes.length) throw new NdrError('object is longer than its buffer', 8);
    if (bytes.length - this.#end >= alignment) throw new NdrError('buffer is longer than its object', this.#end);
  }

  /** Runs `read` over a serialized object, behind its top-level pointer. Only padding to eight bytes may be left over. */
  static decode<T>(bytes: Uint8Array, read: (ndr: NdrReader) => T): T {
    const ndr = new NdrReader(bytes);
    if (ndr.pointer() === 0) throw ndr.error('object is a null pointer');
    const value = read(ndr);
    if (ndr.#end - ndr.#at >= alignment) throw ndr.error('unexpected trailing bytes');
    return value;
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2, 2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4, 4), true);
  }

  /** The referent identifier of a unique pointer; 0 is null. What it points to comes later. */
  pointer(): number {
    return this.u32();
  }

  /** Passes over `length` bytes of fields of four-byte alignment. */
  skip(length: number): void {
    this.#take(length, 4);
  }

  /** `length` bytes, a view and not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length, 1);
    return this.#bytes.subarray(start, start + length);
  }

  /** The maximum count in front of a conformant array, which must be `expected` and fit into what is left. */
  arraySize(expected: number, elementBytes: number): void {
    const count = this.u32();
    if (count !== expected) throw this.error('array size differs from its count');
    if (count * elementBytes > this.#end - this.#at) throw this.error('array is longer than its container');
  }

  /** The fixed part of a string. */
  unicodeString(): UnicodeString {
    return { length: this.u16(), maximumLength: this.u16(), referent: this.pointer() };
  }

  /** The characters of a string, where the order of pointers has put them (C706, 14.3.12.3). */
  characters(string: UnicodeString): string {
    const text = decodeUtf16(this.#characterBytes(string));
    if (text === undefined) throw this.error('string is not UTF-16');
    return text;
  }

  /** As `characters`, for text that identifies nobody: a lone surrogate becomes U+FFFD. */
  displayCharacters(string: UnicodeString): string {
    return decodeDisplayUtf16(this.#characterBytes(string));
  }

  #characterBytes({ length, maximumLength, referent }: UnicodeString): Uint8Array {
    if (length % 2 !== 0 || length > maximumLength) throw this.error('string has a wrong length');
    if (referent === 0) {
      if (length !== 0) throw this.error('string is null but not empty');
      return new Uint8Array(0);
    }
    const maximum = this.u32();
    const offset = this.u32();
    const actual = this.u32();
    if (maximum !== maximumLength >> 1 || offset !== 0 || actual !== length >> 1) {
      throw this.error('string counts contradict its lengths');
    }
    return this.bytes(length);
  }

  /** An error that carries the present position, for callers that find a value wrong. */
  error(message: string): NdrError {
    return new NdrError(message, this.#at);
  }

  #take(length: number, align: number): number {
    const start = (this.#at + align - 1) & -align;
    if (start + length > this.#end) throw this.error('unexpected end of input');
    this.#at = start + length;
    return start;
  }
}
