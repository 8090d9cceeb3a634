/**
 * The test backend: an HTTP server that speaks like OpenAI's API and has no model behind it. It stands for the LLM in
 * tests, benchmarks and examples. It takes its own key and nothing else, so what gets an answer of it has come with the
 * gateway's credential; it keeps what it was sent, and counts what it has in progress for whom.
 *
 *     BACKEND_KEY=secret node packages/sample-app/src/llm-test-backend.ts 8000
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import {
  type BackendError,
  completion,
  completionEvents,
  embeddings,
  errorBody,
  type Events,
  isObject,
  modelList,
  modelNamed,
  models,
  response as responseObject,
  responseEvents,
  said,
  sound,
  wantedError,
  type Wishes,
  wishesOf,
} from './llm-test-answers.ts';

export interface LlmTestBackendOptions {
  /** 0, the default, takes a free one of loopback. */
  readonly port?: number;
  /** What requests must have in `Authorization`, behind `Bearer`; default: `backend-key`. */
  readonly key?: string;
  /** The field that says for whom a request is. */
  readonly personField?: string;
  /** How many requests are kept, the last ones; default: 1,000. */
  readonly keep?: number;
}

/** A request as it came. */
export interface ReceivedRequest {
  readonly method: string;
  readonly target: string;
  /** Names and values in turn, in their order and spelling. */
  readonly fields: readonly string[];
  /** For whom it is; empty when it does not say. */
  readonly person: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** So much of it as has come. */
  body: Buffer;
  /** How it ended, and when; `undefined` while it is in progress. `gone`: the client, before the answer was complete. */
  end: { readonly how: 'answered' | 'gone' | 'broken-off'; readonly at: number } | undefined;
}

export interface LlmTestBackend {
  readonly origin: string;
  /** In the order in which they came. */
  readonly received: readonly ReceivedRequest[];
  /** Requests in progress, for this person or for everybody. */
  inProgress(person?: string): number;
  /** The most that were in progress at the same time. */
  mostInProgress(person?: string): number;
  /** Forgets what it has received and counted, but for what is in progress. */
  forget(): void;
  close(): Promise<void>;
}

/** Starts one on loopback. */
export async function startLlmTestBackend(options: LlmTestBackendOptions = {}): Promise<LlmTestBackend> {
  const { port = 0, key = 'backend-key', personField = 'x-orion-user', keep = 1_000 } = options;
  const received: ReceivedRequest[] = [];
  const everybody: Tally = { now: 0, most: 0 };
  const people = new Map<string, Tally>();
  const server = createServer((request, answer) => {
    const entry = entryOf(request, personField);
    received.push(entry);
    if (received.length > keep) received.shift();
    const own = people.get(entry.person) ?? { now: 0, most: 0 };
    people.set(entry.person, own);
    const tallies = [everybody, own];
    for (const tally of tallies) tally.most = Math.max(tally.most, ++tally.now);
    const gone = new AbortController();
    answer.once('close', () => {
      for (const tally of tallies) tally.now -= 1;
      entry.end ??= { how: answer.writableFinished ? 'answered' : 'gone', at: Date.now() };
      gone.abort();
    });
    request.on('error', () => {}); // 'close' tells
    handle(request, answer, entry, key, gone.signal).catch((error: unknown) => {
      if (!gone.signal.aborted) answer.destroy(error instanceof Error ? error : undefined);
    });
  });
  // A gateway keeps its connections for as long as we do.
  server.keepAliveTimeout = 75_000;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    inProgress: (person) => (person === undefined ? everybody : people.get(person))?.now ?? 0,
    mostInProgress: (person) => (person === undefined ? everybody : people.get(person))?.most ?? 0,
    forget: () => {
      received.length = 0;
      for (const tally of [everybody, ...people.values()]) tally.most = tally.now;
    },
    close: async () => {
      server.closeAllConnections();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

interface Tally {
  now: number;
  most: number;
}

function entryOf(request: IncomingMessage, personField: string): ReceivedRequest {
  const person = request.headers[personField];
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    fields: request.rawHeaders,
    person: typeof person === 'string' ? person : '',
    at: Date.now(),
    body: Buffer.alloc(0),
    end: undefined,
  };
}

async function handle(
  request: IncomingMessage,
  answer: ServerResponse,
  entry: ReceivedRequest,
  key: string,
  gone: AbortSignal,
): Promise<void> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of request) pieces.push(piece);
  } finally {
    entry.body = Buffer.concat(pieces);
  }
  if (request.headers.authorization !== `Bearer ${key}`) return refuse(answer, wrongKey);
  const path = entry.target.split('?')[0] ?? '';
  if (entry.method !== 'POST') return look(answer, path);
  const body = objectIn(entry.body);
  if (body === undefined) return refuse(answer, notJson);
  const model = body['model'];
  if (typeof model !== 'string' || !Object.hasOwn(models, model)) return refuse(answer, unknownModel(String(model)));
  const wishes = wishesOf(body);
  if (wishes.silentMs > 0) await delay(wishes.silentMs, undefined, { signal: gone });
  const retries = Number(request.headers['x-stainless-retry-count'] ?? 0);
  if (wishes.status !== undefined && retries < wishes.untilRetry) return refuse(answer, wantedError(wishes.status));
  const part: Part = { answer, entry, wishes, gone };
  const streamed = body['stream'] === true;
  switch (path) {
    case '/v1/chat/completions': {
      if (!Array.isArray(body['messages'])) return refuse(answer, missing('messages'));
      const words = said(body, wishes);
      const options = body['stream_options'];
      const withUsage = isObject(options) && options['include_usage'] === true;
      return streamed ? stream(part, completionEvents(words, withUsage)) : json(part, completion(words));
    }
    case '/v1/responses': {
      if (body['input'] === undefined) return refuse(answer, missing('input'));
      const words = said(body, wishes);
      return streamed ? stream(part, responseEvents(words)) : json(part, responseObject(words));
    }
    case '/v1/embeddings':
      return body['input'] === undefined ? refuse(answer, missing('input')) : json(part, embeddings(body));
    case '/v1/audio/speech':
      answer.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': sound.length }).end(sound);
      return undefined;
    default:
      return refuse(answer, unknownAddress);
  }
}

