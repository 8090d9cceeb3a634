import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Framing } from '../upstream/message.ts';
import { type Fields, fieldValues } from '../wire/fields.ts';
import type { Reply, RequestHead, Verdict } from '../wire/http.ts';
import type { ClientConnection } from './engine-connection.ts';
import type { EngineContext } from './engine-context.ts';
import type { DetachedSocket } from './engine-detached.ts';
import { serveEndpoint } from './engine-endpoint.ts';
import { Forwarding } from './engine-forward.ts';
import { closeWith, discard, replyBytes, sendReply } from './engine-reply.ts';

/** What carries a verdict out and must know when the response is through, or the client is not there any more. */
export interface Work {
  finished(): void;
  clientGone(): void;
}

export interface ExchangeParts {
  readonly context: EngineContext;
  readonly connection: ClientConnection;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly upgrade: boolean;
  /** The client waits for a 100 before it sends content. */
  readonly expects: boolean;
  /** Nothing can follow this request on its connection. */
  readonly last: boolean;
  /** The bare connection, where Node has taken its parser off. */
  readonly detached: DetachedSocket | undefined;
}

/** One request and its answer: asks for a verdict, has it carried out, and ends exactly once. */
export class Exchange {
  readonly context: EngineContext;
  readonly connection: ClientConnection;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: RequestHead;
  readonly framing: Framing;
  readonly expects: boolean;
  readonly last: boolean;
  readonly #detached: DetachedSocket | undefined;
  readonly #gone = new AbortController();
  #work: Work | undefined;
  #over = false;
  #closing = false;

  constructor({ context, connection, request, response, upgrade, expects, last, detached }: ExchangeParts) {
    this.context = context;
    this.connection = connection;
    this.request = request;
    this.response = response;
    this.framing = framingOf(request.rawHeaders);
    this.expects = expects;
    this.last = last;
    this.#detached = detached;
    this.head = {
      method: request.method ?? '',
      target: request.url ?? '',
      fields: request.rawHeaders,
      connection,
      upgrade,
    };
    response.on('finish', () => this.#onFinish());
    response.on('close', () => this.cancel());
  }

  /** The response must say that the connection closes, and close it. */
  get closes(): boolean {
    return this.last || this.#closing || this.context.draining;
  }

  /** The client has gone, or its request is not to be answered any more. */
  get over(): boolean {
    return this.#over;
  }

  start(): void {
    if (this.#over) return this.connection.leave(this);
    const refusal = this.#check();
    if (refusal !== undefined) return this.refuse(...refusal);
    let verdict: Verdict | Promise<Verdict>;
    try {
      verdict = this.context.handler.decide(this.head, this.#gone.signal);
    } catch (error) {
      return this.broken(error);
    }
    if (!(verdict instanceof Promise)) this.#carryOut(verdict);
    else
      verdict.then(
        (settled) => this.#carryOut(settled),
        (error: unknown) => this.broken(error),
      );
  }

  /** Answers with a whole reply. A client that is still sending may finish, on a connection that stays open. */
  reply(reply: Reply): void {
    if (this.#over) return;
    if (reply.close === true) this.#closing = true;
    try {
      if (this.framing.kind !== 'none') {
        if (this.closes && !this.request.complete) return this.#lastWords(reply);
        discard(this.request, this.connection.socket);
      }
      sendReply(this.response, reply, this.closes);
    } catch (error) {
      this.context.onError('A reply could not be sent', error);
      this.connection.socket.destroy();
    }
  }

  /** Refuses a request that breaks HTTP or a limit; nothing after it is read. */
  refuse(status: number, detail: string): void {
    if (this.#over) return;
    this.#lastWords(this.context.handler.badRequest(status, detail));
  }

  /** Answers 500 for a bug of ours, or cuts what has already begun. */
  broken(error: unknown): void {
    this.context.onError('A request could not be carried out', error);
    if (this.response.headersSent) this.cut();
    else this.reply(this.context.handler.badRequest(500, 'Internal error'));
  }

  /** Ends the connection so that nobody takes what was sent for a complete response. */
  cut(): void {
    const { socket, tls } = this.connection;
    // Without length and chunks the end of the connection is the end of the content: only a reset tells (RFC 9112, 8).
    const delimitedByClose = this.request.httpVersionMinor === 0;
    if (delimitedByClose && !tls) socket.resetAndDestroy();
    else socket.destroy();
  }

  /** Gives the request up: nothing will be sent any more. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#work?.clientGone();
    this.#gone.abort();
    this.connection.leave(this);
  }

  /** Hands the connection over to a tunnel; this exchange has nothing to do with it any more. */
  release(): void {
    this.#over = true;
    this.#work = undefined;
    this.#detached?.release();
    this.connection.carriesTunnel();
  }

  /** Not through Node's response: it would close at once, and the reset for what the client still sends would overtake the answer. */
  #lastWords(reply: Reply): void {
    const { connection, request } = this;
    connection.turnDeaf();
    this.cancel();
    closeWith(connection.socket, replyBytes(reply, new Date()));
    request.resume();
  }

  #carryOut(verdict: Verdict): void {
    switch (verdict.kind) {
      case 'reply':
        return this.reply(verdict.reply);
      case 'endpoint':
        return this.#over ? undefined : serveEndpoint(this, verdict, this.#gone.signal);
      case 'forward': {
        const forwarding = new Forwarding(this, verdict);
        this.#work = forwarding;
        if (this.#over) forwarding.clientGone();
        else forwarding.start();
      }
    }
  }

  #onFinish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#work?.finished();
    // Who has said `close` carries nothing more out (RFC 9112, 9.6): what a client pipelined behind it is dropped. Node
    // says it by itself as well, after an `Expect` that was answered without a 100, for one.
    if (this.closes || !this.response.shouldKeepAlive) this.connection.turnDeaf();
    this.connection.leave(this);
    if (this.#detached !== undefined) return this.#detached.finish(this.closes);
    // The head may have promised to keep the connection before draining began.
    if (this.closes && this.connection.idle) this.connection.socket.destroySoon();
  }

  /** What the parser lets pass and this engine does not. */
  #check(): [status: number, detail: string] | undefined {
    const { rawHeaders, httpVersionMajor, httpVersionMinor } = this.request;
    const { headerCount, bodyBytes } = this.context.limits;
    if (httpVersionMajor !== 1 || httpVersionMinor > 1) return [505, 'HTTP version not supported'];
    if (rawHeaders.length > 2 * headerCount) return [431, 'Too many header fields'];
    const hosts = fieldValues(rawHeaders, 'host').length;
    if (hosts > 1 || (hosts === 0 && httpVersionMinor === 1)) return [400, 'A request needs one Host'];
    // Node's parser hands on a request with a coding that it then cannot undo, and chunks in HTTP/1.0 (RFC 9112, 6.1).
    const codings = fieldValues(rawHeaders, 'transfer-encoding');
    if (codings.length > 0 && (codings.join().toLowerCase() !== 'chunked' || httpVersionMinor === 0))
      return [400, 'Unknown transfer coding'];
    if (this.framing.kind === 'length' && Number(this.framing.length) > (bodyBytes ?? Number.POSITIVE_INFINITY))
      return [413, 'Content too large'];
    return undefined;
  }
}

/** How the parser has read this request's content. It has refused whatever has two lengths. */
export function framingOf(fields: Fields): Framing {
  if (fieldValues(fields, 'transfer-encoding').length > 0) return { kind: 'chunked' };
  const length = fieldValues(fields, 'content-length')[0];
  return length === undefined || Number(length) === 0 ? { kind: 'none' } : { kind: 'length', length };
}
