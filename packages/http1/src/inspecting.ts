import type { Inspection, Judgement, Reply } from './exchange.ts';
import type { Fields } from './fields.ts';
import { HeldContent, type Room } from './held-content.ts';
import { report } from './report.ts';
import { CLIENT_CLOSED_REQUEST } from './outgoing-head.ts';
import type { Exchange, Work } from './server-exchange.ts';

/** Carries out an `inspect`: reads the content, has it judged, and hands it on with the judgement. */
export class Inspecting implements Work {
  readonly #exchange: Exchange;
  readonly #inspection: Inspection;
  readonly #held: HeldContent;
  readonly #room: Room;
  /** It has been judged, refused or abandoned: the inspection hears nothing more. */
  #over = false;

  constructor(exchange: Exchange, inspection: Inspection) {
    const { context, line } = exchange;
    this.#exchange = exchange;
    this.#inspection = inspection;
    const announced = line.body.kind === 'length' ? line.body.length : undefined;
    this.#room = context.contentRoom.of(inspection.holder, inspection.maxBytes);
    this.#held = new HeldContent(this.#room, inspection.maxBytes, announced);
  }

  start(): void {
    const { hasContent, line, connection } = this.#exchange;
    if (!hasContent) return this.#judge();
    if (line.body.kind === 'length') {
      // Not to be sent for nothing.
      if (line.body.length > this.#inspection.maxBytes) return this.#refuse('too-large');
      if (!this.#room.has(line.body.length)) return this.#refuse('no-room');
    }
    this.#exchange.continue();
    connection.awaitContent();
  }

  content(chunk: Buffer): void {
    if (this.#over) return;
    const added = this.#held.add(chunk);
    if (added !== 'held') this.#refuse(added);
  }

  contentEnd(trailers: Fields): void {
    if (this.#over) return;
    this.#held.trailers = trailers;
    this.#judge();
  }

  drained(): void {}

  stalled(): void {
    this.#exchange.giveUp(408, 'The content did not come in time');
  }

  finished(): void {}

  cancelled(status = CLIENT_CLOSED_REQUEST): void {
    this.#held.release();
    if (this.#over) return;
    this.#over = true;
    report(this.#exchange.context, () => this.#inspection.abandoned?.(status));
  }

  #judge(): void {
    this.#over = true;
    let judgement: Judgement | Promise<Judgement>;
    try {
      judgement = this.#inspection.judge(this.#held.bytes);
    } catch (error) {
      return this.#broken(error);
    }
    if (!(judgement instanceof Promise)) return this.#goOn(judgement);
    judgement.then(
      (settled) => this.#goOn(settled),
      (error: unknown) => this.#broken(error),
    );
  }

  #goOn(judgement: Judgement): void {
    const exchange = this.#exchange;
    if (judgement.kind === 'reply' || exchange.over) this.#held.release();
    exchange.judged(judgement, exchange.hasContent ? this.#held : undefined);
  }

  #refuse(why: 'too-large' | 'no-room'): void {
    this.#over = true;
    let reply: Reply;
    try {
      reply = this.#inspection.refuse(why);
    } catch (error) {
      return this.#broken(error);
    }
    this.#exchange.reply(reply);
  }

  #broken(error: unknown): void {
    this.#held.release();
    this.#exchange.broken(error);
  }
}
