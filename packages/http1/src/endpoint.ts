import type { Verdict } from './exchange.ts';
import { type Fields, fieldValues } from './fields.ts';
import { lastChunk } from './chunked.ts';
import { endpointHead, hasContent } from './outgoing-head.ts';
import type { Exchange, Work } from './server-exchange.ts';

type Endpoint = Extract<Verdict, { kind: 'endpoint' }>;

const NO_FIELDS: Fields = [];

/** Serves one of our own endpoints: the request as the Fetch standard has it in, a `Response` out. */
export function serveEndpoint(exchange: Exchange, endpoint: Endpoint): Work {
  const serving = new EndpointServing(exchange, endpoint);
  serving.start();
  return serving;
}

class EndpointServing implements Work {
  readonly #exchange: Exchange;
  readonly #endpoint: Endpoint;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #wake: (() => void) | undefined;

  constructor(exchange: Exchange, endpoint: Endpoint) {
    this.#exchange = exchange;
    this.#endpoint = endpoint;
  }

  start(): void {
    const { hasContent: expected, line, connection } = this.#exchange;
    if (!expected) return this.#answer();
    if (line.body.kind === 'length' && line.body.length > this.#endpoint.maxBody) return this.#tooLarge();
    this.#exchange.continue();
    connection.awaitContent();
  }

  content(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#endpoint.maxBody) this.#tooLarge();
    else this.#chunks.push(chunk);
  }

  contentEnd(): void {
    this.#answer();
  }

  drained(): void {
    this.#wake?.();
  }

  stalled(): void {
    this.#exchange.giveUp(408, 'The content did not come in time');
  }

  finished(): void {}

  cancelled(): void {
    this.#wake?.();
  }

  #tooLarge(): void {
    this.#exchange.refuse(413, 'Content too large');
  }

  #answer(): void {
    this.#handle().catch((error: unknown) => {
      if (!this.#exchange.over) this.#exchange.broken(error);
    });
  }

  async #handle(): Promise<void> {
    const exchange = this.#exchange;
    const request = fetchRequest(exchange, Buffer.concat(this.#chunks));
    if (request === undefined) return exchange.refuse(400, 'The request cannot be read');
    const response = await this.#endpoint.handle(request);
    if (exchange.over) await response.body?.cancel();
    else await this.#send(response);
  }

  async #send(answer: Response): Promise<void> {
    const exchange = this.#exchange;
    const { out } = exchange.connection;
    const { method, minor } = exchange.line;
    const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = answer.body?.getReader();
    const first = await reader?.read();
    if (exchange.over) return reader?.cancel();
    const empty = reader === undefined || first === undefined || first.done || !hasContent(method, answer.status);
    exchange.decideClosing(!empty && minor === 0);
    const framing = empty ? 'empty' : minor === 0 ? 'until-close' : 'chunked';
    const { closes: close, context } = exchange;
    const [status, fields, date] = [answer.status, flat(answer.headers), context.dateLine()];
    out.add(endpointHead({ method, status, fields, framing, close, date }));
    exchange.headSent = true;
    if (empty) {
      await reader?.cancel();
      return exchange.finish();
    }
    let chunk: Uint8Array | undefined = first.value;
    while (chunk !== undefined && !exchange.over) {
      await this.#write(chunk, framing === 'chunked');
      chunk = (await reader.read()).value;
    }
    if (exchange.over) return reader.cancel();
    if (framing === 'chunked') out.add(lastChunk(NO_FIELDS));
    exchange.finish();
  }

  async #write(chunk: Uint8Array, chunked: boolean): Promise<void> {
    const { out } = this.#exchange.connection;
    if (chunk.length === 0) return;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (chunked) out.chunk(bytes);
    else out.content(bytes);
    out.flush();
    if (!out.full || this.#exchange.over) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}

/** `undefined` for what the Fetch standard cannot hold: a target that is no URL, or a method that it forbids. */
function fetchRequest(exchange: Exchange, content: Buffer): Request | undefined {
  const { method, target, fields, connection } = exchange.head;
  if (!target.startsWith('/')) return undefined;
  const host = fieldValues(fields, 'host')[0] ?? 'localhost';
  try {
    // Not resolved against a base: `//other/` would name another host.
    const url = new URL(`${connection.tls ? 'https' : 'http'}://${host}${target}`);
    const body = content.length === 0 || method === 'GET' || method === 'HEAD' ? null : new Uint8Array(content);
    return new Request(url, { method, headers: pairs(fields), body, signal: exchange.signal });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Iterating gives every Set-Cookie by itself (Fetch, "sort and combine"). */
function flat(headers: Headers): string[] {
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  return fields;
}

function pairs(fields: Fields): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) list.push([fields[i] as string, fields[i + 1] as string]);
  return list;
}
