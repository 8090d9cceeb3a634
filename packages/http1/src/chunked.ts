/**
 * The chunked transfer coding (RFC 9112, 7.1): what stands around the content, read and written.
 *
 * Chunk extensions are a fault. The RFC asks to ignore those one does not know, but nobody sends any, every parser reads
 * their quotes and blanks its own way, and requests have been smuggled in them.
 *
 * @module
 */
import { type Fault, fault } from './faults.ts';
import type { Fields } from './fields.ts';

/** What stands before the bytes of a chunk. `length` is not 0: that would end the message. */
export function chunkHead(length: number): string {
  return `${length.toString(16)}\r\n`;
}

/** What stands behind the bytes of a chunk. */
export const CHUNK_END = '\r\n';

/** The end of a chunked message with its trailer fields, which must be well-formed. To be written as latin1. */
export function lastChunk(trailers: Fields): string {
  if (trailers.length === 0) return '0\r\n\r\n';
  let text = '0\r\n';
  for (let i = 0; i < trailers.length; i += 2) text += `${trailers[i] ?? ''}: ${trailers[i + 1] ?? ''}\r\n`;
  return `${text}\r\n`;
}

/** 60 bits: more than any content, and few enough to be told from text. Numbers that are not exact are refused besides. */
const MAX_DIGITS = 15;

const SIZE = 0;
const SIZE_LF = 1;
/** Behind the bytes of a chunk. */
const DATA_CR = 2;
const DATA_LF = 3;

/** Reads what stands between the bytes of chunks, in pieces of any length. */
export class ChunkFraming {
  /** The size of the chunk whose bytes come next, once `read` has said `data`. */
  size = 0;
  #state: typeof SIZE | typeof SIZE_LF | typeof DATA_CR | typeof DATA_LF = SIZE;
  #digits = 0;

  /** A message begins. */
  begin(): void {
    this.#state = SIZE;
    this.#digits = 0;
    this.size = 0;
  }

  /**
   * Reads one byte of framing. `data`: `size` bytes come next, which are not framing and not for here; `last`: the
   * trailer section comes next; `undefined`: more framing.
   */
  read(byte: number): 'data' | 'last' | Fault | undefined {
    switch (this.#state) {
      case SIZE:
        return this.#readSize(byte);
      case SIZE_LF:
        if (byte !== LF) return fault('line-break-malformed');
        if (!Number.isSafeInteger(this.size)) return fault('chunk-size-malformed');
        this.#state = DATA_CR;
        return this.size === 0 ? 'last' : 'data';
      case DATA_CR:
        if (byte !== CR) return fault('chunk-malformed');
        this.#state = DATA_LF;
        return undefined;
      case DATA_LF:
        if (byte !== LF) return fault('chunk-malformed');
        this.begin();
        return undefined;
    }
  }

  #readSize(byte: number): Fault | undefined {
    const digit = hexDigit(byte);
    if (digit !== undefined) {
      this.size = this.size * 16 + digit;
      this.#digits++;
      return this.#digits > MAX_DIGITS ? fault('chunk-size-malformed') : undefined;
    }
    if (byte === LF) return fault('line-break-malformed');
    if (this.#digits === 0) return fault('chunk-size-malformed');
    if (byte === SEMICOLON) return fault('chunk-extension');
    if (byte !== CR) return fault('chunk-size-malformed');
    this.#state = SIZE_LF;
    return undefined;
  }
}

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

function hexDigit(byte: number): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}