function look(answer: ServerResponse, path: string): void {
  const name = /^\/v1\/models\/(.+)$/.exec(path)?.[1];
  if (name !== undefined && !Object.hasOwn(models, name)) return refuse(answer, unknownModel(name));
  if (name === undefined && path !== '/v1/models') return refuse(answer, unknownAddress);
  return send(answer, 200, name === undefined ? modelList() : modelNamed(name));
}

interface Part {
  readonly answer: ServerResponse;
  readonly entry: ReceivedRequest;
  readonly wishes: Wishes;
  readonly gone: AbortSignal;
}

function json({ answer, wishes }: Part, value: object): void {
  if (!wishes.gzip) return send(answer, 200, value);
  const body = gzipSync(JSON.stringify(value));
  const fields = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' };
  answer.writeHead(200, { ...fields, 'Content-Length': body.length }).end(body);
}

async function stream({ answer, entry, wishes, gone }: Part, { before, words, after }: Events): Promise<void> {
  const { pauseMs, breakAfter, trailer } = wishes;
  answer.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache',
    ...(trailer ? { Trailer: 'X-Test-Words' } : {}),
  });
  // Each goes out by itself, and before the connection is broken off.
  const write = (text: string): Promise<void> =>
    new Promise((resolve, reject) => answer.write(text, (error) => (error ? reject(error) : resolve())));
  for (const text of before) await write(text);
  for (const [i, text] of words.entries()) {
    if (i === breakAfter) {
      entry.end = { how: 'broken-off', at: Date.now() };
      answer.socket?.destroy();
      return;
    }
    if (i > 0 && pauseMs > 0) await delay(pauseMs, undefined, { signal: gone });
    await write(text);
  }
  for (const text of after) await write(text);
  if (trailer) answer.addTrailers({ 'X-Test-Words': String(words.length) });
  answer.end();
}

function objectIn(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function refuse(answer: ServerResponse, error: BackendError): void {
  if (error.status === 429) answer.setHeader('Retry-After', '1');
  send(answer, error.status, errorBody(error));
}

function send(answer: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  answer.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body);
}

const invalid = 'invalid_request_error';
const wrongKey: BackendError = {
  status: 401,
  message: 'Incorrect API key provided: it is not that of the test backend',
  type: invalid,
  code: 'invalid_api_key',
};
const notJson: BackendError = { status: 400, message: 'The body is not one JSON object', type: invalid };
const unknownAddress: BackendError = {
  status: 404,
  message: 'Unknown request URL',
  type: invalid,
  code: 'unknown_url',
};
const missing = (param: string): BackendError => ({
  status: 400,
  message: `Missing required parameter: '${param}'`,
  type: invalid,
  param,
  code: 'missing_required_parameter',
});
const unknownModel = (model: string): BackendError => ({
  status: 404,
  message: `The model '${model}' does not exist`,
  type: invalid,
  param: 'model',
  code: 'model_not_found',
});

if (import.meta.main) {
  const key = process.env['BACKEND_KEY'];
  const backend = await startLlmTestBackend({
    port: Number(process.argv[2] ?? 8000),
    keep: 0,
    ...(key === undefined ? {} : { key }),
  });
  console.log(`The test backend (no model) listens on ${backend.origin}`);
}
