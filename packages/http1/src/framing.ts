/**
 * Where a message ends (RFC 9112, 6). The rules by which the RFC lets a recipient repair contradictions are not here:
 * a contradiction is a fault.
 *
 * @module
 */
import { type Fault, fault } from './faults.ts';
import { tokens } from './grammar.ts';

/** How the content of a message is delimited. `length` may be 0: it was announced, and that may mean something. */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** Responses only: it lasts until the connection is closed. */
  | { readonly kind: 'until-close' };

const NONE: BodyFraming = { kind: 'none' };
const CHUNKED: BodyFraming = { kind: 'chunked' };
const UNTIL_CLOSE: BodyFraming = { kind: 'until-close' };

/** What a head says about the content that follows; `undefined` for a field that is absent. */
export interface Announced {
  readonly minor: 0 | 1;
  readonly contentLength: string | undefined;
  readonly transferEncoding: string | undefined;
}

/** How the content of a request is delimited (RFC 9112, 6.3). */
export function requestFraming(announced: Announced): BodyFraming | Fault {
  if (announced.transferEncoding !== undefined) return chunkedFraming(announced);
  return announced.contentLength === undefined ? NONE : lengthFraming(announced.contentLength);
}

/** How the content of the response with this status to a request with this method is delimited (RFC 9112, 6.3). */
export function responseFraming(announced: Announced, status: number, requestMethod: string): BodyFraming | Fault {
  const framing = requestFraming(announced);
  if ('reason' in framing) return framing;
  if (status < 200 || status === 204) {
    // RFC 9110, 8.6 and RFC 9112, 6.1: neither may be there. A length of 0 is what many servers send, and says nothing else.
    const empty = framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0);
    return empty ? NONE : fault('content-not-allowed');
  }
  if (status === 304 || requestMethod === 'HEAD') return NONE;
  return framing.kind === 'none' ? UNTIL_CLOSE : framing;
}

/**
 * Reads the value of `Content-Length` (RFC 9110, 8.6): digits, nothing else. Not the list of equal values that
 * RFC 9112, 6.3 would let us repair, and nothing beyond exact numbers.
 */
export function lengthFraming(value: string): BodyFraming | Fault {
  const length = /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(length) ? { kind: 'length', length } : fault('content-length-malformed');
}

function chunkedFraming({ minor, contentLength, transferEncoding = '' }: Announced): BodyFraming | Fault {
  if (contentLength !== undefined) return fault('content-length-with-transfer-encoding');
  // RFC 9112, 6.1: such a message may have come through somebody who did not understand chunks.
  if (minor === 0) return fault('transfer-encoding-in-http-1.0');
  if (transferEncoding === 'chunked' || transferEncoding.toLowerCase() === 'chunked') return CHUNKED;
  const codings = tokens(transferEncoding);
  const plain = codings !== 'malformed' && codings.indexOf('chunked') === codings.length - 1;
  // Only here would we know where the message ends, though not what it is (RFC 9112, 6.1).
  return plain && codings.length > 1 ? fault('transfer-encoding-unknown', 501) : fault('transfer-encoding-malformed');
}
