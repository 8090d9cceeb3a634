import type { Reply } from './exchange.ts';
import { hasContent, replyHead } from './outgoing-head.ts';

export interface ReplyOptions {
  /** Of the request: a HEAD is answered without content. */
  readonly method: string;
  readonly close: boolean;
  readonly date: string;
}

/** A whole answer of our own as latin1 text. Throws `TypeError` when it cannot be written. */
export function replyText(reply: Reply, { method, close, date }: ReplyOptions): string {
  const { body, status } = reply;
  const content = latin1(body);
  const head = replyHead(reply, content.length, close ? `${date}Connection: close\r\n` : date);
  return hasContent(method, status) ? head + content : head;
}

/** The same bytes, one character each. */
function latin1(body: string | Uint8Array): string {
  if (typeof body === 'string') return ASCII.test(body) ? body : Buffer.from(body).toString('latin1');
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
}

const ASCII = /^[\x00-\x7f]*$/;
