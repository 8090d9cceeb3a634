/**
 * `POST /api/explain` on the admin listener: `cardea explain` for programs. The listener knows no person, so this asks for a
 * token, or for somebody on this machine; and never for a browser, whose pages come from anywhere.
 *
 * @module
 */
import { Turnstile } from '../auth/turnstile.ts';
import type { Secret } from '../core/secret.ts';
import { cidrMatcher } from '../wire/cidr.ts';
import { fieldValues, singleField } from '../wire/fields.ts';
import type { RequestHead, Verdict } from '../wire/http.ts';
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
    if (head.method !== 'POST') return refused(405, 'method-not-allowed', 'Send POST', ['Allow', 'POST']);
    if (isBrowser(head)) return refused(403, 'not-allowed', 'No browser is answered here');
    if (!this.#mayAsk(head))
      return refused(
        403,
        'not-allowed',
        'Ask from this machine, or send the token of admin.token: Authorization: Bearer …',
      );
    return { kind: 'endpoint', maxBody: maxQuestion, handle: (request) => this.#answer(request) };
  }

  #mayAsk({ fields, connection }: RequestHead): boolean {
    const { token } = this.#parts;
    const authorization = singleField(fields, 'authorization');
    if (authorization === 'ambiguous') return false;
    // Whoever shows a token shows the right one.
    if (authorization !== undefined)
      return token !== undefined && token.equals(authorization.value.replace(/^bearer +/i, ''));
    // A proxy on this machine speaks for people elsewhere.
    const carried = proxyFields.some((name) => fieldValues(fields, name).length > 0);
    return token === undefined && !carried && isLoopback(connection.remoteAddress);
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

const isLoopback = cidrMatcher(['127.0.0.0/8', '::1/128']);
const proxyFields = ['forwarded', 'x-forwarded-for', 'via', 'x-real-ip'];

/** Browsers send one of these with every POST. */
const isBrowser = ({ fields }: RequestHead): boolean =>
  ['origin', 'sec-fetch-site'].some((name) => fieldValues(fields, name).length > 0);

const refused = (status: number, error: string, message: string, extra: readonly string[] = []): Verdict => ({
  kind: 'reply',
  reply: jsonReply(status, { error, message, requestId: undefined }, extra),
});

const answered = (status: number, error: string, message: string): Response =>
  toResponse(jsonReply(status, { error, message, requestId: undefined }));
