/** What is longer is not remembered: a connection at rest would hold it. */
const MAX_BYTES = 8 * 1024;

/**
 * The bytes that one connection sent last in a certain place, and what was read out of them. A browser repeats its field
 * block from request to request, so most blocks need not be read but only compared. What is remembered must follow from
 * the bytes alone.
 */
export class BlockMemory<Reading> {
  #bytes: Buffer | undefined;
  #length = 0;
  #reading: Reading | undefined;

  /** What was read out of these bytes before; `undefined` when other ones, or not all of them, stand at `at` in `chunk`. */
  recall(chunk: Buffer, at: number): Reading | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined) return undefined;
    const end = at + this.#length;
    if (end > chunk.length || chunk.compare(bytes, 0, this.#length, at, end) !== 0) return undefined;
    return this.#reading;
  }

  /** How many bytes are remembered; 0: none. */
  get length(): number {
    return this.#length;
  }

  /** Remembers the bytes of `chunk` from `at` to `end`, which are copied, in the place of those before. */
  keep(chunk: Buffer, at: number, end: number, reading: Reading): void {
    const length = end - at;
    if (length > MAX_BYTES) return this.forget();
    if (this.#bytes === undefined || this.#bytes.length < length) this.#bytes = Buffer.allocUnsafeSlow(length);
    chunk.copy(this.#bytes, 0, at, end);
    this.#length = length;
    this.#reading = reading;
  }

  forget(): void {
    this.#bytes = undefined;
    this.#length = 0;
    this.#reading = undefined;
  }
}
