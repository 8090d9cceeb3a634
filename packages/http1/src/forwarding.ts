import type { Socket } from 'node:net';
import { lastChunk } from './chunked.ts';
import { type Pin, provesOverConnection } from './bound-connection.ts';
import type { Completion, Forward, LastingResponse, Reply, UpstreamFailure } from './exchange.ts';
import { type Fields, singleField } from './fields.ts';
import type { StatusLine } from './head.ts';
import type { HeldContent } from './held-content.ts';
import {
  CLIENT_CLOSED_REQUEST,
  checkTrailers,
  hasContent,
  interimHead,
  requestHead,
  responseHead,
  switchingHead,
  withFields,
} from './outgoing-head.ts';
import { openTunnel } from './opened-tunnel.ts';
import type { RelayedHead } from './relayed-head.ts';
import { report } from './report.ts';
import { ResponseTap } from './response-tap.ts';
import type { Exchange, Work } from './server-exchange.ts';
import { passableTrailers } from './trailers.ts';
import { type Call, type CallEvents, isIdempotent } from './upstream.ts';

const UNCARRIABLE: UpstreamFailure = { code: 'other', detail: 'the verdict could not be carried out' };

const NO_FIELDS: Fields = [];

/** Carries out a `forward`: the request to the upstream and its answer back, as they come, or a tunnel. */
export class Forwarding implements CallEvents, LastingResponse, Work {
  readonly #exchange: Exchange;
  readonly #verdict: Forward;
  readonly #startedAt: number;
  /** The content, when it was read before there was this verdict, until it is sent. */
  #held: HeldContent | undefined;
  #tap: ResponseTap | undefined;
  #call: Call | undefined;
  #status = CLIENT_CLOSED_REQUEST;
  #bytesToClient = 0;
  #bytesToUpstream = 0;
  #uploaded: boolean;
  #chunked = false;
  #paused = false;
  #trailers: Fields = NO_FIELDS;
  #completed = false;
  /** The verdict has heard that the response lasts. */
  #told = false;
  #eventStream = false;
  #cutBy: string | undefined;

  /** With `held` the request has been read already: this is its content. */
  constructor(exchange: Exchange, verdict: Forward, held?: HeldContent) {
    this.#exchange = exchange;
    this.#verdict = verdict;
    this.#held = held;
    this.#startedAt = held?.since ?? performance.now();
    this.#uploaded = !exchange.hasContent;
  }

  start(): void {
    const { context, line, head, hasContent } = this.#exchange;
    const { upstream, target, prepared, fields, asReceived } = this.#verdict;
    const { method, body } = line;
    // Who has read the content has said the 100 already.
    const expectContinue = line.expectContinue && this.#held === undefined;
    const { upgrade } = head;
    try {
      const text = requestHead({ method, target, prepared, fields, body, upgrade, expectContinue, asReceived });
      const idempotent = isIdempotent(method);
      const bound = line.hasAuthorization && provesOverConnection(text);
      const pin = this.#pin(bound);
      const options = { method, body, upgrade, idempotent, expectContinue, bound, pin };
      this.#call = context.pools.call(upstream, text, options, this);
      if (!hasContent) this.#call.end();
    } catch (error) {
      return this.#broken(error);
    }
    if (this.#held !== undefined) this.#sendHeld();
    else if (hasContent) this.#exchange.connection.awaitContent();
  }

  /** Where the upstream connection waits on which the person of this client has proven who they are; with `bound`, one may. */
  #pin(bound: boolean): Pin | undefined {
    const { connection } = this.#exchange;
    if (!bound && !connection.hasPins) return undefined;
    return this.#verdict.sharedClient === true ? undefined : connection.pin(this.#verdict.upstream, bound);
  }

  // The request.

