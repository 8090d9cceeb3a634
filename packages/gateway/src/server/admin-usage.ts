/**
 * `GET /api/usage` on the admin listener: `cardea usage` for programs.
 *
 * @module
 */
import { Turnstile } from '../auth/turnstile.ts';
import type { Secret } from '../core/secret.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { RequestHead, Verdict } from '../wire/http.ts';
import { refusedAdmin, refusedJson } from './admin-access.ts';

export interface AdminUsageParts {
  /** What asks from elsewhere must show; without it nobody else is answered. */
  readonly token: Secret | undefined;
  /** Names that a question may have. */
  readonly names: readonly string[];
  /** A string says what is not understood. `undefined` when no usage is kept. */
  readonly answer: ((question: ReadonlyMap<string, string>) => Promise<object | string>) | undefined;
}

export const usagePath = '/api/usage';

/** Sums over many records are work. */
const atOnce = 1;
const mayWait = 4;

/** Answers questions at `usagePath`. */
export class AdminUsage {
  readonly #parts: AdminUsageParts;
  readonly #turnstile = new Turnstile(atOnce, mayWait);

  constructor(parts: AdminUsageParts) {
    this.#parts = parts;
  }

  async decide(head: RequestHead): Promise<Verdict> {
    if (head.method !== 'GET') return refusedJson(405, 'method-not-allowed', 'Send GET', ['Allow', 'GET']);
    const refused = refusedAdmin(head, this.#parts.token);
    if (refused !== undefined) return refused;
    const { answer } = this.#parts;
    if (answer === undefined)
      return refusedJson(404, 'not-kept', 'No usage is kept: usage is false in the configuration');
    const question = this.#read(head.target);
    if (typeof question === 'string') return refusedJson(400, 'bad-request', question);
    try {
      const turn = await this.#turnstile.run(() => answer(question));
      if (turn === undefined) return refusedJson(503, 'busy', 'Too many questions are being answered: try again');
      const { value } = turn;
      return typeof value === 'string' ? refusedJson(400, 'not-understood', value) : answered(value);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return refusedJson(503, 'unavailable', error.message);
    }
  }

  /** A string says what is wrong. */
  #read(target: string): ReadonlyMap<string, string> | string {
    const { names } = this.#parts;
    const mark = target.indexOf('?');
    const texts = new Map<string, string>();
    for (const [name, value] of new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1))) {
      if (!names.includes(name)) return `A name is unknown. Known are: ${names.join(', ')}`;
      if (texts.has(name)) return `${name} occurs twice`;
      texts.set(name, value);
    }
    return texts;
  }
}

const answered = (value: object): Verdict => ({
  kind: 'reply',
  reply: {
    status: 200,
    fields: ['Content-Type', 'application/json', 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'],
    body: `${JSON.stringify(value)}\n`,
  },
});
