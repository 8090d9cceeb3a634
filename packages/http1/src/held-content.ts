import type { Fields } from './fields.ts';

/** Larger content is copied together, into memory that begins with this and is doubled. */
const FIRST_BYTES = 16 * 1024;
/** Content is sent in such pieces: an upstream that takes it slowly is seen to take it. */
const PIECE_BYTES = 64 * 1024;

const NOTHING = Buffer.alloc(0);
const NO_FIELDS: Fields = [];

/** Room for content. */
export interface Room {
  /** Whether so many bytes could be taken now. */
  has(bytes: number): boolean;
  /** False, and nothing is taken, when there are not so many. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** One holder may have this part of the room: whoever sends slowly, and much, leaves some for others. */
const SHARE = 1 / 4;

/** What all connections of an engine may hold together of content that is to be judged. */
export class ContentRoom implements Room {
  readonly #share: number;
  readonly #held = new Map<string, number>();
  #left: number;

  constructor(bytes: number) {
    this.#share = bytes * SHARE;
    this.#left = bytes;
  }

  /** The part of it that is one holder's: a quarter, or as much as one request may have. */
  of(holder: string | undefined, maxBytes: number): Room {
    if (holder === undefined) return this;
    const most = Math.max(this.#share, maxBytes);
    const held = (): number => this.#held.get(holder) ?? 0;
    const has = (bytes: number): boolean => held() + bytes <= most && this.has(bytes);
    return {
      has,
      take: (bytes) => {
        if (!has(bytes)) return false;
        this.#held.set(holder, held() + bytes);
        return this.take(bytes);
      },
      give: (bytes) => {
        const left = held() - bytes;
        if (left > 0) this.#held.set(holder, left);
        else this.#held.delete(holder);
        this.give(bytes);
      },
    };
  }

  has(bytes: number): boolean {
    return bytes <= this.#left;
  }

  take(bytes: number): boolean {
    if (!this.has(bytes)) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** The content of one request: collected, judged, and then sent on piece by piece. */
export class HeldContent {
  /** When the request came. */
  readonly since: number = performance.now();
  trailers: Fields = NO_FIELDS;
  readonly #room: Room;
  /** How much may come at most. */
  readonly #limit: number;
  /** How much will come, where that is known. */
  readonly #announced: number | undefined;
  #memory: Buffer = NOTHING;
  #length = 0;
  #taken = 0;
  #sent = 0;

  constructor(room: Room, maxBytes: number, announced: number | undefined) {
    this.#room = room;
    this.#limit = Math.min(maxBytes, announced ?? maxBytes);
    this.#announced = announced;
  }

  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  /** Adds what has come. Anything but `held`: it cannot be held, and nothing is any more. */
  add(chunk: Buffer): 'held' | 'too-large' | 'no-room' {
    const length = this.#length + chunk.length;
    if (length > this.#limit) return this.#give('too-large');
    // Most content comes in one piece, and nobody else uses its memory.
    if (chunk.length === this.#announced) {
      if (!this.#room.take(length)) return this.#give('no-room');
      this.#taken = length;
      this.#memory = chunk;
    } else {
      if (length > this.#memory.length && !this.#grow(length)) return this.#give('no-room');
      // Copied: a view would keep all that came in the same packet, and a chunk may be one byte.
      chunk.copy(this.#memory, this.#length);
    }
    this.#length = length;
    return 'held';
  }

  /** The next piece to be sent. */
  next(): Buffer | undefined {
    if (this.#sent === this.#length) return undefined;
    const end = Math.min(this.#length, this.#sent + PIECE_BYTES);
    const piece = this.#memory.subarray(this.#sent, end);
    this.#sent = end;
    return piece;
  }

  /** Holds nothing any more. */
  release(): void {
    this.#room.give(this.#taken);
    this.#taken = 0;
    this.#memory = NOTHING;
    this.#length = 0;
    this.#sent = 0;
  }

  #grow(length: number): boolean {
    const size = Math.min(this.#limit, Math.max(FIRST_BYTES, 2 * this.#memory.length, length));
    if (!this.#room.take(size - this.#memory.length)) return false;
    this.#taken = size;
    const memory = Buffer.allocUnsafeSlow(size);
    this.#memory.copy(memory, 0, 0, this.#length);
    this.#memory = memory;
    return true;
  }

  #give(why: 'too-large' | 'no-room'): 'too-large' | 'no-room' {
    this.release();
    return why;
  }
}
