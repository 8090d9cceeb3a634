import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Reply } from '../wire/http.ts';

/** How long the rest of a refused upload is read, so that the client can finish sending and then read the answer. */
const DISCARD_MS = 30_000;
/** How long a client that broke HTTP may take to read why. */
const LINGER_MS = 2_000;

/** Sends a whole answer through Node's response, which leaves out the content where the method or status forbids it. */
export function sendReply(response: ServerResponse, reply: Reply, close: boolean): void {
  const body = Buffer.from(reply.body);
  const fields = [...reply.fields];
  if (close) fields.push('Connection', 'close');
  if (mayHaveContent(reply.status)) fields.push('Content-Length', String(body.length));
  response.writeHead(reply.status, fields);
  response.end(body);
}

/** The same as bytes, for a connection whose request could not be read. It always closes. */
export function replyBytes(reply: Reply, date: Date): Buffer {
  const body = Buffer.from(reply.body);
  const lines = [`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? 'Error'}`, `Date: ${date.toUTCString()}`];
  for (let i = 0; i < reply.fields.length; i += 2) lines.push(`${reply.fields[i]}: ${reply.fields[i + 1]}`);
  lines.push('Connection: close', `Content-Length: ${body.length}`, '', '');
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body]);
}

/**
 * Writes last words and closes, reading on for a moment: a socket closed with unread bytes sends a reset, which
 * would take the answer away from the client (RFC 9112, 9.6).
 */
export function closeWith(socket: Socket, bytes: Buffer): void {
  socket.end(bytes);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => socket.destroySoon());
  socket.resume();
}

/**
 * Reads and drops what is left of a request that was answered before its end; the connection can then be used again.
 * Chromium, for one, reads an answer only after it has sent everything. Whoever takes too long is cut off.
 */
export function discard(request: IncomingMessage, socket: Socket): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), DISCARD_MS);
  const clear = (): void => {
    clearTimeout(timer);
    socket.off('close', clear);
  };
  request.once('end', clear);
  socket.once('close', clear);
  request.resume();
}

const mayHaveContent = (status: number): boolean => status >= 200 && status !== 204 && status !== 304;
