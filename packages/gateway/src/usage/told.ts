/**
 * What a backend says of the tokens that a request has cost: the `usage` objects of OpenAI's APIs and those who
 * speak like them (`prompt_tokens`, `completion_tokens`), of its Responses API and of Anthropic's
 * Messages API (`input_tokens`, `output_tokens`).
 *
 * @module
 */

/** Tokens as told; what was not told is `undefined`. */
export interface Tokens {
  readonly in: number | undefined;
  readonly out: number | undefined;
}

/** What is beyond this is no number of tokens; sums of many stay exact. */
const mostTokens = 1_000_000_000;

/** Reads a `usage` object. `undefined` when it says nothing of tokens. */
export function toldTokens(usage: unknown): Tokens | undefined {
  if (!isObject(usage)) return undefined;
  const input = count(usage['prompt_tokens']) ?? anthropicInput(usage);
  const output = count(usage['completion_tokens']) ?? count(usage['output_tokens']);
  const total = count(usage['total_tokens']);
  if (input === undefined && output === undefined && total === undefined) return undefined;
  if (total === undefined) return { in: input, out: output };
  // Embeddings have a total and no answer in tokens.
  return {
    in: input ?? Math.max(0, total - (output ?? 0)),
    out: output ?? Math.max(0, total - (input ?? total)),
  };
}

/** What is read from and written to a cache stands beside `input_tokens` there, and belongs to it. OpenAI has neither name at this place. */
function anthropicInput(usage: Readonly<Record<string, unknown>>): number | undefined {
  const input = count(usage['input_tokens']);
  if (input === undefined) return undefined;
  return input + (count(usage['cache_creation_input_tokens']) ?? 0) + (count(usage['cache_read_input_tokens']) ?? 0);
}

/** What one event of a stream says: by itself, or in the response (`response.completed`) or message (`message_start`) that it tells of. */
export function tokensOfEvent(event: unknown): Tokens | undefined {
  if (!isObject(event)) return undefined;
  for (const holder of [event, event['response'], event['message']]) {
    const told = isObject(holder) ? toldTokens(holder['usage']) : undefined;
    if (told !== undefined) return told;
  }
  return undefined;
}

/** How much of an answer is in one event of a stream. */
export interface Pieces {
  /** One for each choice that goes on with something. */
  readonly count: number;
  /** Of their texts. */
  readonly characters: number;
}

/** Reads how an event goes on with the answer. */
export function piecesOfEvent(event: unknown): Pieces {
  if (!isObject(event)) return none;
  const { type, choices, delta } = event;
  if (typeof type === 'string')
    return type.endsWith('.delta') || type === 'content_block_delta'
      ? { count: 1, characters: characters(delta) }
      : none;
  if (!Array.isArray(choices)) return none;
  const going = choices.flatMap((choice: unknown) => goingOn(choice));
  return { count: going.length, characters: going.reduce<number>((sum, part) => sum + characters(part), 0) };
}

const none: Pieces = { count: 0, characters: 0 };

/** What a choice goes on with, if it does. */
function goingOn(choice: unknown): readonly unknown[] {
  if (!isObject(choice)) return [];
  const { text, delta } = choice;
  if (isFilled(text)) return [text];
  return isObject(delta) && Object.entries(delta).some(([name, value]) => name !== 'role' && isFilled(value))
    ? [delta]
    : [];
}

const isFilled = (value: unknown): boolean =>
  Array.isArray(value) || typeof value === 'string' ? value.length > 0 : isObject(value);

/** Words about the answer, and none of it. */
const besides: ReadonlySet<string> = new Set(['role', 'type', 'id', 'signature', 'data']);

/** Characters in all texts of a value. */
function characters(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + characters(item), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce((sum, [name, item]) => (besides.has(name) ? sum : sum + characters(item)), 0);
}

/** Whether this is a JSON object. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= mostTokens ? value : undefined;
