/**
 * What `node:http` (llhttp in its strict mode) makes of the same bytes: the second opinion that ours is compared with.
 *
 * @module
 */
import http, { type IncomingMessage } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import type { Message } from './messages.ts';

/** Reads requests as `node:http` does: those that it has read completely, in order. */
export async function nodeRequests(bytes: Buffer): Promise<Message[]> {
  const found: { readonly request: IncomingMessage; readonly message: Promise<Message | undefined> }[] = [];
  const server = http.createServer({ requireHostHeader: false }, (request, response) => {
    const message = collect(request);
    found.push({ request, message });
    void message.then(() => response.end());
  });
  // Not documented: without it Node gives up requests in progress when the client has sent everything.
  Object.assign(server, { httpAllowHalfOpen: true });
  const [client, side] = duplexPair();
  server.emit('connection', likeSocket(side));
  server.on('clientError', () => {
    // Not at once: what came before the error has been read, and not yet been taken.
    const whole = found.filter(({ request }) => request.complete).map(({ message }) => message);
    void Promise.all(whole).then(() => side.destroy());
  });
  client.resume();
  client.on('error', () => undefined);
  const over = new Promise((resolve) => side.once('close', resolve));
  client.end(bytes);
  await over;
  client.destroy();
  const messages = await Promise.all(found.map(({ message }) => message));
  return messages.filter((message) => message !== undefined);
}

/** Reads one response as `node:http` does; `undefined` when it does not get to its end. */
export async function nodeResponse(bytes: Buffer, method: string): Promise<Message | undefined> {
  const [side, server] = duplexPair();
  const result = new Promise<Message | undefined>((resolve) => {
    const request = http.request({ method, createConnection: () => likeSocket(side) });
    let answered = false;
    // Once answered: bytes behind the response, which says nothing of it.
    request.on('error', () => answered || resolve(undefined));
    request.on('close', () => answered || resolve(undefined));
    request.on('response', (response) => {
      answered = true;
      void collect(response).then(resolve);
    });
    request.end();
  });
  server.resume();
  server.on('error', () => undefined);
  server.end(bytes);
  const message = await result;
  side.destroy();
  server.destroy();
  return message;
}

/** What `node:http` asks of a socket and a plain stream lacks. */
function likeSocket(stream: Duplex): Duplex {
  const same = (): Duplex => stream;
  return Object.assign(stream, { setTimeout: same, setNoDelay: same, setKeepAlive: same, ref: same, unref: same });
}

async function collect(message: IncomingMessage): Promise<Message | undefined> {
  let data = '';
  try {
    for await (const chunk of message) data += (chunk as Buffer).toString('latin1');
  } catch {
    return undefined;
  }
  if (!message.complete) return undefined;
  const { method, url, statusCode, statusMessage } = message;
  return {
    line: statusCode === null || statusCode === undefined ? `${method} ${url}` : `${statusCode} ${statusMessage}`,
    minor: message.httpVersionMinor,
    fields: message.rawHeaders,
    data,
    trailers: message.rawTrailers,
  };
}
