/**
 * What is relayed in the benchmarks: messages that are told in a stream of bytes by one byte that occurs nowhere else
 * in them, however a proxy packets them.
 *
 * @module
 */
import { createHash } from 'node:crypto';

/** In each message once, and not in chunk sizes, frame heads and the like. */
const mark = 0x7e;
const text = `data: {"at":"desk","rows":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20],"unit":"bp","end":"~"}\n\n`;

/** A message as a chunk of an event stream. */
export const eventChunk: Buffer = Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`, 'latin1');

/** The same as a text frame from the server (RFC 6455, 5.2). */
export const serverFrame: Buffer = Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text, 'latin1')]);

/** And from the client: masked, with a key that changes nothing, so that the mark can be found. */
export const clientFrame: Buffer = Buffer.concat([
  Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]),
  Buffer.from(text, 'latin1'),
]);

/** How many messages end in these bytes. */
export function countMessages(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) count++;
  return count;
}

/** The server's answer to `Sec-WebSocket-Key` (RFC 6455, 4.2.2). */
export const acceptOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
