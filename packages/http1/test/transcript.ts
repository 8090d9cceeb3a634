/**
 * What a `MessageReader` makes of some bytes, written down so that two readings can be compared.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type Limits, MessageReader } from '../src/message-reader.ts';
import type { RequestLine, StatusLine } from '../src/head.ts';
import type { Fields } from '../src/fields.ts';
import type { Fault } from '../src/faults.ts';

export type Entry =
  | { readonly head: RequestLine | StatusLine }
  /** Content, with nothing about how it was cut. */
  | { readonly data: string }
  | { readonly trailers: Fields }
  | { readonly end: true }
  | { readonly fault: Fault };

export interface Reading {
  readonly kind: 'request' | 'response';
  /** Methods of the requests that the responses answer, in order; the last one stands for all that follow. */
  readonly methods?: readonly string[];
  readonly limits?: Partial<Limits>;
  /** Pause in every event, and resume until nothing more comes: after each push, or only when all has been pushed. */
  readonly pausing?: 'shortly' | 'for long';
  /** Forget each message when it ends, so that nothing that was read before can matter. */
  readonly forgetting?: boolean;
  /** The peer ends its side after the last piece. */
  readonly ends?: boolean;
}

/** Pushes the pieces, each in memory that is overwritten afterwards, as a socket that reads into one buffer does. */
export function transcript(pieces: readonly Uint8Array[], reading: Reading): Entry[] {
  const entries: Entry[] = [];
  const methods = [...(reading.methods ?? ['GET'])];
  let events = 0;
  const add = (entry: Entry): void => {
    events++;
    const last = entries.at(-1);
    if ('data' in entry && last !== undefined && 'data' in last) {
      entries[entries.length - 1] = { data: last.data + entry.data };
    } else entries.push(entry);
    if (reading.pausing !== undefined) reader.pause();
  };
  const expectNext = (): void => {
    reader.expectBodyOf((methods.length > 1 ? methods.shift() : methods[0]) ?? 'GET');
  };
  const limits = { headBytes: 65_536, headerCount: 100, ...reading.limits };
  const noted = {
    head: (head: RequestLine | StatusLine) => add({ head }),
    data: (chunk: Buffer) => add({ data: chunk.toString('latin1') }),
    trailers: (trailers: Fields) => add({ trailers }),
    end: () => {
      add({ end: true });
      if (reading.forgetting === true) reader.forget();
      expectNext();
    },
    fault: (fault: Fault) => add({ fault }),
  };
  const reader =
    reading.kind === 'request'
      ? new MessageReader<RequestLine>('request', limits, noted)
      : new MessageReader<StatusLine>('response', limits, noted);
  expectNext();
  const resume = (): void => {
    for (let before = -1; reading.pausing !== undefined && before !== events; ) {
      before = events;
      reader.resume();
    }
  };
  const memory = Buffer.alloc(Math.max(0, ...pieces.map((piece) => piece.length)));
  for (const piece of pieces) {
    memory.fill(0xee);
    memory.set(piece);
    reader.push(memory.subarray(0, piece.length));
    memory.fill(0xee);
    if (reading.pausing === 'shortly') resume();
  }
  if (reading.ends === true) reader.end();
  resume();
  if (reading.pausing !== undefined && entries.every((entry) => !('fault' in entry))) assert.equal(reader.unread, 0);
  return entries;
}

/** `bytes` cut at these places. */
export function cut(bytes: Buffer, ...places: readonly number[]): Buffer[] {
  const borders = [0, ...places, bytes.length];
  return borders.slice(1).map((end, i) => bytes.subarray(borders[i], end));
}

/** Latin1 text as bytes. */
export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
