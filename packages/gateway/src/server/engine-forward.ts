import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import { type CallListener, UpstreamCall, type UpstreamResponse } from '../upstream/call.ts';
import { UpstreamError } from '../upstream/failure.ts';
import { pairs, responseFields } from '../upstream/message.ts';
import type { Fields } from '../wire/fields.ts';
import type { Completion, Forward, UpstreamFailure } from '../wire/http.ts';
import type { EngineContext } from './engine-context.ts';
import type { Exchange, Work } from './engine-exchange.ts';
import { discard } from './engine-reply.ts';
import { SocketTunnel } from './engine-tunnel.ts';

/** The client left before an answer began. The number is nginx's; HTTP has none. */
const CLIENT_CLOSED_REQUEST = 499;

const UNCARRIABLE: UpstreamFailure = { code: 'other', detail: 'the verdict could not be carried out' };

const NOTHING = Buffer.alloc(0);

/** Carries out a `forward`: the request to the upstream and its answer back, as streams, or a tunnel. */
export class Forwarding implements CallListener, Work {
  readonly #exchange: Exchange;
  readonly #verdict: Forward;
  readonly #startedAt = performance.now();
  #call: UpstreamCall | undefined;
  #bytesToClient = 0;
  #bytesToUpstream = 0;
  #uploaded = false;
  #continued = false;
  #completed = false;
  #stalled: NodeJS.Timeout | undefined;

  constructor(exchange: Exchange, verdict: Forward) {
    this.#exchange = exchange;
    this.#verdict = verdict;
  }

  start(): void {
    const { context, head, framing } = this.#exchange;
    const { upstream, target } = this.#verdict;
    try {
      const pool = context.pools.of(upstream);
      const fields = this.#expectation(this.#verdict.fields);
      const options = { method: head.method, target, fields, framing, upgrade: head.upgrade };
      this.#call = new UpstreamCall(pool, options, this);
    } catch (error) {
      return this.#broken(error);
    }
    if (framing.kind === 'none') this.#endUpload([]);
    else this.#startUpload();
  }

