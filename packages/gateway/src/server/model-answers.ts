/**
 * What apps with limits answer instead of the app: JSON as clients of the OpenAI API understand it, whatever has asked.
 *
 * @module
 */
import { refusalAnswer } from '../limits/rate-limit-fields.ts';
import type { LimitRefusal } from '../ports/limiter.ts';
import type { Fields } from '../wire/fields.ts';
import type { Reply, Verdict } from '../wire/http.ts';
import { isModelName } from '../usage/model-request.ts';
import { isObject } from '../usage/told.ts';
import type { ProgramError } from './replies.ts';

/** What an answer says in the place of the app's. */
export interface AnswerWords {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** The member of the request that is meant. */
  readonly param?: string;
  readonly type?: string;
  readonly fields?: Fields;
}

/** Later is better. Their clients try again by themselves after a 503. */
const later: Fields = ['Retry-After', '5'];

/** An answer in the form that clients of the OpenAI API show to their users. */
export function modelAnswer(requestId: string, words: AnswerWords, extra: Fields = []): Reply {
  const { status, code, message, param, type = 'invalid_request_error', fields = [] } = words;
  const error = { message, type, param: param ?? null, code, request_id: requestId };
  return {
    status,
    fields: ['Content-Type', 'application/json', 'Cache-Control', 'no-store', ...fields, ...extra],
    body: `${JSON.stringify({ error })}\n`,
  };
}

/** An answer of ours for programs, in the form that clients of the OpenAI API show; what is for people stays as it is. */
export function inModelForm(reply: Reply): Reply {
  const answer = programErrorIn(reply);
  if (answer === undefined) return reply;
  const { error: code, message, requestId, ...more } = answer;
  const type = reply.status >= 500 ? 'server_error' : 'invalid_request_error';
  const error = { message, type, param: null, code: code.replaceAll('-', '_'), request_id: requestId, ...more };
  return { ...reply, body: `${JSON.stringify({ error })}\n` };
}

/** The same for a verdict, as far as it is an answer. */
export function withModelForm(verdict: Verdict | Promise<Verdict>): Verdict | Promise<Verdict> {
  if (verdict instanceof Promise) return verdict.then(withModelForm);
  return verdict.kind === 'reply' ? { kind: 'reply', reply: inModelForm(verdict.reply) } : verdict;
}

function programErrorIn({ fields, body }: Reply): ProgramError | undefined {
  if (typeof body !== 'string' || fields[0] !== 'Content-Type' || fields[1]?.startsWith('application/json') !== true)
    return undefined;
  const value: unknown = JSON.parse(body);
  return isProgramError(value) ? value : undefined;
}

const isProgramError = (value: unknown): value is ProgramError =>
  isObject(value) && typeof value['error'] === 'string' && typeof value['message'] === 'string';

/** A limit has no room. */
export function limitReached(refusal: LimitRefusal, requestId: string, extra: Fields): Reply {
  const { fields, body } = refusalAnswer(refusal, requestId);
  return { status: 429, fields: ['Cache-Control', 'no-store', ...fields.flat(), ...extra], body };
}

export const noTier: AnswerWords = {
  status: 403,
  code: 'no_tier',
  message: 'This account is in no group that may use this service',
};

/** `model` is the client's own word: it is told again where it is a short line of text. */
export const modelNotAllowed = (model: string | undefined): AnswerWords => ({
  status: 403,
  code: 'model_not_allowed',
  param: 'model',
  message:
    model === undefined
      ? 'This account may use some models only, and the request names none that can be read: name one in the JSON body, as "model"'
      : !isModelName(model)
        ? 'This account may use some models only, and the request also names another one'
        : `This account may not use the model ${model}`,
});

export const unreadable = (code: string, message: string): AnswerWords => ({ status: 400, code, message });

export const tooLarge = (bytes: number): AnswerWords => ({
  status: 413,
  code: 'request_too_large',
  message: `The body of a request may have ${bytes} bytes here`,
});

export const noRoom: AnswerWords = {
  status: 503,
  code: 'overloaded',
  type: 'server_error',
  message: 'Too many requests are being read at this moment. Try again in a few seconds.',
  fields: later,
};

export const limitsUnavailable: AnswerWords = {
  status: 503,
  code: 'limits_unavailable',
  type: 'server_error',
  message: 'It cannot be found out now how much this account has used. Try again in a few seconds.',
  fields: later,
};
