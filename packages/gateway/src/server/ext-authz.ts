/**
 * Envoy's external authorization (`envoy.service.auth.v3.Authorization`): the same core as `<prefix>/validate`, asked over gRPC.
 * What carries the messages is elsewhere (`grpc-listener.ts`).
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { type CheckRefusal, type CheckRequest, checkedRequest, type HeadLimits } from '../wire/ext-authz-question.ts';
import type { Fields } from '../wire/fields.ts';
import type { Connection, RequestHead } from '../wire/http.ts';
import { problem } from './answers.ts';
import { type CheckResponse, deniedAnswer, okAnswer } from './ext-authz-answer.ts';
import type { Judgement } from './forward-auth.ts';
import type { Judge } from './forward-auth-endpoint.ts';
import type { Recorder } from './recorder.ts';

export interface ExtAuthzParts {
  readonly judge: Judge;
  readonly recorder: Pick<Recorder, 'badRequest'>;
  readonly limits: HeadLimits;
}

/** Answers the checks of an Envoy that may ask; whether this one may is the listener's to know. */
export class ExtAuthz {
  readonly #parts: ExtAuthzParts;

  constructor(parts: ExtAuthzParts) {
    this.#parts = parts;
  }

  check(request: CheckRequest, connection: Connection): CheckResponse | Promise<CheckResponse> {
    const question = checkedRequest(request, connection, this.#parts.limits);
    if (question.kind === 'refused') return this.#refuse(asFarAsKnown(request, connection), question.reason);
    const { original } = question;
    const judgement = this.#parts.judge(original, { keepsTarget: false });
    return judgement instanceof Promise
      ? judgement.then((found) => this.#answerOf(found, original))
      : this.#answerOf(judgement, original);
  }

  #answerOf(judgement: Judgement, original: RequestHead): CheckResponse {
    if (!judgement.allow) return deniedAnswer(judgement.reply);
    return okAnswer(judgement, original) ?? this.#refuse(original, 'forward-auth-field-malformed');
  }

  /** The proxy's configuration is at fault, or a client that has sent what cannot be told in one way. */
  #refuse(head: RequestHead, reason: CheckRefusal): CheckResponse {
    const requestId = randomUUID();
    this.#parts.recorder.badRequest(head, requestId, reason);
    const detail = `The request was refused: ${reason}`;
    const status = reason === 'forward-auth-too-large' ? 431 : 400;
    return deniedAnswer(problem({ audience: 'program', requestId }, status, 'bad-request', { detail }));
  }
}

/** For the audit log: what a question that is refused seems to be about. */
function asFarAsKnown({ attributes }: CheckRequest, connection: Connection): RequestHead {
  const { method = '', path = '', host = '' } = attributes?.request?.http ?? {};
  const fields: Fields = ['Host', host];
  return { method, target: path, fields, connection, upgrade: false };
}
