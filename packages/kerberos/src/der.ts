/**
 * Strict DER, as far as Kerberos and SPNEGO need it (ITU-T X.690).
 *
 * One-byte tags, definite lengths, shortest form only. Whatever `DerReader`
 * accepts, the writers below give back byte for byte; the fuzz test holds them to that.
 *
 * @module
 */

export class DerError extends Error {
  override readonly name = 'DerError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`Cannot read DER at byte ${offset}: ${message}`);
    this.offset = offset;
  }
}

export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  sequence: 0x30,
  generalizedTime: 0x18,
  generalString: 0x1b,
} as const;

/** `[APPLICATION n]`, constructed. Kerberos messages and GSS tokens are wrapped in one. */
export const application = (n: number): number => 0x60 | n;

/** `[n]`, constructed: the explicit field tags of RFC 4120 and RFC 4178. */
export const context = (n: number): number => 0xa0 | n;

/** A cursor over one DER element's contents. It cannot read beyond the element that it was made for. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  private constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Runs `read` over the whole input. Bytes left over at the end are an error. */
  static decode<T>(bytes: Uint8Array, read: (der: DerReader) => T): T {
    return new DerReader(bytes, 0, bytes.length).#all(read);
  }

  /** Reads one element with this tag and hands its contents to `read`, which must use all of them. */
  enter<T>(tag: number, read: (der: DerReader) => T): T {
    const start = this.#element(tag);
    return new DerReader(this.#bytes, start, this.#at).#all(read);
  }

  /** As `enter`, for an OPTIONAL field. */
  optional<T>(tag: number, read: (der: DerReader) => T): T | undefined {
    return this.peek() === tag ? this.enter(tag, read) : undefined;
  }

  /** Reads one element with this tag and returns its contents, a view and not a copy. */
  contents(tag: number): Uint8Array {
    const start = this.#element(tag);
    return this.#bytes.subarray(start, this.#at);
  }

  /** Reads one element, whatever its tag, and returns it with its header, a view and not a copy. */
  element(): Uint8Array {
    const start = this.#at;
    const tag = this.peek();
    if (tag === undefined) throw this.error('unexpected end of input');
    this.#element(tag);
    return this.#bytes.subarray(start, this.#at);
  }

  /** The tag of the next element, or `undefined` at the end. */
  peek(): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined;
  }

  /** Everything that is left, a view and not a copy; nothing is left afterwards. */
  rest(): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#end);
    this.#at = this.#end;
    return bytes;
  }

  /** An error that carries the present position, for callers that find a value wrong. */
  error(message: string): DerError {
    return new DerError(message, this.#at);
  }

  #all<T>(read: (der: DerReader) => T): T {
    const value = read(this);
    if (this.#at !== this.#end) throw this.error('unexpected trailing bytes');
    return value;
  }

  #element(tag: number): number {
    if (this.#byte() !== tag) throw this.error(`expected tag 0x${tag.toString(16)}`);
    // X.690 8.1.2.4: the low bits 11111 announce a tag of several bytes, which nothing here uses.
    if ((tag & 0x1f) === 0x1f) throw this.error('tags of more than one byte are not used here');
    const length = this.#length();
    const start = this.#at;
    if (length > this.#end - start) throw this.error('element is longer than its container');
    this.#at = start + length;
    return start;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const size = first & 0x7f;
    if (size === 0) throw this.error('indefinite length is not DER');
    if (size > 3) throw this.error('length above 16 MiB'); // and below the 32-bit shift limit
    let length = 0;
    for (let i = 0; i < size; i++) length = (length << 8) | this.#byte();
    if (length < 0x80 || length >> (8 * (size - 1)) === 0) throw this.error('length is not in shortest form');
    return length;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw this.error('unexpected end of input');
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at++;
    return byte;
  }
}

/** One element: tag, shortest length, and the parts one after another as contents. */
export function encodeTlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const size = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
  if (length >= 0x1000000) throw new RangeError('Cannot write DER: element is longer than 16 MiB');
  const out = new Uint8Array(2 + size + length);
  out[0] = tag;
  out[1] = size === 0 ? length : 0x80 | size;
  for (let i = 0; i < size; i++) out[2 + i] = (length >> (8 * (size - 1 - i))) & 0xff;
  let at = 2 + size;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
