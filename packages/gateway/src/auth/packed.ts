/**
 * A small binary form for what goes into a cookie, where each byte counts:
 * unsigned numbers as base-128 varints, texts as UTF-8 with their length.
 *
 * @module
 */

/** Packed bytes end too early, go on for too long, or are not in their one form. */
export class PackedError extends Error {
  override readonly name = 'PackedError';

  constructor(what: string) {
    super(`Cannot unpack: ${what}`);
  }
}

/** Writes values one after another in the fewest bytes. */
export class PackedWriter {
  #bytes = Buffer.alloc(512);
  #length = 0;

  /** An integer from 0 to 2^53 - 1, seven bits a byte, least significant first. */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError('Cannot pack a number: not a safe unsigned integer');
    this.#makeRoom(8);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80); // not a shift: those stop at 32 bits
    }
    this.#bytes[this.#length++] = rest;
  }

  bytes(value: Uint8Array): void {
    this.number(value.length);
    this.#makeRoom(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  text(value: string): void {
    this.bytes(Buffer.from(value, 'utf8'));
  }

  /** As `text`; `undefined` and the empty text differ. */
  optionalText(value: string | undefined): void {
    this.number(value === undefined ? 0 : 1);
    if (value !== undefined) this.text(value);
  }

  list<T>(values: readonly T[], write: (value: T) => void): void {
    this.number(values.length);
    for (const value of values) write(value);
  }

  /** All that was written. */
  end(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #makeRoom(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    this.#bytes = Buffer.concat([this.#bytes], 2 * (this.#length + count));
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads what `PackedWriter` wrote; every method throws `PackedError`. */
export class PackedReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new PackedError('unexpected end');
      value += (byte & 0x7f) * factor;
      if (value > Number.MAX_SAFE_INTEGER || factor > 2 ** 49) throw new PackedError('number is too large');
      if (byte > 0x7f) continue;
      if (byte === 0 && factor > 1) throw new PackedError('number is not in shortest form');
      return value;
    }
  }

  bytes(): Uint8Array {
    const length = this.number();
    if (length > this.#bytes.length - this.#at) throw new PackedError('unexpected end');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    try {
      return utf8.decode(this.bytes());
    } catch (error) {
      throw error instanceof PackedError ? error : new PackedError('text is not UTF-8');
    }
  }

  optionalText(): string | undefined {
    const present = this.number();
    if (present > 1) throw new PackedError('neither present nor absent');
    return present === 1 ? this.text() : undefined;
  }

  list<T>(read: () => T): T[] {
    const count = this.number();
    // Each element takes a byte at least, so that the count cannot ask for more memory than was sent.
    if (count > this.#bytes.length - this.#at) throw new PackedError('unexpected end');
    return Array.from({ length: count }, read);
  }

  /** All bytes must have been read. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new PackedError('unexpected trailing bytes');
  }
}
