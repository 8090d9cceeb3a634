/**
 * Reads from a response, as it passes, how many tokens the request has cost. The response is neither held up nor changed
 * nor kept; whatever it is, reading it never fails, it finds nothing.
 *
 * @module
 */
import { bodyDecoder } from './decoder.ts';
import { EventData } from './event-data.ts';
import { piecesOfEvent, type Tokens, toldTokens, tokensOfEvent } from './told.ts';
import { TopLevel } from './top-level.ts';

/** Why tokens are not known. */
export type UsageTrouble =
  /** The backend has said nothing of them. */
  | 'not-told'
  /** The response is neither JSON nor an event stream. */
  | 'other-type'
  /** Its content coding is not one that we read, or its bytes are not in it. */
  | 'encoding'
  /** It was longer than what is read of one. */
  | 'too-long';

/** What a response has said. */
export interface UsageRead {
  readonly tokensIn: number | undefined;
  readonly tokensOut: number | undefined;
  /**
   * `tokensOut` was not told, or not for all of the answer: the rest is the number of pieces in which it came, most of which are
   * one token, or more where they are long.
   */
  readonly estimated: boolean;
  /** When the first piece of an answer came in a stream, by the clock of `push`. */
  readonly firstContentAt: number | undefined;
  /** `undefined` when the tokens are known. */
  readonly trouble: UsageTrouble | undefined;
}

/** Follows one response. */
export interface UsageReader {
  /** The bytes of the body as they come, and the time. They are read now, or copied. */
  push(bytes: Uint8Array, now: number): void;
  /** The response is over, or was broken off: what is known of it. Never rejects. Further calls say the same. */
  end(): Promise<UsageRead>;
}

/** What is known of a response before its body comes. */
export interface ResponseKind {
  /** The values of these fields; empty when there is none. */
  readonly contentType: string;
  readonly contentEncoding: string;
}

/** What follows a decoded body. */
interface BodyReader {
  push(bytes: Uint8Array, now: number): void;
  end(): UsageRead;
}

/** A reader for the response that begins with these fields. */
export function usageReader({ contentType, contentEncoding }: ResponseKind): UsageReader {
  const body = bodyReader(contentType);
  if (body === undefined) return knowing(nothing('other-type'));
  const coding = contentEncoding.trim().toLowerCase();
  if (coding === '' || coding === 'identity') {
    let read: UsageRead | undefined;
    return { push: (bytes, now) => body.push(bytes, now), end: async () => (read ??= body.end()) };
  }
  let latest = 0;
  const decoder = bodyDecoder(coding, (bytes) => body.push(bytes, latest));
  if (decoder === undefined) return knowing(nothing('encoding'));
  let over: Promise<UsageRead> | undefined;
  return {
    push(bytes, now) {
      latest = now;
      decoder.push(bytes);
    },
    end: () => (over ??= decoder.end().then((fault) => withTrouble(body.end(), fault))),
  };
}

function bodyReader(contentType: string): BodyReader | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === 'text/event-stream') return eventStreamReader();
  if (type === 'application/json' || type.endsWith('+json')) return jsonReader();
  return undefined;
}

function jsonReader(): BodyReader {
  const members = new TopLevel('usage');
  return {
    push: (bytes) => members.push(bytes),
    end() {
      const told = members.value === undefined ? undefined : toldTokens(parsed(members.value));
      if (told === undefined) return nothing('not-told');
      return { ...nothing(undefined), tokensIn: told.in, tokensOut: told.out };
    },
  };
}

/** A piece with more than this for each token has several. Most texts have less, so that pieces count as long as they are short. */
const longestToken = 6;

function eventStreamReader(): BodyReader {
  let now = 0;
  /** Since the tokens out were last told. */
  let pieces = 0;
  let characters = 0;
  let tooLong = false;
  let firstContentAt: number | undefined;
  let told: Tokens | undefined;
  const events = new EventData({
    onData(data) {
      const event = parsed(data); // `[DONE]` and whatever else is no JSON says nothing
      const more = piecesOfEvent(event);
      if (more.count > 0) firstContentAt ??= now;
      pieces += more.count;
      characters += more.characters;
      const tokens = tokensOfEvent(event);
      if (tokens === undefined) return;
      // Anthropic tells the two in different events, and at the beginning what the answer has cost so far.
      told = { in: tokens.in ?? told?.in, out: tokens.out ?? told?.out };
      if (tokens.out !== undefined) pieces = characters = 0;
    },
    onTooLong: () => (tooLong = true),
  });
  return {
    push(bytes, at) {
      now = at;
      events.push(bytes);
    },
    end() {
      events.end();
      const common = { tokensIn: told?.in, firstContentAt };
      if (told?.out !== undefined && pieces === 0)
        return { ...common, tokensOut: told.out, estimated: false, trouble: undefined };
      const trouble = tooLong ? 'too-long' : 'not-told';
      const untold = Math.max(pieces, Math.floor(characters / longestToken));
      return {
        ...common,
        tokensOut: pieces === 0 ? undefined : (told?.out ?? 0) + untold,
        estimated: pieces > 0,
        trouble,
      };
    },
  };
}

const nothing = (trouble: UsageTrouble | undefined): UsageRead => ({
  tokensIn: undefined,
  tokensOut: undefined,
  estimated: false,
  firstContentAt: undefined,
  trouble,
});

/** A reader that does not look at the body. */
const knowing = (read: UsageRead): UsageReader => ({ push: () => {}, end: async () => read });

/** What a broken coding has hidden was not `not-told`. */
const withTrouble = (read: UsageRead, fault: UsageTrouble | undefined): UsageRead =>
  read.trouble === undefined || fault === undefined ? read : { ...read, trouble: fault };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
