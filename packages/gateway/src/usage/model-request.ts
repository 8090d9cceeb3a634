/**
 * What a request to a model asks for, from its whole JSON body. What two readers could read differently is refused:
 * a backend that takes the other of two `model` members would answer with a model that nobody has allowed.
 *
 * @module
 */
import { isObject } from './told.ts';
import { TopLevel } from './top-level.ts';

/** What decides about a request. */
export interface ModelRequest {
  /** `undefined`: none is named. */
  readonly model: string | undefined;
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
  'duplicate-name': 'A name occurs twice in the outermost object of the body',
  'ambiguous-name': 'A name in the outermost object of the body is almost one that decides, in another spelling',
  'bad-model': 'model is not a text of 1 to 256 printable characters',
};

const maxDepth = 128;
const maxModel = 256;

const limitNames = ['max_completion_tokens', 'max_tokens', 'max_output_tokens'] as const;
/** What is read here, or decides elsewhere which model answers. */
const decisive: ReadonlySet<string> = new Set(['model', 'models', 'stream', 'n', ...limitNames]);
/** Where the APIs have what the model is to read. */
const promptNames = ['messages', 'prompt', 'input', 'system', 'instructions', 'tools'] as const;

/** Reads a body (RFC 8259, UTF-8). The caller bounds its length. */
export function readModelRequest(body: Uint8Array): ModelRequestOutcome {
  const scan = new TopLevel('');
  scan.push(body);
  if (scan.deepest > maxDepth) return refused('too-deep');
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
  if (names.some((name) => !decisive.has(name) && decisive.has(folded(name)))) return refused('ambiguous-name');
  const model = value['model'] ?? undefined;
  if (model !== undefined && !isModelName(model)) return refused('bad-model');
  const limits = limitNames.flatMap((name) => positive(value[name]) ?? []);
  return {
    kind: 'ok',
    request: {
      model,
      stream: value['stream'] === true,
      maxTokens: limits.length === 0 ? undefined : Math.max(...limits),
      answers: positive(value['n']) ?? 1,
      promptCharacters: promptNames.reduce((sum, name) => sum + characters(value[name]), 0),
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

/** A name as careless readers know it: without case, compatible letters alike (`ſ` and `s`), ended by a NUL. */
function folded(name: string): string {
  const [text = ''] = name.split('\0');
  return text.normalize('NFKC').trim().toLowerCase();
}

const isModelName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= maxModel && !/[\p{Cc}\p{Cs}]/u.test(value);

const positive = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= mostTokens ? value : undefined;

/** Characters in all texts of a value. Numbers are tokens already (`prompt` may be a list of them). */
function characters(value: unknown): number {
  if (typeof value === 'string') return value.startsWith('data:') ? 0 : value.length;
  if (typeof value === 'number') return charactersInToken;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + characters(item), 0);
  if (!isObject(value)) return 0;
  // Sounds and files lie here in base64.
  return Object.entries(value).reduce(
    (sum, [name, item]) => (name === 'data' || name === 'file_data' ? sum : sum + characters(item)),
    0,
  );
}

const refused = (reason: ModelRequestFault): ModelRequestOutcome => ({
  kind: 'refused',
  reason,
  message: messages[reason],
});
