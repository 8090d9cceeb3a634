/**
 * Reads the messages of one direction of one connection, however their bytes were cut into packets.
 *
 * @module
 */
import { BlockMemory } from './block-memory.ts';
import { ChunkFraming } from './chunked.ts';
import { type Fault, fault, isFault } from './faults.ts';
import type { FieldBlock } from './field-block.ts';
import type { Fields } from './fields.ts';
import type { BodyFraming } from './framing.ts';
import {
  type HeadLimits,
  parseResponseHead,
  parseTrailers,
  type RequestLine,
  readRequestHead,
  rereadRequestHead,
  type StatusLine,
} from './head.ts';
import { BLOCK_END, PartialBlock } from './partial-block.ts';

export interface Limits extends HeadLimits {
  /** Content of one message, in bytes; default: any. Beyond it: 413, as soon as the message announces it. */
  readonly bodyBytes?: number | undefined;
}

/** What the reader finds, in order: for each message `head`, `data` any number of times, `trailers` if there are any, `end`. */
export interface ReaderEvents<Head> {
  /** An interim response (1xx) has a head and nothing else, no `end` either. Behind a 101 nothing is read: see `takeRest`. */
  head(head: Head): void;
  /** A view into the chunk that was pushed: to be copied by whoever keeps it while that memory is used again. */
  data(chunk: Buffer): void;
  trailers(fields: Fields): void;
  end(): void;
  /** The last event: nothing behind a fault is looked at. */
  fault(fault: Fault): void;
}

const START = 0;
/** A line break before a request line: its CR has come. */
const EMPTY_LINE = 1;
const CONTENT = 2;
const UNTIL_CLOSE = 3;
const CHUNK_FRAMING = 4;
const CHUNK_DATA = 5;
const TRAILERS = 6;
/** The message has been read, and its `end` not yet told. */
const COMPLETE = 7;
const UPGRADED = 8;
const FINISHED = 9;

const NOTHING = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;

/**
 * A push parser, used again for message after message. Which events come, and with which values, depends on the bytes
 * alone and not on how they were cut; only the borders between `data` events do.
 *
 * Events are called synchronously, by `push`, `resume` and `end`; none while it is paused. Every method may be called
 * from within an event.
 */
export class MessageReader<Head extends RequestLine | StatusLine> {
  readonly #kind: 'request' | 'response';
  readonly #limits: Limits;
  readonly #events: ReaderEvents<Head>;
  readonly #framing = new ChunkFraming();
  #state = START;
  /** What was pushed and not read yet begins at `#at`. */
  #chunk: Buffer = NOTHING;
  #at = 0;
  /** Where `#chunk` lies when its memory is ours, and where the free part begins. */
  #room: Buffer = NOTHING;
  #roomEnd = 0;
  /** A head or trailer section of which a part has come. */
  #partial: PartialBlock | undefined;
  #method: string | undefined;
  /** Bytes of the content, or of the chunk, that are still to come. */
  #missing = 0;
  #announced = 0;
  #emptyLine = false;
  #paused = false;
  #running = false;
  #peerEnded = false;
  /** The field block of the last request, from the line break in front of it to its end. */
  readonly #blocks = new BlockMemory<FieldBlock>();
  /** The head of the last response, and the method that it answered. */
  readonly #heads = new BlockMemory<{ readonly method: string; readonly head: StatusLine }>();

  constructor(kind: Head extends RequestLine ? 'request' : 'response', limits: Limits, events: ReaderEvents<Head>) {
    this.#kind = kind;
    this.#limits = limits;
    this.#events = events;
  }

  /** Between messages, and no byte of the next one has come. */
  get idle(): boolean {
    return this.#state === START && this.#partial === undefined && this.#at === this.#chunk.length;
  }

  /** Bytes that were pushed and are neither read nor part of a head in progress: while it is paused, how much waits. */
  get unread(): number {
    return this.#chunk.length - this.#at;
  }

