/** Opcode of a Close frame (RFC 6455, 5.5.1). */
const CLOSE = 8;
const MASK_BYTES = 4;

/**
 * Follows the frames of one direction of a WebSocket (RFC 6455, 5.2) for one purpose: to know where one frame ends and
 * the next begins. It reads nothing but headers, so extensions, fragments and masks are all the same to it, and it
 * judges nothing: what breaks the protocol is for the peer to refuse.
 */
export class FrameTracker {
  /** Bytes of the payload in progress that are still to come. Beyond 2^53 it is inexact; nobody sends that many. */
  #payload = 0;
  /** Bytes that have come of the header in progress. */
  #at = 0;
  /** Where in this header the length ends, and the header itself: two bytes at least. */
  #lengthEnd = 2;
  #headerEnd = 2;
  #length = 0;
  #opcode = 0;
  #closed = false;

  /** The next byte is the first one of a frame. */
  get betweenFrames(): boolean {
    return this.#payload === 0 && this.#at === 0;
  }

  /** A whole Close frame has gone by: nothing is to follow in this direction (RFC 6455, 5.5.1). */
  get closed(): boolean {
    return this.#closed;
  }

  /** Follows all of these bytes, wherever they were split. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  /** Follows these bytes to the end of the first frame that ends in them, else all of them; gives how many that were. */
  pushToBoundary(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length) {
      at = this.#step(chunk, at);
      if (this.betweenFrames) break;
    }
    return at;
  }

  /** Follows one byte of a header or a stretch of a payload; gives where it stopped, never behind the end of a frame. */
  #step(chunk: Buffer, at: number): number {
    if (this.#payload === 0) {
      this.#header(chunk[at] as number);
      return at + 1;
    }
    const stretch = Math.min(this.#payload, chunk.length - at);
    this.#payload -= stretch;
    if (this.#payload === 0) this.#frameEnds();
    return at + stretch;
  }

  #header(byte: number): void {
    const index = this.#at++;
    if (index === 0) {
      this.#opcode = byte & 0x0f;
    } else if (index === 1) {
      const short = byte & 0x7f;
      const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
      this.#length = extended === 0 ? short : 0;
      this.#lengthEnd = 2 + extended;
      this.#headerEnd = this.#lengthEnd + (byte >= 0x80 ? MASK_BYTES : 0);
    } else if (index < this.#lengthEnd) {
      this.#length = this.#length * 256 + byte;
    }
    if (index === 0 || this.#at < this.#headerEnd) return;
    this.#at = 0;
    this.#payload = this.#length;
    if (this.#payload === 0) this.#frameEnds();
  }

  #frameEnds(): void {
    if (this.#opcode === CLOSE) this.#closed = true;
  }
}
