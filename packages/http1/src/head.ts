/**
 * Request and response heads (RFC 9112, 2 to 6), each read from one string. What two readers could read differently
 * is a fault, never repaired.
 *
 * @module
 */
import { type Fault, fault, isFault } from './faults.ts';
import { FieldBlock } from './field-block.ts';
import type { Fields } from './fields.ts';
import { type BodyFraming, requestFraming, responseFraming } from './framing.ts';
import { ASCII_REQUEST_HEAD, FIELD_LINES, REQUEST_HEAD, REQUEST_LINE, RESPONSE_HEAD, tokens } from './grammar.ts';
import { faultInHead, faultInRequestTarget, faultInTrailers } from './head-faults.ts';
import { AUTHORIZATION, HOST, REQUEST_FIELDS, RESPONSE_FIELDS, TRAILER_FIELDS } from './known-fields.ts';
import { KNOWN_METHODS } from './methods.ts';

/** What one head may have at most. */
export interface HeadLimits {
  /** Bytes, the empty line at the end included. Kept by `MessageReader`, before there is a head to parse. */
  readonly headBytes: number;
  /** Fields. */
  readonly headerCount: number;
}

/** A request head that two readers read alike. */
export interface RequestLine {
  readonly method: string;
  /** As received: visible ASCII, without a fragment, in the form that belongs to the method. */
  readonly target: string;
  readonly minor: 0 | 1;
  readonly fields: Fields;
  readonly body: BodyFraming;
  /** The client lets the connection be used for another request. */
  readonly keepAlive: boolean;
  /** The client waits for a 100 before it sends the content (RFC 9110, 10.1.1). */
  readonly expectContinue: boolean;
  /** There is an `Upgrade` field, and `Connection` names it (RFC 9110, 7.8). */
  readonly hasUpgrade: boolean;
  readonly hasAuthorization: boolean;
}

/** A response head that two readers read alike. */
export interface StatusLine {
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  readonly fields: Fields;
  readonly body: BodyFraming;
  /** The connection may be used for another request. */
  readonly keepAlive: boolean;
}

/** Reads a request head: latin1 text without the CRLF CRLF that ends it. */
export function parseRequestHead(text: string, limits: HeadLimits): RequestLine | Fault {
  const read = readRequestHead(text, limits);
  return isFault(read) ? read : read.head;
}

/** A request head, and its field block as `rereadRequestHead` takes it. */
export interface ReadRequest {
  readonly head: RequestLine;
  readonly block: FieldBlock;
}

/** `parseRequestHead` for a reader that may meet the same field block again. */
export function readRequestHead(text: string, limits: HeadLimits): ReadRequest | Fault {
  const ascii = ASCII_REQUEST_HEAD.test(text);
  if (!ascii && !REQUEST_HEAD.test(text)) return faultInHead('request', text);
  const lineEnd = endOfLine(text);
  const bad = faultInMethodOrTarget(text, lineEnd);
  if (bad !== undefined) return bad;
  const block = new FieldBlock();
  const worse = block.read(
    text,
    lineEnd,
    limits.headerCount,
    REQUEST_FIELDS,
    ascii ? 'request' : 'request-beyond-ascii',
  );
  if (worse !== undefined) return worse;
  // Many requests may share them.
  Object.freeze(block.fields);
  const head = judged(text, lineEnd, block);
  return isFault(head) ? head : { head, block };
}

/**
 * Reads a head of which only the request line is new: its field block is, byte for byte, one that `readRequestHead` has
 * read with the same limits. Everything that line and fields mean together is judged anew. `undefined` for a line that
 * breaks the grammar: what is wrong with it, `readRequestHead` tells.
 */
export function rereadRequestHead(line: string, block: FieldBlock): RequestLine | Fault | undefined {
  if (!REQUEST_LINE.test(line)) return undefined;
  return faultInMethodOrTarget(line, line.length) ?? judged(line, line.length, block);
}

function faultInMethodOrTarget(text: string, lineEnd: number): Fault | undefined {
  const methodEnd = text.indexOf(' ');
  const method = text.slice(0, methodEnd);
  if (!KNOWN_METHODS.has(method)) return fault('method-unknown');
  if (text.charCodeAt(methodEnd + 1) === SLASH && method !== 'CONNECT') return undefined;
  return faultInRequestTarget(method, text.slice(methodEnd + 1, lineEnd - VERSION_LENGTH));
}

