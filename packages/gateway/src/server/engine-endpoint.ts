import type { ServerResponse } from 'node:http';
import type { Verdict } from '../wire/http.ts';
import { fieldValues } from '../wire/fields.ts';
import { pairs, responseFields } from '../upstream/message.ts';
import type { Exchange } from './engine-exchange.ts';

type Endpoint = Extract<Verdict, { kind: 'endpoint' }>;

/** Serves one of our own endpoints: the request as the Fetch standard has it in, a `Response` out. */
export function serveEndpoint(exchange: Exchange, endpoint: Endpoint, signal: AbortSignal): void {
  answer(exchange, endpoint, signal).catch((error: unknown) => {
    if (!exchange.over) exchange.broken(error);
  });
}

async function answer(exchange: Exchange, endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  const content = await readContent(exchange, endpoint.maxBody);
  if (content === 'too-large') return exchange.refuse(413, 'Content too large');
  if (content === 'too-slow') return exchange.refuse(408, 'The content did not come in time');
  if (content === 'gone') return;
  const request = fetchRequest(exchange, content, signal);
  if (request === undefined) return exchange.refuse(400, 'The request cannot be read');
  const response = await endpoint.handle(request);
  if (exchange.over) await response.body?.cancel();
  else await send(exchange, response);
}

/** All of the content, at most `limit` bytes. It is short, so all of it has to come within the time that a pause may last elsewhere. */
async function readContent(
  { request, response, framing, expects, context }: Exchange,
  limit: number,
): Promise<Buffer | 'too-large' | 'too-slow' | 'gone'> {
  if (framing.kind === 'none') return Buffer.alloc(0);
  if (framing.kind === 'length' && Number(framing.length) > limit) return 'too-large';
  if (expects) response.writeContinue();
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    const settle = (content: Buffer | 'too-large' | 'too-slow' | 'gone'): void => {
      clearTimeout(timer);
      request.removeAllListeners('data');
      resolve(content);
    };
    const timer = setTimeout(() => settle('too-slow'), context.limits.idleTimeoutMs);
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else settle('too-large');
    });
    request.on('end', () => settle(Buffer.concat(chunks)));
    request.on('close', () => settle('gone'));
  });
}

/** `undefined` for what the Fetch standard cannot hold: a target that is no URL, or a method that it forbids. */
function fetchRequest({ head }: Exchange, content: Buffer, signal: AbortSignal): Request | undefined {
  const { method, target, fields, connection } = head;
  if (!target.startsWith('/')) return undefined;
  const host = fieldValues(fields, 'host')[0] ?? 'localhost';
  try {
    // Not resolved against a base: `//other/` would name another host.
    const url = new URL(`${connection.tls ? 'https' : 'http'}://${host}${target}`);
    const body = content.length === 0 || method === 'GET' || method === 'HEAD' ? null : new Uint8Array(content);
    return new Request(url, { method, headers: pairs(fields), body, signal });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

async function send(exchange: Exchange, answer: Response): Promise<void> {
  const { response, head } = exchange;
  const fields: string[] = [];
  // Iterating gives every Set-Cookie by itself (Fetch, "sort and combine").
  for (const [name, value] of answer.headers) fields.push(name, value);
  const kept = responseFields(fields, { chunked: false, status: answer.status });
  if (exchange.closes) kept.unshift('Connection', 'close');

  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = answer.body?.getReader();
  const first = await reader?.read();
  if (exchange.over) return reader?.cancel();
  if (reader === undefined || first === undefined || first.done || head.method === 'HEAD') {
    await reader?.cancel();
    const empty = head.method !== 'HEAD' && answer.status !== 204 && answer.status !== 304;
    if (empty && fieldValues(kept, 'content-length').length === 0) kept.push('Content-Length', '0');
    response.writeHead(answer.status, kept);
    response.end();
    return;
  }
  response.writeHead(answer.status, kept);
  let chunk: Uint8Array | undefined = first.value;
  while (chunk !== undefined && !exchange.over) {
    if (!response.write(chunk)) await drained(response);
    chunk = (await reader.read()).value;
  }
  if (exchange.over) await reader.cancel();
  else response.end();
}

/** More can be written, or it does not matter any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