  /** Reads on. The memory of `chunk` may be used again when this returns: what is kept of it is copied. */
  push(chunk: Buffer): void {
    if (this.#state === FINISHED) return;
    if (this.unread > 0) this.#append(chunk);
    else {
      this.#chunk = chunk;
      this.#room = NOTHING;
    }
    this.#at = 0;
    if (!this.#running) this.#run();
  }

  /** The peer sends nothing more: ends content that lasts until then; anything else that is incomplete is a fault. */
  end(): void {
    this.#peerEnded = true;
    if (!this.#running) this.#run();
  }

  /** No more events until `resume`. What was pushed and not read is kept. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (!this.#running) this.#run();
  }

  /** For responses: the method of the request that is answered next. Bytes that come without it are a fault. */
  expectBodyOf(method: string): void {
    this.#method = method;
  }

  /** Forgets the last head: a connection at rest should hold no more than it must. */
  forget(): void {
    this.#blocks.forget();
    this.#heads.forget();
  }

  /** What has come behind the last message or 101, for another protocol to read. The reader is finished afterwards. */
  takeRest(): Buffer {
    const unread = this.#chunk.subarray(this.#at);
    const rest = Buffer.concat(this.#partial === undefined ? [unread] : [this.#partial.bytes(), unread]);
    this.#finish();
    return rest;
  }

  #run(): void {
    this.#running = true;
    try {
      while (!this.#paused && this.#state < UPGRADED && (this.#at < this.#chunk.length || this.#state === COMPLETE)) {
        this.#step();
      }
    } finally {
      this.#running = false;
      if (this.#at >= this.#chunk.length) {
        this.#chunk = NOTHING;
        this.#at = 0;
        this.#room = NOTHING;
      } else if (this.#room === NOTHING) {
        this.#chunk = Buffer.from(this.#chunk.subarray(this.#at));
        this.#room = this.#chunk;
        this.#roomEnd = this.#chunk.length;
        this.#at = 0;
      }
    }
    if (this.#peerEnded && !this.#paused && this.#state < UPGRADED) this.#endOfInput();
  }

  /** Puts `chunk` behind what is unread, with room for more: small packets are not to have all of it copied for each. */
  #append(chunk: Buffer): void {
    const rest = this.#chunk.subarray(this.#at);
    if (this.#room === NOTHING || this.#roomEnd + chunk.length > this.#room.length) {
      this.#room = Buffer.allocUnsafeSlow(2 * (rest.length + chunk.length));
      rest.copy(this.#room);
      this.#roomEnd = rest.length;
    }
    chunk.copy(this.#room, this.#roomEnd);
    this.#roomEnd += chunk.length;
    this.#chunk = this.#room.subarray(this.#roomEnd - rest.length - chunk.length, this.#roomEnd);
  }

  #step(): void {
    switch (this.#state) {
      case START:
        return this.#readHead();
      case EMPTY_LINE:
        return this.#readEmptyLine();
      case CONTENT:
      case UNTIL_CLOSE:
      case CHUNK_DATA:
        return this.#readData();
      case CHUNK_FRAMING:
        return this.#readChunkFraming();
      case TRAILERS:
        return this.#readTrailers();
      default:
        return this.#complete();
    }
  }

  #readHead(): void {
    const chunk = this.#chunk;
    const at = this.#at;
    if (this.#partial === undefined) {
      if (this.#kind === 'response') {
        if (this.#method === undefined) return this.#fail(fault('response-unexpected'));
      } else if (chunk[at] === CR && !this.#emptyLine) {
        this.#state = EMPTY_LINE;
        this.#at = at + 1;
        return;
      }
      if (this.#kind === 'request' ? this.#rereadRequest(chunk, at) : this.#rereadResponse(chunk, at)) return;
      const end = chunk.indexOf(BLOCK_END, at);
      if (end !== -1 && end + BLOCK_END.length - at <= this.#limits.headBytes) {
        this.#at = end + BLOCK_END.length;
        return this.#onHead(this.#parse(chunk.toString('latin1', at, end), at));
      }
    }
    const text = this.#readPartially(this.#kind, this.#limits.headBytes);
    if (text !== undefined) this.#onHead(this.#parse(text, undefined));
  }

  /** Reads a request whose field block is that of the last one. False: it is not, or something is wrong with its line. */
  #rereadRequest(chunk: Buffer, at: number): boolean {
    const blocks = this.#blocks;
    if (blocks.length === 0) return false;
    const lineEnd = chunk.indexOf(CR, at);
    if (lineEnd === -1) return false;
    const block = blocks.recall(chunk, lineEnd);
    if (block === undefined || lineEnd + blocks.length - at > this.#limits.headBytes) return false;
    const head = rereadRequestHead(chunk.toString('latin1', at, lineEnd), block);
    if (head === undefined) return false;
    this.#at = lineEnd + blocks.length;
    this.#onHead(head);
    return true;
  }

  /** Reads a response whose head is that of the last one, where both answer the same method. False: it is another one. */
  #rereadResponse(chunk: Buffer, at: number): boolean {
    const heads = this.#heads;
    const known = heads.length === 0 ? undefined : heads.recall(chunk, at);
    if (known === undefined || known.method !== this.#method) return false;
    this.#at = at + heads.length;
    this.#onHead(known.head);
    return true;
  }

  /** Reads a head that is not known. `at`: where it begins in the chunk that has all of it. */
  #parse(text: string, at: number | undefined): RequestLine | StatusLine | Fault {
    if (this.#kind === 'request') {
      const read = readRequestHead(text, this.#limits);
      if (isFault(read)) return read;
      if (at !== undefined) this.#blocks.keep(this.#chunk, this.#chunk.indexOf(CR, at), this.#at, read.block);
      return read.head;
    }
    const method = this.#method ?? '';
    const head = parseResponseHead(text, method, this.#limits);
    if (at !== undefined && !isFault(head) && head.status >= 200)
      this.#heads.keep(this.#chunk, at, this.#at, { method, head });
    return head;
  }

  /** RFC 9112, 2.2: one empty line before a request is what some clients send behind the content of a POST. */
  #readEmptyLine(): void {
    if (this.#chunk[this.#at] !== LF) return this.#fail(fault('line-break-malformed'));
    this.#at++;
    this.#emptyLine = true;
    this.#state = START;
  }

  #readPartially(kind: 'request' | 'response' | 'trailers', limit: number): string | undefined {
    this.#partial ??= new PartialBlock(kind, limit);
    const { taken, result } = this.#partial.take(this.#chunk, this.#at);
    this.#at += taken;
    if (typeof result === 'object') this.#fail(result);
    if (typeof result !== 'string') return undefined;
    this.#partial = undefined;
    return result;
  }

  #onHead(head: RequestLine | StatusLine | Fault): void {
    this.#emptyLine = false;
    if (isFault(head)) return this.#fail(head);
    if ('status' in head && head.status < 200) this.#state = head.status === 101 ? UPGRADED : START;
    else if (!this.#beginContent(head.body)) return;
    // Both follow from the `kind` that the constructor was given.
    this.#events.head(head as Head);
  }

  #beginContent(body: BodyFraming): boolean {
    this.#announced = 0;
    switch (body.kind) {
      case 'none':
        this.#state = COMPLETE;
        return true;
      case 'length':
        if (!this.#announce(body.length)) return false;
        this.#missing = body.length;
        this.#state = body.length === 0 ? COMPLETE : CONTENT;
        return true;
      case 'chunked':
        this.#framing.begin();
        this.#state = CHUNK_FRAMING;
        return true;
      case 'until-close':
        this.#missing = Number.POSITIVE_INFINITY;
        this.#state = UNTIL_CLOSE;
        return true;
    }
  }

  #announce(bytes: number): boolean {
    this.#announced += bytes;
    if (this.#announced <= (this.#limits.bodyBytes ?? Number.POSITIVE_INFINITY)) return true;
    this.#fail(fault('content-too-large', 413));
    return false;
  }

  #readData(): void {
    const chunk = this.#chunk;
    const at = this.#at;
    const length = Math.min(chunk.length - at, this.#missing);
    this.#at = at + length;
    this.#missing -= length;
    if (this.#missing === 0) this.#state = this.#state === CHUNK_DATA ? CHUNK_FRAMING : COMPLETE;
    this.#events.data(length === chunk.length ? chunk : chunk.subarray(at, at + length));
  }

  #readChunkFraming(): void {
    const chunk = this.#chunk;
    while (this.#at < chunk.length) {
      const found = this.#framing.read(chunk[this.#at++] as number);
      if (found === undefined) continue;
      if (found === 'last') this.#state = TRAILERS;
      else if (found === 'data') {
        if (!this.#announce(this.#framing.size)) return;
        this.#missing = this.#framing.size;
        this.#state = CHUNK_DATA;
      } else this.#fail(found);
      return;
    }
  }

  #readTrailers(): void {
    if (this.#partial === undefined && this.#chunk[this.#at] === CR && this.#chunk[this.#at + 1] === LF) {
      this.#at += 2;
      this.#state = COMPLETE;
      return;
    }
    const text = this.#readPartially('trailers', this.#limits.headBytes);
    if (text === undefined) return;
    const fields = parseTrailers(text, this.#limits);
    if (isFault(fields)) return this.#fail(fields);
    this.#state = COMPLETE;
    if (fields.length > 0) this.#events.trailers(fields);
  }

  #complete(): void {
    this.#state = START;
    this.#method = undefined;
    this.#events.end();
  }

  #endOfInput(): void {
    if (this.#state === UNTIL_CLOSE) {
      this.#finish();
      this.#events.end();
    } else if (this.#state !== START || this.#partial !== undefined) this.#fail(fault('message-cut-off'));
  }

  #fail(found: Fault): void {
    this.#finish();
    this.#events.fault(found);
  }

  #finish(): void {
    this.#state = FINISHED;
    this.#chunk = NOTHING;
    this.#room = NOTHING;
    this.#at = 0;
    this.#partial = undefined;
    this.forget();
  }
}
