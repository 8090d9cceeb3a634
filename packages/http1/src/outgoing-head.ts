/**
 * The heads that we write: which fields go on, how the content is framed, and that
 * nothing in them could be read as more than one head.
 *
 * @module
 */
import type { Reply } from './exchange.ts';
import type { Fields } from './fields.ts';
import type { BodyFraming } from './framing.ts';
import { fieldLine } from './field-line.ts';
import type { StatusLine } from './head.ts';
import { type PreparedFields, requestLines } from './prepared-fields.ts';
import { reasonPhrase } from './reason-phrases.ts';

/** What of a request decides how its head goes on to the upstream. */
export interface OutgoingRequest {
  readonly method: string;
  readonly target: string;
  /** Written in front of `fields`. */
  readonly prepared?: readonly PreparedFields[] | undefined;
  readonly fields: Fields;
  readonly body: BodyFraming;
  readonly upgrade: boolean;
  readonly expectContinue: boolean;
  /** The one prepared block frames the content. */
  readonly asReceived?: boolean | undefined;
}

const NONE: readonly PreparedFields[] = [];

const TARGET = /^[\x21-\x7e]+$/;

/** The client left before an answer began. The number is nginx's; HTTP has none. */
export const CLIENT_CLOSED_REQUEST = 499;

/** Methods for which no content is what a server expects; others say so with a length of 0 (RFC 9110, 8.6). */
const NO_CONTENT_MEANT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * The head of a request as it goes out, framed anew, asking for an upgrade only where one is meant. Throws `TypeError`
 * for a target or field that would break it: those are bugs of whoever made the verdict.
 */
export function requestHead(request: OutgoingRequest): string {
  const { method, target, prepared = NONE, fields, body, upgrade, expectContinue, asReceived = false } = request;
  if (!TARGET.test(target)) throw new TypeError('Cannot write request: the target has forbidden characters');
  const kind = { chunked: body.kind === 'chunked', expectContinue };
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (const block of prepared) text += block.lines(kind);
  text += requestLines(fields, kind);
  if (upgrade) text += 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  if (asReceived) checkFraming(prepared, body);
  else if (body.kind === 'length') text += `Content-Length: ${body.length}\r\n`;
  else if (body.kind === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  else if (!NO_CONTENT_MEANT.has(method)) text += 'Content-Length: 0\r\n';
  return `${text}\r\n`;
}

/** That the fields frame the content as it was read. */
function checkFraming(prepared: readonly PreparedFields[], body: BodyFraming): void {
  const [block, ...more] = prepared;
  const same = body.kind === 'length' ? block?.framing === body.length : (block?.framing ?? 'none') === body.kind;
  if (!same || more.length > 0) throw new TypeError('Cannot write request: its fields do not frame its content');
}

/** How the head of an upstream's answer goes on to the client. */
export interface OutgoingResponse {
  readonly head: StatusLine;
  /** How the client gets the content. */
  readonly framing: 'as-received' | 'chunked' | 'until-close';
  readonly close: boolean;
  /** For an answer that has none (RFC 9110, 6.6.1). */
  readonly date: string;
}

/** The head of an upstream's answer as it goes on. */
export function responseHead({ head, framing, close, date }: OutgoingResponse): string {
  const { status, reason, fields } = head;
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  if (close) text += 'Connection: close\r\n';
  const named = namedByConnection(fields);
  let dated = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const kind = responseField(name, named);
    if (kind === 'hop') continue;
    if (kind === 'date') dated = true;
    else if (kind === 'trailer' && framing !== 'chunked') continue;
    // RFC 9110, 8.6: a 204 or an interim answer has none. With chunks there can be none.
    else if (kind === 'length' && (status === 204 || status < 200)) continue;
    text += `${name}: ${fields[i + 1] as string}\r\n`;
  }
  if (!dated && status >= 200) text += date;
  if (framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  return `${text}\r\n`;
}

/** A head with these fields in front of its own. Throws `TypeError` for one that would break it. */
export function withFields(head: string, fields: Fields): string {
  const start = head.indexOf('\r\n') + 2;
  return head.slice(0, start) + fieldLines(fields) + head.slice(start);
}

type ResponseField = 'hop' | 'trailer' | 'length' | 'date' | 'other';

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'te',
  'upgrade',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'proxy-authenticate',
]);