/** What a well-formed request line and a well-formed field block mean together. */
function judged(text: string, lineEnd: number, block: FieldBlock): RequestLine | Fault {
  const minor = text.charCodeAt(lineEnd - 1) === ZERO ? 0 : 1;
  if (minor === 1 && (block.seen & HOST) === 0) return fault('host-missing');
  const { contentLength, transferEncoding, expectation } = block;
  const body = requestFraming({ minor, contentLength, transferEncoding });
  if (isFault(body)) return body;
  if (expectation !== undefined && expectation.toLowerCase() !== '100-continue')
    return fault('expectation-unknown', 417);
  const options = connectionOptions(block.connection);
  if (options === 'malformed') return fault('connection-malformed');

  const methodEnd = text.indexOf(' ');
  return {
    method: text.slice(0, methodEnd),
    target: text.slice(methodEnd + 1, lineEnd - VERSION_LENGTH),
    minor,
    fields: block.fields,
    body,
    keepAlive: keepsAlive(minor, options),
    // RFC 9110, 10.1.1: in HTTP/1.0 it is ignored; without content there is nothing to wait for.
    expectContinue: expectation !== undefined && minor === 1 && hasContent(body),
    // RFC 9110, 7.8: in HTTP/1.0 it is ignored.
    hasUpgrade: block.upgrade && minor === 1 && options.includes('upgrade'),
    hasAuthorization: (block.seen & AUTHORIZATION) !== 0,
  };
}

/** Reads the head of a response to a request with this method: latin1 text without the CRLF CRLF that ends it. */
export function parseResponseHead(text: string, requestMethod: string, limits: HeadLimits): StatusLine | Fault {
  if (!RESPONSE_HEAD.test(text)) return faultInHead('response', text);

  const lineEnd = endOfLine(text);
  const minor = text.charCodeAt('HTTP/1.'.length) === ZERO ? 0 : 1;
  const statusAt = 'HTTP/1.1 '.length;
  const status = Number(text.slice(statusAt, statusAt + 3));
  const reason = text.slice(statusAt + 4, lineEnd);

  const block = new FieldBlock();
  const bad = block.read(text, lineEnd, limits.headerCount, RESPONSE_FIELDS, 'response');
  if (bad !== undefined) return bad;
  const { contentLength, transferEncoding } = block;
  const body = responseFraming({ minor, contentLength, transferEncoding }, status, requestMethod);
  if (isFault(body)) return body;
  const options = connectionOptions(block.connection);
  if (options === 'malformed') return fault('connection-malformed');

  const keepAlive = body.kind !== 'until-close' && keepsAlive(minor, options);
  // It announces a final response and that none will come.
  if (status < 200 && status !== 101 && !keepAlive) return fault('interim-response-closes');
  // Many answers may share them.
  Object.freeze(block.fields);
  return { status, reason, minor, fields: block.fields, body, keepAlive };
}

/**
 * Reads a trailer section (RFC 9112, 7.1.2): latin1 text in which every field has its line break in front, without the
 * CRLF CRLF at the end.
 */
export function parseTrailers(text: string, limits: HeadLimits): Fields | Fault {
  if (!FIELD_LINES.test(text)) return faultInTrailers(text);
  const block = new FieldBlock();
  return block.read(text, 0, limits.headerCount, TRAILER_FIELDS, 'trailers') ?? block.fields;
}

const SLASH = 0x2f;
const ZERO = 0x30;
const VERSION_LENGTH = ' HTTP/1.1'.length;

function endOfLine(text: string): number {
  const end = text.indexOf('\r\n');
  return end === -1 ? text.length : end;
}

const NO_OPTIONS: readonly string[] = [];
const CLOSE: readonly string[] = ['close'];
const KEEP_ALIVE: readonly string[] = ['keep-alive'];
const UPGRADE: readonly string[] = ['upgrade'];

function connectionOptions(value: string | undefined): readonly string[] | 'malformed' {
  switch (value) {
    case undefined:
      return NO_OPTIONS;
    case 'keep-alive':
    case 'Keep-Alive':
      return KEEP_ALIVE;
    case 'close':
      return CLOSE;
    case 'Upgrade':
    case 'upgrade':
      return UPGRADE;
    default:
      return tokens(value);
  }
}

/** RFC 9112, 9.3. */
const keepsAlive = (minor: 0 | 1, options: readonly string[]): boolean =>
  !options.includes('close') && (minor === 1 || options.includes('keep-alive'));

const hasContent = (body: BodyFraming): boolean => (body.kind === 'length' ? body.length > 0 : body.kind !== 'none');
