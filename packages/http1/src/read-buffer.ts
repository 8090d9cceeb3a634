const BYTES = 64 * 1024;
/** A rest that is smaller is not worth a read. */
const LEAST_BYTES = 16 * 1024;

/**
 * The memory that one connection is read into, again and again, as long as nobody keeps what was read. Each connection has
 * its own: on Windows a read is under way for as long as the connection is open.
 */
export class ReadBuffer {
  #buffer: Buffer = Buffer.allocUnsafeSlow(BYTES);
  #read = 0;
  #kept = false;

  /** What was read last. */
  view(length: number): Buffer {
    this.#read = length;
    return this.#buffer.subarray(0, length);
  }

  /** Somebody keeps what was read last: it will not be overwritten. */
  keep(): void {
    this.#kept = true;
  }

  /** Where the next read goes to: the same memory, or what is left of it, or new memory. */
  next(): Buffer {
    if (!this.#kept) return this.#buffer;
    this.#kept = false;
    const rest = this.#buffer.subarray(this.#read);
    this.#buffer = rest.length >= LEAST_BYTES ? rest : Buffer.allocUnsafeSlow(BYTES);
    return this.#buffer;
  }
}
