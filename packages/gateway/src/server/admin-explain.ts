/**
 * `POST /api/explain` on the admin listener: `cardea explain` for programs.
 *
 * @module
 */
import { Turnstile } from '../auth/turnstile.ts';
import type { Secret } from '../core/secret.ts';
import type { RequestHead, Verdict } from '../wire/http.ts';
import { refusedAdmin, refusedJson } from './admin-access.ts';
import { readTexts } from './endpoints/texts.ts';
import { jsonReply, toResponse } from './replies.ts';

export interface AdminExplainParts {
  /** What asks from elsewhere must show; without it nobody else is answered. */
  readonly token: Secret | undefined;
  /** Names that a question may have. */
  readonly names: readonly string[];
  /** A string says what is not understood. */
  readonly explain: (question: ReadonlyMap<string, string>) => Promise<object | string>;
}

export const explainPath = '/api/explain';

const maxQuestion = 16 * 1024;
/** Each may ask the directory, over a connection of its own. */
const atOnce = 2;
const mayWait = 8;

/** Answers questions at `explainPath`. */
export class AdminExplain {
  readonly #parts: AdminExplainParts;
  readonly #turnstile = new Turnstile(atOnce, mayWait);

  constructor(parts: AdminExplainParts) {
    this.#parts = parts;
  }

  decide(head: RequestHead): Verdict {
    if (head.method !== 'POST') return refusedJson(405, 'method-not-allowed', 'Send POST', ['Allow', 'POST']);
    const refused = refusedAdmin(head, this.#parts.token);
    if (refused !== undefined) return refused;
    return { kind: 'endpoint', maxBody: maxQuestion, handle: (request) => this.#answer(request) };
  }

  async #answer(request: Request): Promise<Response> {
    const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/json') return answered(415, 'bad-request', 'Send JSON (Content-Type: application/json)');
    const read = await readTexts(request, this.#parts.names);
    if (read.kind === 'wrong') return answered(read.status, 'bad-request', read.message);
    const turn = await this.#turnstile.run(() => this.#parts.explain(read.texts));
    if (turn === undefined) return answered(503, 'busy', 'Too many questions are being answered: try again');
    const { value } = turn;
    if (typeof value === 'string') return answered(400, 'not-understood', value);
    return Response.json(value, { headers: { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } });
  }
}

const answered = (status: number, error: string, message: string): Response =>
  toResponse(jsonReply(status, { error, message, requestId: undefined }));
