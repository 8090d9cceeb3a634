/**
 * What the test backend answers, in the forms of OpenAI's API. There is no model: the answer is the question's last text,
 * tokens are words, and the same question has the same answer to the byte.
 *
 * @module
 */

/** An answer with a status other than 200, as OpenAI words them. */
export interface BackendError {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param?: string;
  readonly code?: string;
}

/** Behaviour that a request asks for: in `metadata`, which OpenAI's API has for texts of one's own. */
export interface Wishes {
  /** Before the head of the answer. */
  readonly silentMs: number;
  /** Between the chunks of a stream. */
  readonly pauseMs: number;
  /** Chunks of a stream with text; default: one for each word of the question. */
  readonly chunks: number | undefined;
  /** Answers with this error ... */
  readonly status: number | undefined;
  /** ... until the client has tried again so often (`x-stainless-retry-count`, which OpenAI's clients send). */
  readonly untilRetry: number;
  /** Breaks the connection off after so many chunks with text. */
  readonly breakAfter: number | undefined;
  /** Content-Encoding: gzip, for answers that are no streams. */
  readonly gzip: boolean;
  /** A trailer field behind a stream. */
  readonly trailer: boolean;
}

/** Models that it says it has, with what they do unless the request asks for something else. */
export const models: Readonly<Record<string, Partial<Wishes>>> = {
  'small-echo': {},
  'large-echo': {},
  'slow-echo': { pauseMs: 200 },
  'small-embedding': {},
};

/** What a request asks for. Anything that is not understood is passed over. */
export function wishesOf(body: Readonly<Record<string, unknown>>): Wishes {
  const { metadata } = body;
  const asked = new Map(Object.entries(isObject(metadata) ? metadata : {}));
  const number = (name: string): number | undefined => {
    const value = Number(asked.get(name) ?? Number.NaN);
    return Number.isInteger(value) && value >= 0 ? value : undefined;
  };
  const byModel = models[String(body['model'])] ?? {};
  return {
    silentMs: number('silent_ms') ?? 0,
    pauseMs: number('pause_ms') ?? byModel.pauseMs ?? 0,
    chunks: number('chunks'),
    status: number('status'),
    untilRetry: number('until_retry') ?? Number.POSITIVE_INFINITY,
    breakAfter: number('break_after'),
    gzip: asked.get('encoding') === 'gzip',
    trailer: asked.get('trailer') === 'yes',
  };
}

/** The errors that can be asked for. */
export function wantedError(status: number): BackendError {
  const message = `The test backend was asked for a ${status}`;
  if (status === 429) return { status, message, type: 'requests', code: 'rate_limit_exceeded' };
  if (status >= 500) return { status, message, type: 'server_error' };
  return { status, message, type: 'invalid_request_error' };
}

/** The body of an error. */
export const errorBody = ({ message, type, param, code }: BackendError): object => ({
  error: { message, type, param: param ?? null, code: code ?? null },
});

/** `GET /v1/models`. */
export const modelList = (): object => ({ object: 'list', data: Object.keys(models).map(modelNamed) });

/** `GET /v1/models/{id}`. */
export const modelNamed = (id: string): object => ({ id, object: 'model', created: begun, owned_by: 'test-backend' });

/** Any fixed moment: answers are to be the same each time. */
const begun = 1_700_000_000;

/** A question of the chat, its answer word by word, and what both have cost. */
export interface Said {
  readonly model: string;
  /** With the blanks between them. */
  readonly words: readonly string[];
  readonly tokensIn: number;
}

/** What is answered to `messages`, or to the `input` of the Responses API. */
export function said(body: Readonly<Record<string, unknown>>, { chunks }: Wishes): Said {
  const question = body['messages'] ?? body['input'];
  const texts = Array.isArray(question) ? question.map(textOf) : [textOf(question)];
  const last = texts.at(-1) ?? '';
  const words =
    chunks === undefined
      ? last.split(/(?<= )/)
      : Array.from({ length: chunks }, (_, i) => `${i === 0 ? '' : ' '}w${i}`);
  return { model: String(body['model']), words, tokensIn: texts.join(' ').split(/\s+/).length };
}