  /** The response has been written completely. */
  finished(): void {
    this.#complete({ end: 'complete' });
    if (this.#uploaded) return;
    // Answered before the end of the request: the upstream's connection is in the middle of something, the client still sends.
    const { request, connection } = this.#exchange;
    request.removeAllListeners('data');
    this.#call?.destroy();
    discard(request, connection.socket);
  }

  clientGone(): void {
    this.#call?.destroy();
    this.#complete({ end: this.#exchange.context.stopping ? 'shutdown' : 'client-gone' });
  }

  onInterim(status: number, fields: Fields): void {
    const { request, response, expects, over } = this.#exchange;
    // HTTP/1.0 knows no interim answers (RFC 9110, 15.2).
    if (over || response.headersSent || request.httpVersionMinor === 0) return;
    if (status === 100) {
      if (expects) this.#continue();
      return;
    }
    // Node before 26.2 cannot send any; they are advice only.
    if (typeof response.writeInformation !== 'function') return;
    try {
      response.writeInformation(status, responseFields(this.#permitted(fields), { chunked: false, status }));
    } catch (error) {
      this.#broken(error);
    }
  }

  onResponse(upstream: UpstreamResponse): void {
    const exchange = this.#exchange;
    if (exchange.over) return;
    const { response, request, head } = exchange;
    const { status, body } = upstream;
    clearTimeout(this.#stalled);
    const chunked = upstream.chunked && request.httpVersionMinor === 1 && head.method !== 'HEAD' && hasContent(status);
    try {
      const fields = responseFields(this.#permitted(upstream.fields), { chunked, status });
      // In front, where a Content-Length that comes last stays last.
      const all = [...this.#verdict.responseFields, ...fields];
      if (exchange.closes) all.unshift('Connection', 'close');
      response.writeHead(status, isReason(upstream.reason) ? upstream.reason : undefined, all);
    } catch (error) {
      // The parser lets nothing pass that Node would not write: it is one of our own fields.
      return this.#broken(error);
    }
    body.on('data', (chunk: Buffer) => {
      this.#bytesToClient += chunk.length;
      if (!response.write(chunk)) body.pause();
    });
    response.on('drain', () => body.resume());
    body.on('end', () => {
      const trailers = chunked ? upstream.trailers() : [];
      if (trailers.length > 0) response.addTrailers(pairs(trailers));
      response.end();
    });
    // The head goes out before the content comes; Node joins both when they come together.
    response.write(NOTHING);
  }

  onUpgrade(fields: Fields, upstream: Socket, first: Buffer): void {
    const { context, connection } = this.#exchange;
    const client = connection.socket;
    const origin = this.#verdict.upstream.origin;
    if (this.#exchange.over) return void upstream.destroy();
    let head: Buffer;
    try {
      head = switchingProtocols([
        ...responseFields(this.#permitted(fields), { chunked: false, status: 101 }),
        ...this.#verdict.responseFields,
      ]);
    } catch (error) {
      upstream.destroy();
      return this.#broken(error);
    }
    this.#completed = true;
    this.#exchange.release();
    const tunnel = openTunnel({
      client,
      upstream,
      origin,
      context,
      verdict: this.#verdict,
      startedAt: this.#startedAt,
    });
    client.write(head);
    report(context, () => this.#verdict.opened?.(tunnel));
    tunnel.start(first);
  }

  onDrain(): void {
    this.#stalled?.refresh();
    this.#exchange.request.resume();
  }

  onFailure(failure: UpstreamFailure): void {
    const exchange = this.#exchange;
    clearTimeout(this.#stalled);
    exchange.request.removeAllListeners('data');
    if (exchange.response.headersSent) {
      this.#complete({ end: 'upstream-failed', failure });
      return exchange.cut();
    }
    const reply = exchange.context.handler.upstreamFailed(exchange.head, failure);
    this.#complete({ end: 'upstream-failed', failure, status: reply.status });
    exchange.reply(reply);
  }

  #startUpload(): void {
    const { request, context } = this.#exchange;
    const { idleTimeoutMs, bodyBytes = Number.POSITIVE_INFINITY } = context.limits;
    this.#stalled = setTimeout(() => this.#onStalled(), idleTimeoutMs);
    request.on('data', (chunk: Buffer) => {
      this.#stalled?.refresh();
      this.#bytesToUpstream += chunk.length;
      if (this.#bytesToUpstream > bodyBytes) this.#giveUp(413, 'Content too large');
      else if (this.#call?.write(chunk) === false) request.pause();
    });
    request.on('end', () => {
      if (this.#completed) return;
      const trailers = request.rawTrailers;
      if (trailers.length > 2 * context.limits.headerCount) return this.#giveUp(431, 'Too many trailer fields');
      try {
        this.#endUpload(trailers.length > 0 ? (this.#verdict.requestTrailers?.(trailers) ?? []) : []);
      } catch (error) {
        this.#broken(error);
      }
    });
  }

  #endUpload(trailers: Fields): void {
    clearTimeout(this.#stalled);
    this.#uploaded = true;
    this.#call?.end(trailers);
  }

  /** Nothing has moved. If the upstream keeps us waiting, it has failed; else the client is too slow. */
  #onStalled(): void {
    const { request, expects } = this.#exchange;
    if (request.isPaused() || (expects && !this.#continued))
      this.#call?.fail(new UpstreamError('response-timeout', 'takes no content and gives no response'));
    else this.#giveUp(408, 'The content did not come in time');
  }

  /** The client broke a limit in the middle of its content. */
  #giveUp(status: number, detail: string): void {
    const exchange = this.#exchange;
    clearTimeout(this.#stalled);
    exchange.request.removeAllListeners('data');
    this.#call?.destroy();
    if (exchange.response.headersSent) {
      this.#complete({ end: 'client-gone' });
      return exchange.cut();
    }
    this.#complete({ end: 'client-gone', status });
    exchange.refuse(status, detail);
  }

  /**
   * `Expect` goes on, so that the upstream decides (RFC 9110, 10.1.1), except beside fields that are not ASCII: Node writes
   * a head with `Expect` as UTF-8, which would alter them. Then the 100 is ours. HTTP/1.0 has no `Expect`.
   */
  #expectation(fields: Fields): Fields {
    const { expects, request } = this.#exchange;
    if (expects ? fields.every((text) => ASCII.test(text)) : request.httpVersionMinor === 1) return fields;
    if (expects) this.#continue();
    return fields.filter((_, i) => fields[i - (i % 2)]?.toLowerCase() !== 'expect');
  }

  #permitted(fields: Fields): Fields {
    return this.#verdict.upstreamFields?.(fields) ?? fields;
  }

  /** A bug of ours or of the handler. */
  #broken(error: unknown): void {
    this.#call?.destroy();
    this.#complete({ end: 'upstream-failed', failure: UNCARRIABLE, status: 500 });
    this.#exchange.broken(error);
  }

  #continue(): void {
    if (this.#continued) return;
    this.#continued = true;
    this.#exchange.response.writeContinue();
  }

  #complete(end: Partial<Completion> & Pick<Completion, 'end'>): void {
    if (this.#completed) return;
    this.#completed = true;
    clearTimeout(this.#stalled);
    const { response } = this.#exchange;
    const completion: Completion = {
      status: response.headersSent ? response.statusCode : CLIENT_CLOSED_REQUEST,
      durationMs: performance.now() - this.#startedAt,
      bytesToClient: this.#bytesToClient,
      bytesToUpstream: this.#bytesToUpstream,
      failure: undefined,
      closedBy: undefined,
      ...end,
    };
    report(this.#exchange.context, () => this.#verdict.ended?.(completion));
  }
}

interface TunnelParts {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly origin: string;
  readonly context: EngineContext;
  readonly verdict: Forward;
  readonly startedAt: number;
}

/** Apart from the class, and keeping only `ended`: what a tunnel holds is held for hours, and request and response are not among it. */
function openTunnel({ client, upstream, origin, context, verdict: { ended }, startedAt }: TunnelParts): SocketTunnel {
  const tunnel = new SocketTunnel(client, upstream, origin, (end) => {
    context.tunnels.delete(tunnel);
    const { bytesToClient, bytesToUpstream } = tunnel;
    const durationMs = performance.now() - startedAt;
    report(context, () => ended?.({ ...end, status: 101, durationMs, bytesToClient, bytesToUpstream }));
  });
  context.tunnels.add(tunnel);
  return tunnel;
}

/** Calls back into the handler, whose bugs are not ours to die of. */
function report(context: EngineContext, call: () => void): void {
  try {
    call();
  } catch (error) {
    context.onError('A report about a request failed', error);
  }
}

/** The head of our 101: what the upstream agreed to, untouched, and the two fields that make it one (RFC 6455, 4.2.2). */
function switchingProtocols(fields: Fields): Buffer {
  let head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    validateHeaderName(name);
    validateHeaderValue(name, value);
    head += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, 'latin1');
}

const ASCII = /^[\x00-\x7f]*$/;

const isReason = (text: string): boolean => /^[\t\x20-\x7e\x80-\xff]+$/.test(text);

const hasContent = (status: number): boolean => status !== 204 && status !== 304;
