/**
 * `<prefix>/validate`: any proxy asks here whether a request may pass, and who it is.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { FieldStripper } from '../wire/field-names.ts';
import type { Fields } from '../wire/fields.ts';
import type { Reply, RequestHead, Verdict } from '../wire/http.ts';
import { problem } from './answers.ts';
import type { Judgement } from './forward-auth.ts';
import { answerOf } from './forward-auth-answer.ts';
import { type Dialect, originalRequest, type QuestionRefusal } from '../wire/forward-auth-question.ts';
import type { Recorder } from './recorder.ts';

/** One kind of proxy that may ask. */
export interface Asker {
  readonly dialect: Dialect;
  /** Whether the peer is such a proxy. */
  readonly matches: (address: string) => boolean;
}

export interface ForwardAuthParts {
  /** The first one that matches a peer counts. */
  readonly askers: readonly Asker[];
  readonly prefix: string;
  /** Finds fields that no client may send. */
  readonly forged: FieldStripper;
  readonly recorder: Recorder;
}

/** What the pipeline does with the request that a question is about. */
export type Judge = (original: RequestHead, how: { readonly keepsTarget: boolean }) => Judgement | Promise<Judgement>;

/** Answers the questions of proxies. */
export class ForwardAuth {
  readonly #parts: ForwardAuthParts;
  readonly #path: string;
  /** Of fields that the engine gives again, which it does when a connection repeats them. */
  readonly #known = new WeakMap<Fields, { readonly head: RequestHead; readonly original: RequestHead }>();

  constructor(parts: ForwardAuthParts) {
    this.#parts = parts;
    this.#path = `${parts.prefix}/validate`;
  }

  /** The answer to a question; `undefined` for every other request. */
  answer(head: RequestHead, judge: Judge): Verdict | Promise<Verdict> | undefined {
    // By its bytes: what only amounts to this path is somebody's attempt to get a question past the proxy's own rules.
    if (!head.target.startsWith(this.#path)) return undefined;
    const next = head.target[this.#path.length];
    if (next !== undefined && next !== '/' && next !== '?') return undefined;
    const { remoteAddress } = head.connection;
    const asker = this.#parts.askers.find(({ matches }) => matches(remoteAddress));
    if (asker === undefined) return replied(this.#refuseStranger(head));
    const { dialect } = asker;
    // `/auth/validate/../me` is `/auth/me` to a proxy that keeps `/auth/validate` from its clients, and passes the bytes on.
    if ((next === '/') !== (dialect.target === undefined)) return undefined;
    const question = this.#original(head, dialect);
    if (question.kind === 'refused') return replied(this.#refuse(head, dialect, question.reason));
    const { original } = question;
    const judgement = judge(original, { keepsTarget: !dialect.retargets });
    const { prefix } = this.#parts;
    return judgement instanceof Promise
      ? judgement.then((found) => replied(answerOf(found, original, dialect, prefix)))
      : replied(answerOf(judgement, original, dialect, prefix));
  }

  #original(head: RequestHead, dialect: Dialect): ReturnType<typeof originalRequest> {
    const before = this.#known.get(head.fields);
    if (before !== undefined && before.head.connection === head.connection && isSameLine(before.head, head, dialect))
      return { kind: 'ok', original: before.original };
    const question = originalRequest(head, dialect, this.#path, this.#parts.forged);
    if (question.kind === 'ok') this.#known.set(head.fields, { head, original: question.original });
    return question;
  }

  #refuseStranger(head: RequestHead): Reply {
    const requestId = randomUUID();
    this.#parts.recorder.badRequest(head, requestId, 'forward-auth-peer');
    return problem({ audience: 'program', requestId }, 404, 'not-found');
  }

  /** The proxy's configuration is at fault, or a client that has sent what no client may send. */
  #refuse(head: RequestHead, { statusOnly }: Dialect, reason: QuestionRefusal): Reply {
    const requestId = randomUUID();
    this.#parts.recorder.badRequest(head, requestId, reason);
    const detail = `The request was refused: ${reason}`;
    const reply = problem({ audience: 'program', requestId }, 400, 'bad-request', { detail });
    return statusOnly
      ? { status: 403, fields: ['X-Cardea-Status', '400', 'Cache-Control', 'no-store'], body: '' }
      : reply;
  }
}

/** Whether a question that repeats the fields of another is about the same request. */
const isSameLine = (before: RequestHead, head: RequestHead, { method, target }: Dialect): boolean =>
  (method !== undefined || before.method === head.method) && (target !== undefined || before.target === head.target);

const replied = (reply: Reply): Verdict => ({ kind: 'reply', reply });
