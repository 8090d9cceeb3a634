/**
 * What the tests of the client side share: a caller that writes down what it hears.
 *
 * @module
 */
import type { Socket } from 'node:net';
import type { Upstream, UpstreamFailure } from './exchange.ts';
import type { Fields } from './fields.ts';
import type { StatusLine } from './head.ts';
import { type Call, type CallEvents, type CallOptions, isIdempotent } from './upstream.ts';
import type { UpstreamPools } from './upstream-pool.ts';

/** Everything that a call reports, in order and in short: `head 200`, `data abc`, `end` ... */
export class Heard implements CallEvents {
  readonly log: string[] = [];
  /** What `data` answers: the bytes are kept. */
  keeps = false;
  /** Called for each event, after it was written down. */
  react: ((event: string) => void) | undefined;
  answer: StatusLine | undefined;
  failure: UpstreamFailure | undefined;
  socket: Socket | undefined;
  rest: Buffer | undefined;
  content = '';
  readonly chunks: Buffer[] = [];
  #changed: (() => void)[] = [];

  continue_(): void {
    this.#add('continue');
  }
  informational(status: number, fields: Fields): void {
    this.#add(`informational ${status} ${fields.join()}`);
  }
  head(head: StatusLine): void {
    this.answer = head;
    this.#add(`head ${head.status}`);
  }
  data(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    this.content += chunk.toString('latin1');
    this.#add('data');
    return !this.keeps;
  }
  trailers(fields: Fields): void {
    this.#add(`trailers ${fields.join()}`);
  }
  end(): void {
    this.#add('end');
  }
  flush(): void {
    this.#add('flush');
  }
  failed(failure: UpstreamFailure, answered: boolean): void {
    this.failure = failure;
    this.#add(`failed ${failure.code} ${answered ? 'answered' : 'unanswered'}`);
  }
  drain(): void {
    this.#add('drain');
  }
  upgraded(head: StatusLine, socket: Socket, rest: Buffer): void {
    this.answer = head;
    this.socket = socket;
    this.rest = rest;
    this.#add('upgraded');
  }

  /** The events that say something: without content, and without `flush`. */
  get events(): string[] {
    return this.log.filter((event) => event !== 'data' && event !== 'flush' && event !== 'drain');
  }

  /** Waits until an event that begins like this has come. Rejects when the call has ended without. */
  async until(event: string): Promise<this> {
    while (!this.log.some((entry) => entry.startsWith(event))) {
      if (/^(?:end|failed|upgraded)/.test(this.log.at(-1) ?? ''))
        throw new Error(`No ${event}: ${this.log.join('; ')}`);
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
    return this;
  }

  /** Waits until the call is over, in whatever way. */
  async over(): Promise<string> {
    while (!/^(?:end|failed|upgraded)/.test(this.log.at(-1) ?? ''))
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    return this.log.at(-1) ?? '';
  }

  async when(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #add(event: string): void {
    this.log.push(event);
    this.react?.(event);
    for (const wake of this.#changed.splice(0)) wake();
  }
}

/** A call, and what is heard of it. */
export interface Asked {
  readonly call: Call;
  readonly heard: Heard;
}

/** Sends a request with this request line and these further lines; framing and method are read from them. */
export function ask(
  pools: UpstreamPools,
  upstream: Upstream,
  line: string,
  fields: readonly string[] = [],
  options: Partial<CallOptions> = {},
): Asked {
  const [method = ''] = line.split(' ');
  const length = fields.find((field) => field.startsWith('Content-Length: '))?.slice('Content-Length: '.length);
  const chunked = fields.includes('Transfer-Encoding: chunked');
  const heard = new Heard();
  const call = pools.call(
    upstream,
    `${[`${line} HTTP/1.1`, 'Host: app', ...fields].join('\r\n')}\r\n\r\n`,
    {
      method,
      body: chunked
        ? { kind: 'chunked' }
        : length === undefined
          ? { kind: 'none' }
          : { kind: 'length', length: Number(length) },
      upgrade: fields.includes('Upgrade: websocket'),
      idempotent: isIdempotent(method),
      expectContinue: fields.includes('Expect: 100-continue'),
      ...options,
    },
    heard,
  );
  return { call, heard };
}
