import { serveEndpoint } from './endpoint.ts';
import type { EngineContext } from './engine-context.ts';
import type { Client, Judgement, Reply, RequestHead, Verdict } from './exchange.ts';
import type { Fields } from './fields.ts';
import { Forwarding } from './forwarding.ts';
import type { RequestLine } from './head.ts';
import type { HeldContent } from './held-content.ts';
import { Inspecting } from './inspecting.ts';
import { CONTINUE } from './outgoing-head.ts';
import { replyText } from './reply-writer.ts';
import type { ClientConnection } from './server-connection.ts';
import type { Waiting } from './turn.ts';
import { isUpgrade } from './websocket-handshake.ts';

/** Looks at the connections must add up to this before a request counts as one that lasts: it is a second old, or two. */
const LASTING_MS = 2_000;

/** What carries a verdict out. */
export interface Work {
  /** Content of the request. The memory stays as it is. */
  content(chunk: Buffer): void;
  /** The request is complete. Called only for a request with content. */
  contentEnd(trailers: Fields): void;
  /** The client takes more. */
  drained(): void;
  /** Nothing more has come for too long. */
  stalled(): void;
  /** It has been under way for a while. */
  lasting?(): void;
  /** The response has been written completely. */
  finished(): void;
  /** The exchange ends before its response; `status`, if another one was sent in its place. */
  cancelled(status: number | undefined): void;
}

/** One request and its answer: asks for a verdict, has it carried out, and ends exactly once. */
export class Exchange implements Client, Waiting {
  readonly context: EngineContext;
  readonly connection: ClientConnection;
  readonly line: RequestLine;
  readonly head: RequestHead;
  /** The request has content that is not empty. */
  readonly hasContent: boolean;
  /** The head of the final answer has been written. */
  headSent = false;
  #continued = false;
  #work: Work | undefined;
  #gone: AbortController | undefined;
  #over = false;
  /** The response is complete and waits to be written. */
  #finishing = false;
  /** What the looks at it add up to. A request that is answered at once is never looked at, and pays nothing. */
  #lookedMs = 0;
  #closing: boolean;

  constructor(context: EngineContext, connection: ClientConnection, line: RequestLine) {
    const { method, target, fields, body, hasUpgrade, minor, keepAlive } = line;
    this.context = context;
    this.connection = connection;
    this.line = line;
    this.hasContent = body.kind === 'length' ? body.length > 0 : body.kind !== 'none';
    const upgrade = hasUpgrade && isUpgrade(fields, method);
    this.head = { method, target, fields, connection, upgrade };
    // Where another protocol is asked for beside content, others have been wrong about where the content ends.
    this.#closing = !keepAlive || minor === 0 || (hasUpgrade && this.hasContent);
  }

  /** The response must say that the connection closes, and close it. */
  get closes(): boolean {
    return this.#closing || this.context.draining;
  }

