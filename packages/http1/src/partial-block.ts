import { type Fault, fault } from './faults.ts';
import { faultInBytes, faultInFirstLine } from './head-faults.ts';

/** CRLF CRLF: the end of a head. */
export const BLOCK_END = Buffer.from('\r\n\r\n', 'latin1');

const CR = 0x0d;

/**
 * A head or a trailer section that comes in several packets. Each new part is looked at once, so that whoever sends
 * what can never become a head is refused then, and with the fault that the whole would have had.
 */
export class PartialBlock {
  readonly #kind: 'request' | 'response' | 'trailers';
  readonly #limit: number;
  #bytes: Buffer;
  #length = 0;
  /** Everything before has been looked at. */
  #checked = 0;
  #firstLineRead: boolean;

  /** `limit` counts the CRLF CRLF at the end. A trailer section begins with the line break in front of its first field. */
  constructor(kind: 'request' | 'response' | 'trailers', limit: number) {
    this.#kind = kind;
    this.#limit = limit;
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(limit, 1024));
    this.#firstLineRead = kind === 'trailers';
    if (kind === 'trailers') this.#length = this.#bytes.write('\r\n', 'latin1');
  }

  /** What has come. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /**
   * Takes the bytes of `chunk` from `at` on that belong to it. Says how many it took, and then the whole text without the
   * CRLF CRLF, a fault, or `undefined` when there must be more.
   */
  take(chunk: Buffer, at: number): { readonly taken: number; readonly result: string | Fault | undefined } {
    const before = this.#length;
    const offered = chunk.length - at;
    const taken = Math.min(offered, this.#limit - before);
    this.#append(chunk, at, taken);
    const end = this.bytes().indexOf(BLOCK_END, Math.max(0, before - 3));
    if (end !== -1) return { taken: end + BLOCK_END.length - before, result: this.#bytes.toString('latin1', 0, end) };
    return { taken, result: this.#check() ?? (taken < offered ? this.#tooLarge() : undefined) };
  }

  #append(chunk: Buffer, at: number, count: number): void {
    const length = this.#length + count;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#limit, Math.max(length, 2 * this.#bytes.length)));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    chunk.copy(this.#bytes, this.#length, at, at + count);
    this.#length = length;
  }

  #check(): Fault | undefined {
    const from = this.#checked;
    // Half a line break may still become a whole one.
    const to = this.#bytes[this.#length - 1] === CR ? this.#length - 1 : this.#length;
    const text = this.#bytes.toString('latin1', from, to);
    this.#checked = to;
    if (!this.#firstLineRead && this.#kind !== 'trailers') {
      const end = text.indexOf('\r\n');
      if (end !== -1) {
        this.#firstLineRead = true;
        const bad = faultInFirstLine(this.#kind, this.#bytes.toString('latin1', 0, from + end));
        if (bad !== undefined) return bad;
      }
    }
    return faultInBytes(text);
  }

  #tooLarge(): Fault {
    if (this.#kind === 'trailers') return fault('trailers-too-large', 431);
    if (this.#kind === 'request' && !this.#firstLineRead) return fault('target-too-long', 414);
    return fault('head-too-large', 431);
  }
}