  content(chunk: Buffer): void {
    if (this.#completed || this.#call === undefined) return;
    this.#bytesToUpstream += chunk.length;
    if (!this.#call.write(chunk)) this.#exchange.connection.holdContent();
  }

  contentEnd(trailers: Fields): void {
    if (this.#completed || this.#call === undefined) return;
    this.#uploaded = true;
    try {
      const kept = trailers.length > 0 ? (this.#verdict.requestTrailers?.(trailers) ?? NO_FIELDS) : NO_FIELDS;
      this.#call.end(checkTrailers(kept));
    } catch (error) {
      this.#broken(error);
    }
  }

  /** Goes on sending what is held, as fast as the upstream takes it. The client is read all the while, so that its leaving is seen. */
  #sendHeld(): void {
    const held = this.#held;
    if (held === undefined || this.#call === undefined) return;
    for (let piece = held.next(); piece !== undefined; piece = held.next()) {
      this.#bytesToUpstream += piece.length;
      if (!this.#call.write(piece)) return;
    }
    this.#letGo();
    this.contentEnd(held.trailers);
  }

  #letGo(): void {
    this.#held?.release();
    this.#held = undefined;
  }

  /** Nothing has moved. If the upstream keeps us waiting, it has failed; else the client is too slow. */
  stalled(): void {
    const { connection, awaitsContinue } = this.#exchange;
    if (!connection.holdsContent && !awaitsContinue)
      return this.#exchange.giveUp(408, 'The content did not come in time');
    this.#call?.abort();
    const { origin } = this.#verdict.upstream;
    const detail = `${origin}: takes no content and gives no response`;
    this.failed({ code: 'response-timeout', detail }, this.#exchange.headSent);
  }

  /** The client takes more. */
  drained(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#call?.resumeResponse();
  }

  /** The response has been written completely. */
  finished(): void {
    this.#complete('complete');
  }

  cancelled(status: number | undefined): void {
    this.#call?.abort();
    if (status !== undefined) this.#status = status;
    this.#complete(this.#exchange.context.stopping ? 'shutdown' : 'client-gone');
  }

  lasting(): void {
    // An upgrade is on its way to be a tunnel, of which the verdict hears then.
    if (!this.#exchange.head.upgrade) this.#tell();
  }

  // What the verdict may do with a response that lasts.

  get eventStream(): boolean {
    return this.#eventStream;
  }

  cut(reason: string, instead: () => Reply): void {
    const exchange = this.#exchange;
    if (this.#completed || exchange.over) return;
    this.#call?.abort();
    this.#cutBy = reason;
    if (!exchange.headSent) return this.#replaceBy(instead());
    this.#complete('shutdown');
    exchange.cut();
  }

  // The answer.

  continue_(): void {
    this.#exchange.continue();
  }

  informational(status: number, fields: Fields): void {
    const { connection, over, headSent, line } = this.#exchange;
    // HTTP/1.0 knows no interim answers (RFC 9110, 15.2).
    if (over || headSent || line.minor === 0) return;
    try {
      connection.out.add(interimHead(status, this.#permitted(fields, status)));
    } catch (error) {
      return this.#broken(error);
    }
    connection.out.flush();
  }

  head(head: StatusLine, relayed: RelayedHead): void {
    const exchange = this.#exchange;
    if (exchange.over) return;
    const { connection, context, line } = exchange;
    if (head.body.kind !== 'length' && head.body.kind !== 'none' && isEventStream(head.fields)) {
      this.#eventStream = true;
      const instead = this.#tell();
      if (this.#completed) return;
      if (instead !== undefined) {
        this.#call?.abort();
        return this.#replaceBy(instead);
      }
    }
    exchange.decideClosing();
    if (!this.#uploaded) connection.awaitNothing();
    const { body, status } = head;
    const delimited = body.kind === 'none' || body.kind === 'length' || !hasContent(line.method, status);
    const framing = delimited ? 'as-received' : line.minor === 0 ? 'until-close' : 'chunked';
    this.#chunked = framing === 'chunked';
    const { responseFields: extra, upstreamFields: filter, asReceived } = this.#verdict;
    const close = exchange.closes;
    // Nothing but head and filter decides about the text then: HTTP/1.0, which is framed otherwise, always closes.
    const usual = !close;
    let text = usual ? relayed.recall(head, filter) : undefined;
    try {
      if (text === undefined) {
        const fields = this.#permitted(head.fields, status);
        const permitted = fields === head.fields ? head : { ...head, fields };
        text = responseHead({
          head: permitted,
          framing,
          close,
          date: asReceived === true ? '' : context.dateLine(),
        });
        if (usual && singleField(fields, 'date') !== undefined) relayed.keep(head, filter, text);
      }
      if (extra.length > 0) text = withFields(text, extra);
    } catch (error) {
      return this.#broken(error);
    }
    this.#status = status;
    exchange.headSent = true;
    connection.out.add(text);
    if (this.#verdict.tap !== undefined) this.#openTap(head);
  }

  data(chunk: Buffer): boolean {
    const { out } = this.#exchange.connection;
    this.#bytesToClient += chunk.length;
    this.#tap?.add(chunk);
    const free = this.#chunked ? out.chunk(chunk) : out.content(chunk);
    this.#mindTheClient();
    return free;
  }

  trailers(fields: Fields): void {
    if (this.#chunked) this.#trailers = passableTrailers(fields);
  }

  end(): void {
    const exchange = this.#exchange;
    if (this.#chunked) exchange.connection.out.add(lastChunk(this.#trailers));
    if (this.#tap !== undefined) {
      exchange.connection.out.flush();
      this.#tap.show();
    }
    exchange.finish();
  }

  flush(): void {
    this.#exchange.connection.out.flush();
    this.#tap?.show();
    this.#mindTheClient();
  }

  failed(failure: UpstreamFailure, answered: boolean): void {
    const exchange = this.#exchange;
    if (answered || exchange.headSent) {
      this.#complete('upstream-failed', failure);
      return exchange.cut();
    }
    const reply = exchange.context.handler.upstreamFailed(exchange.head, failure, this.#verdict);
    this.#status = reply.status;
    this.#complete('upstream-failed', failure);
    exchange.reply(reply);
  }

  drain(): void {
    const { connection } = this.#exchange;
    if (this.#completed) return;
    if (this.#held !== undefined) return this.#sendHeld();
    if (!this.#exchange.headSent) connection.awaitContent();
    connection.takeContent();
  }

  upgraded(head: StatusLine, socket: Socket, rest: Buffer): void {
    const exchange = this.#exchange;
    if (exchange.over) return void socket.destroy();
    let text: string;
    try {
      text = switchingHead(this.#permitted(head.fields, head.status), this.#verdict.responseFields);
    } catch (error) {
      socket.destroy();
      return this.#broken(error);
    }
    this.#completed = true;
    const client = exchange.connection.socket;
    const clientRest = exchange.release();
    client.write(text, 'latin1');
    const parts = { client, clientRest, upstream: socket, upstreamRest: rest, startedAt: this.#startedAt };
    openTunnel(parts, exchange.context, this.#verdict);
  }

  #openTap({ status, fields }: StatusLine): void {
    const { context } = this.#exchange;
    report(context, () => {
      const tap = this.#verdict.tap?.(status, fields);
      if (tap !== undefined) this.#tap = new ResponseTap(context, tap);
    });
  }

  #tell(): Reply | undefined {
    const verdict = this.#verdict;
    if (this.#told || this.#completed || verdict.lasts === undefined) return undefined;
    this.#told = true;
    let instead: Reply | undefined;
    report(this.#exchange.context, () => {
      instead = verdict.lasts?.(this);
    });
    return instead;
  }

  /** The client gets this, and not what the upstream says. */
  #replaceBy(reply: Reply): void {
    this.#status = reply.status;
    this.#complete('shutdown');
    this.#exchange.reply(reply);
  }

  #permitted(fields: Fields, status: number): Fields {
    return this.#verdict.upstreamFields?.(fields, status) ?? fields;
  }

  /** Reads no faster from the upstream than the client takes. */
  #mindTheClient(): void {
    if (this.#paused || !this.#exchange.connection.out.full) return;
    this.#paused = true;
    this.#call?.pauseResponse();
  }

  /** A bug of ours or of the handler. */
  #broken(error: unknown): void {
    this.#call?.abort();
    this.#status = 500;
    this.#complete('upstream-failed', UNCARRIABLE);
    this.#exchange.broken(error);
  }

  #complete(end: Completion['end'], failure?: UpstreamFailure): void {
    if (this.#completed) return;
    this.#completed = true;
    this.#letGo();
    this.#tap?.end(end);
    const verdict = this.#verdict;
    if (verdict.ended === undefined) return;
    const completion: Completion = {
      status: this.#status,
      durationMs: performance.now() - this.#startedAt,
      bytesToClient: this.#bytesToClient,
      bytesToUpstream: this.#bytesToUpstream,
      end,
      failure,
      closedBy: this.#cutBy,
    };
    report(this.#exchange.context, () => verdict.ended?.(completion));
  }
}

/** Whether this is what `EventSource` reads (HTML, 9.2.5). Asked only of answers without a length: a stream has none. */
function isEventStream(fields: Fields): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name.length === 12 && name.toLowerCase() === 'content-type')
      return /^text\/event-stream(?:[\t ;]|$)/i.test(fields[i + 1] as string);
  }
  return false;
}