  /** The response is written, or the client has gone, or its request is not to be answered any more. */
  get over(): boolean {
    return this.#over;
  }

  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      this.#gone = new AbortController();
      if (this.#over) this.#gone.abort();
    }
    return this.#gone.signal;
  }

  /** The client still waits for the 100 before it sends content. */
  get awaitsContinue(): boolean {
    return this.line.expectContinue && !this.#continued && !this.connection.requestRead;
  }

  start(): void {
    const { context, line } = this;
    if (line.method === 'CONNECT') return this.refuse(405, 'CONNECT is not supported');
    let verdict: Verdict | Promise<Verdict>;
    try {
      verdict = context.handler.decide(this.head, this);
    } catch (error) {
      return this.broken(error);
    }
    if (!(verdict instanceof Promise)) return this.#carryOut(verdict);
    if (this.hasContent) this.connection.holdContent();
    verdict.then(
      (settled) => this.#carryOut(settled),
      (error: unknown) => this.broken(error),
    );
  }

  content(chunk: Buffer): void {
    if (!this.#over) this.#work?.content(chunk);
  }

  contentEnd(trailers: Fields): void {
    if (this.hasContent) this.#work?.contentEnd(trailers);
  }

  drained(): void {
    this.#work?.drained();
  }

  stalled(): void {
    if (this.#work === undefined) this.giveUp(408, 'The content did not come in time');
    else this.#work.stalled();
  }

  /** Called `everyMs`, for as long as it is under way. */
  look(everyMs: number): void {
    const work = this.#work;
    if (work === undefined || this.#lookedMs >= LASTING_MS) return;
    this.#lookedMs += everyMs;
    if (this.#lookedMs >= LASTING_MS && !this.#over) work.lasting?.();
  }

  /** Says 100 to a client that waits for it. */
  continue(): void {
    if (!this.awaitsContinue || this.#over || this.headSent) return;
    this.#continued = true;
    this.connection.out.add(CONTINUE);
    this.connection.out.flush();
  }

  /** Answers with a whole reply. A client that is still sending may finish, on a connection that stays open. */
  reply(reply: Reply): void {
    if (this.#over) return;
    this.decideClosing(reply.close === true);
    const { connection, context, line } = this;
    if (this.closes && this.hasContent && !connection.requestRead) return this.#lastWords(reply);
    let text: string;
    try {
      text = replyText(reply, { method: line.method, close: this.closes, date: context.dateLine() });
    } catch (error) {
      context.onError('A reply could not be sent', error);
      return connection.cancel();
    }
    this.headSent = true;
    connection.out.add(text);
    this.finish();
  }

  /** Must be called before the head of an answer is made: whether this one closes the connection. */
  decideClosing(wanted = false): void {
    // Whether the content still comes is not known then (RFC 9110, 10.1.1).
    if (wanted || this.awaitsContinue) this.#closing = true;
  }

  /** Refuses a request that breaks HTTP or a limit; nothing after it is read. */
  refuse(status: number, detail: string): void {
    if (!this.#over) this.#lastWords(this.context.handler.badRequest(status, detail));
  }

  /** The client broke HTTP or a limit in the middle of its content. */
  giveUp(status: number, detail: string): void {
    if (this.#over) return;
    if (this.headSent) return this.connection.cancel();
    const reply = this.context.handler.badRequest(status, detail);
    this.cancel(status);
    this.connection.lastWords(reply);
  }

  /** Answers 500 for a bug of ours, or cuts what has already begun. */
  broken(error: unknown): void {
    this.context.onError('A request could not be carried out', error);
    if (this.headSent) this.cut();
    else this.reply({ ...this.context.handler.badRequest(500, 'Internal error'), close: true });
  }

  /** Ends the connection so that nobody takes what was sent for a complete response. */
  cut(): void {
    const { socket, tls } = this.connection;
    this.connection.out.flush();
    // Without length and chunks the end of the connection is the end of the content: only a reset tells (RFC 9112, 8).
    if (this.line.minor === 0 && !tls) socket.resetAndDestroy();
    else socket.destroy();
  }

  /** All of the response has been given to the outbox. */
  finish(): void {
    // Where the client is still sending, the sooner it knows the better.
    if (!this.connection.requestRead) return this.#finish();
    this.#finishing = true;
    this.context.turn.add(this);
  }

  /** Writes a response that waits for the end of the turn. */
  write(): void {
    if (!this.#finishing) return;
    this.#finishing = false;
    if (!this.#over) this.#finish();
  }

  #finish(): void {
    const { out, socket } = this.connection;
    out.flush();
    // A client that is gone has not got it; the `close` of its connection will cancel.
    if (socket.destroyed) return;
    if (out.empty) this.#finished();
    else this.connection.whenWritten(() => this.#finished());
  }

  /** Ends without an answer: nothing will be sent any more, or something else was, with `status`. */
  cancel(status?: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#work?.cancelled(status);
    this.#gone?.abort();
  }

  /** Goes on as the content was judged; `held` is that content. */
  judged(judgement: Judgement, held: HeldContent | undefined): void {
    // A request counts as one that lasts from here on: before, there was nobody to be told.
    this.#lookedMs = 0;
    this.#carryOut(judgement, held);
  }

  /** Hands the connection over to a tunnel; gives what the client has sent behind its request. */
  release(): Buffer {
    this.#over = true;
    this.#work = undefined;
    return this.connection.release();
  }

  #carryOut(verdict: Verdict, held?: HeldContent): void {
    switch (verdict.kind) {
      case 'reply':
        return this.reply(verdict.reply);
      case 'endpoint':
        if (this.#over) return;
        this.#work = serveEndpoint(this, verdict);
        break;
      case 'inspect': {
        const inspecting = new Inspecting(this, verdict);
        this.#work = inspecting;
        if (this.#over) return inspecting.cancelled();
        inspecting.start();
        break;
      }
      case 'forward': {
        const forwarding = new Forwarding(this, verdict, held);
        this.#work = forwarding;
        if (this.#over) return forwarding.cancelled(undefined);
        forwarding.start();
      }
    }
    if (this.hasContent && !this.#over) this.connection.takeContent();
  }

  #finished(): void {
    if (this.#over) return;
    this.#over = true;
    this.#work?.finished();
    this.connection.answered(this);
  }

  #lastWords(reply: Reply): void {
    this.cancel(reply.status);
    this.connection.lastWords(reply);
  }
}
