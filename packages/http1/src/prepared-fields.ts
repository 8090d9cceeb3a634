import { fieldLine } from './field-line.ts';
import type { Fields } from './fields.ts';
import { onePiece } from './one-piece.ts';

/**
 * Fields of requests to an upstream, checked and put into text once for all the requests that have them. Throws
 * `TypeError` for a field that would break a head.
 */
export function prepareFields(fields: Fields): PreparedFields {
  return new PreparedFields(fields);
}

/**
 * The same for fields as one request had them, those among them that frame its content in their places. They go with that
 * request's content alone. The fields are those of a head that has been read and found to be well-formed.
 */
export function prepareAsReceived(fields: Fields): PreparedFields {
  return new PreparedFields(fields, framingOf(fields));
}

/** What `prepareFields` makes. */
export class PreparedFields {
  readonly fields: Fields;
  /** How they frame the content; `undefined` when that is left to the engine. */
  readonly framing: 'none' | 'chunked' | number | undefined;
  /** As they go into most heads. */
  readonly #text: string;
  /** Whether some of them go into some heads only. */
  readonly #varies: boolean;

  constructor(fields: Fields, framing?: PreparedFields['framing']) {
    this.fields = Object.freeze([...fields]);
    this.framing = framing;
    this.#text = onePiece(this.#linesOf(USUAL));
    this.#varies = fields.some((name, i) => i % 2 === 0 && isOurs(name, USUAL) && !isOurs(name, SPECIAL));
  }

  /** Their lines in the head of such a request. */
  lines(request: RequestKind): string {
    return this.#varies ? this.#linesOf(request) : this.#text;
  }

  #linesOf(request: RequestKind): string {
    return requestLines(this.fields, request, this.framing !== undefined);
  }
}

function framingOf(fields: Fields): 'none' | 'chunked' | number {
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase();
    if (name === 'content-length') return Number(fields[i + 1]);
    if (name === 'transfer-encoding') return 'chunked';
  }
  return 'none';
}

/** What of a request decides which fields it may have. */
export interface RequestKind {
  readonly chunked: boolean;
  readonly expectContinue: boolean;
}

const USUAL: RequestKind = { chunked: false, expectContinue: false };
/** May have all that may be had at all. */
const SPECIAL: RequestKind = { chunked: true, expectContinue: true };

/** The lines of these fields in the head of such a request, less those that are the engine's to write. */
export function requestLines(fields: Fields, request: RequestKind, framed = false): string {
  let text = '';
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (!isOurs(name, request) || (framed && isFraming(name))) text += fieldLine(name, fields[i + 1] as string);
  }
  return text;
}

const isFraming = (name: string): boolean => /^(?:content-length|transfer-encoding)$/i.test(name);

/** Fields of a request that are ours to write, whatever a verdict carries. The length alone rules most names out. */
function isOurs(name: string, { chunked, expectContinue }: RequestKind): boolean {
  switch (name.length) {
    case 6:
      return !expectContinue && name.toLowerCase() === 'expect';
    case 7: {
      const lower = name.toLowerCase();
      return lower === 'upgrade' || (lower === 'trailer' && !chunked);
    }
    case 10: {
      const lower = name.toLowerCase();
      return lower === 'connection' || lower === 'keep-alive';
    }
    case 14:
      return name.toLowerCase() === 'content-length';
    case 17:
      return name.toLowerCase() === 'transfer-encoding';
    default:
      return false;
  }
}
