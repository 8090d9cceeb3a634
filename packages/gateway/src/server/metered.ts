import type { UsageRecord } from '../ports/usage.ts';
import { type UsageRead, type UsageReader, usageReader } from '../usage/reader.ts';
import { type Fields, fieldValues } from '../wire/fields.ts';
import type { Completion, Tap } from '../wire/http.ts';
import type { Leases } from './leases.ts';

/** Follows a request that counts, on its way to the app and back. */
export interface Meter {
  /** What its answer tells of the limits. */
  readonly responseFields: Fields;
  /** As in `Forward`. */
  tap(status: number, fields: Fields): Tap;
  /** We have answered in the place of the app, for this reason. */
  refused(reason: string): void;
  /** To be called once, when it is over, however it ended. */
  ended(completion: Completion): void;
}

/** A request with its place among those in progress. */
export interface MeteredParts {
  readonly leases: Leases;
  readonly lease: string;
  readonly leaseMs: number;
  readonly responseFields: Fields;
  /** Tokens that the prompt may have; `undefined`: it was not read. */
  readonly promptTokens: number | undefined;
  /** When the request came, and what time it is. */
  readonly since: number;
  readonly now: () => number;
  /** Writes the record, once. */
  readonly note: (rest: UsageOutcome, refusal: string | undefined) => void;
}

/** What is known of a request when it is over. */
export type UsageOutcome = Pick<
  UsageRecord,
  'status' | 'tokensIn' | 'tokensOut' | 'estimated' | 'firstTokenMs' | 'durationMs' | 'bytesIn' | 'bytesOut'
>;

interface Settled {
  readonly outcome: UsageOutcome;
  readonly tokens: number | undefined;
}

/** Reads from the answer what it has cost, and then gives the place back and writes that down. */
export class Metered implements Meter {
  readonly responseFields: Fields;
  readonly #parts: MeteredParts;
  #reader: UsageReader | undefined;
  #refusal: string | undefined;

  constructor(parts: MeteredParts) {
    this.#parts = parts;
    this.responseFields = parts.responseFields;
  }

  tap(_status: number, fields: Fields): Tap {
    const reader = usageReader({
      contentType: fieldValues(fields, 'content-type').join(', '),
      contentEncoding: fieldValues(fields, 'content-encoding').join(', '),
    });
    this.#reader = reader;
    const { now } = this.#parts;
    return { content: (bytes) => reader.push(bytes, now()), end: () => {} };
  }

  refused(reason: string): void {
    this.#refusal = reason;
  }

  ended(completion: Completion): void {
    const { leases, lease, leaseMs, note } = this.#parts;
    const read = this.#reader?.end();
    // The place is given back first, whatever becomes of the rest.
    if (read === undefined) {
      const { outcome, tokens } = this.#settle(completion, undefined);
      leases.release(lease, leaseMs, { tokens });
      return note(outcome, this.#refusal);
    }
    const settled = read.then((known) => this.#settle(completion, known));
    leases.release(lease, leaseMs, settled);
    void settled.then(({ outcome }) => note(outcome, this.#refusal));
  }

  /** What is written down of it, and how many tokens that are. */
  #settle(completion: Completion, read: UsageRead | undefined): Settled {
    const { since, promptTokens } = this.#parts;
    const { durationMs, bytesToUpstream: bytesIn, bytesToClient: bytesOut } = completion;
    // Nothing is counted for what has failed: an answer that tells tokens all the same tells the truth.
    const failed = completion.status >= 400 && completion.status !== clientGone;
    const counted = read?.estimated === true || (completion.status === clientGone && read === undefined);
    const tokensIn = read?.tokensIn ?? (counted ? promptTokens : undefined);
    const tokensOut = read?.tokensOut;
    const outcome = {
      status: completion.status === clientGone ? undefined : completion.status,
      tokensIn,
      tokensOut,
      estimated: counted && (tokensIn ?? tokensOut) !== undefined,
      firstTokenMs: read?.firstContentAt === undefined ? undefined : Math.max(0, read.firstContentAt - since),
      durationMs: Math.round(durationMs),
      bytesIn,
      bytesOut,
    };
    const known = (tokensIn ?? tokensOut) === undefined ? undefined : (tokensIn ?? 0) + (tokensOut ?? 0);
    return { outcome, tokens: known ?? (failed ? 0 : undefined) };
  }
}

/** The status in a completion when the client has left before there was an answer. */
export const clientGone = 499;
