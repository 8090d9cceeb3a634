/**
 * What a request to a model asks for, from its whole JSON body. What two readers could read differently is refused:
 * a backend that takes the other of two `model` members would answer with a model that nobody has allowed.
 *
 * @module
 */
import { foldedName, namedElsewhere, otherNames } from './other-models.ts';
import { isObject } from './told.ts';
import { TopLevel } from './top-level.ts';

/** What decides about a request. */
export interface ModelRequest {
  /** `undefined`: none is named. */
  readonly model: string | undefined;
  /** Whatever else it names that could answer in the place of that model. */
  readonly otherModels: readonly string[];
  readonly stream: boolean;
  /** The most tokens of an answer, as far as the request bounds them. */
  readonly maxTokens: number | undefined;
  /** Answers wanted: `n`. */
  readonly answers: number;
  /** Characters of text for the model, images and other data left out. */
  readonly promptCharacters: number;
}

export type ModelRequestFault =
  | 'not-utf8'
  | 'not-json'
  | 'not-an-object'
  | 'too-deep'
  | 'too-complex'
  | 'duplicate-name'
  | 'ambiguous-name'
  | 'bad-model';

export type ModelRequestOutcome =
  | { readonly kind: 'ok'; readonly request: ModelRequest }
  /** `message` is for the caller, and quotes nothing of what they sent. */
  | { readonly kind: 'refused'; readonly reason: ModelRequestFault; readonly message: string };

const messages: Readonly<Record<ModelRequestFault, string>> = {
  'not-utf8': 'The body is not UTF-8',
  'not-json': 'The body is not JSON',
  'not-an-object': 'The body is not one JSON object',
  'too-deep': 'Arrays and objects of the body lie too deep in each other',
  'too-complex': 'The body has too many values, or too many or too long names in its outermost object',
  'duplicate-name': 'A name occurs twice in the outermost object of the body',
  'ambiguous-name':
    'A name in the outermost object of the body is almost one that decides, in another spelling, or decides from within extra_body',
  'bad-model': 'model is not a text of 1 to 256 printable characters',
};

const maxDepth = 128;
/** Texts are cheap to read, and values are not: a million of them keep a thread busy for as long as a second. */
const maxValues = 500_000;
const maxMembers = 1_000;
const maxName = 256;
const maxModel = 256;

const limitNames = ['max_completion_tokens', 'max_tokens', 'max_output_tokens'] as const;
/** What is read here, or decides elsewhere which model answers. */
const decisive: ReadonlySet<string> = new Set(['model', 'stream', 'n', 'extra_body', ...limitNames, ...otherNames]);
/** What no model reads. All else may be a part of the prompt: templates and schemas are, and APIs have many names for one. */
const notPrompt: ReadonlySet<string> = new Set([
  ...[...decisive].filter((name) => name !== 'extra_body'),
  'metadata',
  'prompt_cache_key',
  'safety_identifier',
  'service_tier',
  'stream_options',
  'user',
]);

/** Reads a body (RFC 8259, UTF-8). The caller bounds its length. */
export function readModelRequest(body: Uint8Array): ModelRequestOutcome {
  const scan = new TopLevel('');
  scan.push(body);
  if (scan.deepest > maxDepth) return refused('too-deep');
  if (scan.values > maxValues || scan.members > maxMembers || scan.longestName > maxName) return refused('too-complex');
  let value: unknown;
  try {
    // A byte order mark stays, and is refused: the standard forbids it, and readers differ.
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch (error) {
    return refused(error instanceof SyntaxError ? 'not-json' : 'not-utf8');
  }
  if (!isObject(value)) return refused('not-an-object');
  const names = Object.keys(value);
  if (names.length !== scan.members) return refused('duplicate-name');
  if (names.some((name) => !decisive.has(name) && decisive.has(foldedName(name)))) return refused('ambiguous-name');
  if (decidesWithin(value['extra_body'])) return refused('ambiguous-name');
  const model = value['model'] ?? undefined;
  if (model !== undefined && !isModelName(model)) return refused('bad-model');
  const limits = limitNames.flatMap((name) => wanted(value[name]) ?? []);
  return {
    kind: 'ok',
    request: {
      model,
      otherModels: namedElsewhere(value),
      stream: value['stream'] === true,
      maxTokens: limits.length === 0 ? undefined : Math.max(...limits),
      answers: wanted(value['n']) ?? 1,
      promptCharacters: names.reduce(
        (sum, name) => sum + (isPrompt(name, value[name]) ? characters(value[name]) : 0),
        0,
      ),
    },
  };
}

/** What is beyond this is no number of tokens. */
const mostTokens = 1_000_000_000;
/** Rough, for reservations: what is true comes with the answer. */
const charactersInToken = 4;

/**
 * Tokens to set aside for a request before its answer tells how many there were: a quarter of the prompt's characters, and
 * for each answer as much as it may have, or `usualAnswer` where the request does not say.
 */
export function tokensToReserve({ promptCharacters, maxTokens, answers }: ModelRequest, usualAnswer: number): number {
  return Math.min(mostTokens, tokensOfCharacters(promptCharacters) + (maxTokens ?? usualAnswer) * answers);
}

/** How many tokens this much text may be. */
export const tokensOfCharacters = (count: number): number => Math.ceil(count / charactersInToken);

/** Some routers put what is in here over what is beside it. */
const decidesWithin = (extra: unknown): boolean =>
  isObject(extra) && Object.keys(extra).some((name) => decisive.has(foldedName(name)));

const isPrompt = (name: string, value: unknown): boolean => typeof value !== 'number' && !notPrompt.has(name);

/** Whether this is a name as models have them: a short line of text. */
export const isModelName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= maxModel && !/[\p{Cc}\p{Cs}]/u.test(value);

/** A number as backends take it: some read `"5"` for 5, and what is far too much for as much as there is. */
function wanted(value: unknown): number | undefined {
  const count = typeof value === 'string' && /^\s*[+]?[0-9]{1,20}(?:\.0*)?\s*$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && count > 0 ? Math.min(mostTokens, Math.ceil(count)) : undefined;
}

/** Characters in all texts of a value. Numbers are tokens already (`prompt` may be a list of them). */
function characters(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value === 'number') return charactersInToken;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + characters(item), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce((sum, [name, item]) => (isFile(name, item) ? sum : sum + characters(item)), 0);
}

/** Pictures, sounds and files lie here in base64. A text may lie here too. */
const isFile = (name: string, value: unknown): boolean =>
  fileNames.has(name) && typeof value === 'string' && /^(?:data:[^,\s]{0,200};base64,)?[\w+/-]*={0,2}$/.test(value);
const fileNames: ReadonlySet<string> = new Set(['data', 'file_data', 'image_url', 'url']);

const refused = (reason: ModelRequestFault): ModelRequestOutcome => ({
  kind: 'refused',
  reason,
  message: messages[reason],
});