/** A text, or a message with one, or with a list of pieces. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join(' ');
  return isObject(value) ? textOf(value['content'] ?? value['text'] ?? '') : '';
}

/** The answer of `POST /v1/chat/completions` in one piece. */
export function completion(answer: Said): object {
  const message = { role: 'assistant', content: answer.words.join(''), refusal: null };
  return {
    ...head(answer, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
    usage: usage(answer),
  };
}

/** Its answer as a stream: the events before the words, one for each word, and those behind. */
export function completionEvents(answer: Said, withUsage: boolean): Events {
  const chunk = (delta: object, finish: string | null): string =>
    event({
      ...head(answer, 'chat.completion.chunk'),
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...(withUsage ? { usage: null } : {}),
    });
  const last = { ...head(answer, 'chat.completion.chunk'), choices: [], usage: usage(answer) };
  return {
    before: [chunk({ role: 'assistant', content: '' }, null)],
    words: answer.words.map((content) => chunk({ content }, null)),
    after: [chunk({}, 'stop'), ...(withUsage ? [event(last)] : []), 'data: [DONE]\n\n'],
  };
}

/** Events of a stream, as text. */
export interface Events {
  readonly before: readonly string[];
  readonly words: readonly string[];
  readonly after: readonly string[];
}

/** The answer of `POST /v1/responses` in one piece. */
export function response(answer: Said): object {
  const content = [{ type: 'output_text', text: answer.words.join(''), annotations: [] }];
  const tokensOut = answer.words.length;
  return {
    id: 'resp_test',
    object: 'response',
    created_at: begun,
    status: 'completed',
    model: answer.model,
    output: [{ type: 'message', id: 'msg_test', status: 'completed', role: 'assistant', content }],
    usage: {
      input_tokens: answer.tokensIn,
      output_tokens: tokensOut,
      total_tokens: answer.tokensIn + tokensOut,
    },
  };
}

/** The same as a stream. */
export function responseEvents(answer: Said): Events {
  const whole = response(answer);
  let number = 0;
  const next = (type: string, rest: object): string =>
    `event: ${type}\n${event({ type, sequence_number: number++, ...rest })}`;
  const place = { item_id: 'msg_test', output_index: 0, content_index: 0 };
  return {
    before: [next('response.created', { response: { ...whole, status: 'in_progress', output: [], usage: null } })],
    words: answer.words.map((delta) => next('response.output_text.delta', { ...place, delta })),
    after: [next('response.completed', { response: whole })],
  };
}

/** The answer of `POST /v1/embeddings`: eight numbers for each text, as a list or in base64, which OpenAI's clients ask for. */
export function embeddings(body: Readonly<Record<string, unknown>>): object {
  const { input } = body;
  const texts = (Array.isArray(input) ? input : [input]).map(textOf);
  const data = texts.map((text, index) => {
    const vector = Float32Array.from({ length: 8 }, (_, i) => (text.codePointAt(i) ?? 0) / 128);
    const embedding = body['encoding_format'] === 'base64' ? base64(vector) : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const tokens = texts.join(' ').split(/\s+/).length;
  return {
    object: 'list',
    data,
    model: String(body['model']),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

const base64 = (vector: Float32Array): string => Buffer.from(vector.buffer).toString('base64');

/** What stands for sound: every byte there is, often, with whatever a careless reader takes for the end of something. */
export const sound: Buffer = Buffer.concat(
  Array.from({ length: 256 }, (_, i) => Buffer.from(Uint8Array.from({ length: 256 }, (_, j) => (i + j) & 0xff))).concat(
    Buffer.from('\r\n0\r\n\r\ndata: [DONE]\n\n'),
  ),
);

const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;

const head = ({ model }: Said, object: string): object => ({
  id: 'chatcmpl-test',
  object,
  created: begun,
  model,
  system_fingerprint: 'fp_test',
});

const usage = ({ tokensIn, words }: Said): object => ({
  prompt_tokens: tokensIn,
  completion_tokens: words.length,
  total_tokens: tokensIn + words.length,
});

/** Whether this is a JSON object. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