/** What a response field is to us; the length alone rules most names out (RFC 9110, 7.6.1). */
function responseField(name: string, named: ReadonlySet<string> | undefined): ResponseField {
  switch (name.length) {
    case 2:
    case 4:
    case 7:
    case 10:
    case 14:
    case 16:
    case 17:
    case 18: {
      const lower = name.toLowerCase();
      if (lower === 'date') return 'date';
      if (lower === 'content-length') return 'length';
      if (HOP_BY_HOP.has(lower)) return 'hop';
      if (lower === 'trailer') return 'trailer';
    }
  }
  return named?.has(name.toLowerCase()) === true ? 'hop' : 'other';
}

/** What `Connection` may not take away from a response: without these the client would read another message. */
const ESSENTIAL: ReadonlySet<string> = new Set(['content-length', 'content-encoding', 'content-type', 'set-cookie']);

/** The fields that end here because `Connection` says so; `undefined` in the usual case. */
function namedByConnection(fields: Fields): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    const value = fields[i + 1] as string;
    if (value === 'keep-alive' || value === 'close') continue;
    for (const option of value.split(',')) {
      const lower = option.trim().toLowerCase();
      if (!ESSENTIAL.has(lower)) (named ??= new Set()).add(lower);
    }
  }
  return named;
}

/** The head of our 101: what the upstream agreed to, untouched, and the two fields that make it one (RFC 6455, 4.2.2). */
export function switchingHead(upstream: Fields, extra: Fields): string {
  const named = namedByConnection(upstream);
  let text = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';
  for (let i = 0; i < upstream.length; i += 2) {
    const name = upstream[i] as string;
    const kind = responseField(name, named);
    if (kind === 'other' || kind === 'date') text += `${name}: ${upstream[i + 1] as string}\r\n`;
  }
  return `${text}${fieldLines(extra)}\r\n`;
}

/** An interim answer other than 100 and 101 (RFC 9110, 15.2). */
export function interimHead(status: number, fields: Fields): string {
  const named = namedByConnection(fields);
  let text = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const kind = responseField(name, named);
    if (kind === 'other' || kind === 'date') text += `${name}: ${fields[i + 1] as string}\r\n`;
  }
  return `${text}\r\n`;
}

/** The interim answer for which a client waits before it sends content. */
export const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/**
 * The head of an answer of our own. `length` is `undefined` for content in chunks or until the close. Throws `TypeError`
 * for a field that would break it.
 */
export function replyHead(reply: Pick<Reply, 'status' | 'fields'>, length: number | undefined, rest: string): string {
  const { status, fields } = reply;
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new TypeError(`Cannot write status ${status}`);
  let text = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${fieldLines(fields)}${rest}`;
  if (length !== undefined && status !== 204 && status !== 304) text += `Content-Length: ${length}\r\n`;
  return `${text}\r\n`;
}

export interface EndpointHead {
  readonly method: string;
  readonly status: number;
  readonly fields: Fields;
  readonly framing: 'chunked' | 'empty' | 'until-close';
  readonly close: boolean;
  readonly date: string;
}

/** The head of an answer that one of our own endpoints made. Throws `TypeError` for a field that would break it. */
export function endpointHead({ method, status, fields, framing, close, date }: EndpointHead): string {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const kind = responseField(fields[i] as string, undefined);
    if (kind === 'hop' || kind === 'trailer' || kind === 'date') continue;
    // Only where no content can contradict it.
    if (kind === 'length' && hasContent(method, status)) continue;
    kept.push(fields[i] as string, fields[i + 1] as string);
  }
  let rest = close ? `${date}Connection: close\r\n` : date;
  if (framing === 'chunked') rest += 'Transfer-Encoding: chunked\r\n';
  const empty = framing === 'empty' && hasContent(method, status);
  return replyHead({ status, fields: kept }, empty ? 0 : undefined, rest);
}

/** Whether an answer with this status to this method has content (RFC 9110, 6.4.1). */
export function hasContent(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304;
}

function fieldLines(fields: Fields): string {
  let text = '';
  for (let i = 0; i < fields.length; i += 2) text += fieldLine(fields[i] as string, fields[i + 1] as string);
  return text;
}

/** Trailer fields that can be written as they are. Throws `TypeError` for others. */
export function checkTrailers(trailers: Fields): Fields {
  if (trailers.length > 0) fieldLines(trailers);
  return trailers;
}
