import { foldFieldName } from './field-names.ts';
import type { RequestHead } from './http.ts';
import { isFieldValue, isToken } from './field-grammar.ts';
import { type HandshakeRefusal, websocketHandshake } from '@cardea/http1';

export type RequestRefusal =
  | 'method-malformed'
  | 'method-not-served'
  | 'field-name-malformed'
  | 'field-name-alias'
  | 'field-value-malformed'
  | 'field-repeated'
  | 'host-missing'
  | 'content-length-malformed'
  | 'content-length-with-transfer-encoding'
  | 'transfer-encoding-unknown'
  | 'expectation-unknown'
  | HandshakeRefusal;

export type RequestCheck =
  | { readonly kind: 'ok' }
  | { readonly kind: 'refused'; readonly status: 400 | 405 | 417 | 426 | 501; readonly reason: RequestRefusal };

/**
 * Fields of which a second one would let two readers disagree about the message, its sender or its way. In all but
 * `Cookie`, bytes above 0x7f have no meaning either.
 */
const SINGLE: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'origin',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-websocket-key',
  'sec-websocket-version',
  'transfer-encoding',
]);

/** Fields whose alias (`Content_Length`) a server behind us could take for the field itself. */
const WITHOUT_ALIAS: ReadonlySet<string> = new Set([...SINGLE, 'connection', 'te', 'trailer', 'upgrade']);

const ASCII_VALUE = /^[\t\x20-\x7e]*$/;
const METHOD = /^[A-Z]{1,24}(?:-[A-Z]{1,24})?$/;
/** `TRACE` sends credentials back to scripts that may not read them; `CONNECT` is for proxies of another kind. */
const NOT_SERVED: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);

/**
 * Refuses what is ambiguous in a request head although an HTTP parser may have let it pass (RFC 9112, 5 and 6;
 * design 5.3). The target and the value of `Host` have readers of their own: `canonicalTarget` and `canonicalHost`.
 */
export function checkRequest({ method, fields }: Pick<RequestHead, 'method' | 'fields'>): RequestCheck {
  if (!METHOD.test(method)) return refused('method-malformed');
  if (NOT_SERVED.has(method)) return refused('method-not-served', 405);

  const single = new Map<string, string>();
  if (fields.length % 2 !== 0) return refused('field-name-malformed');
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const value = fields[i + 1] ?? '';
    if (!isToken(name)) return refused('field-name-malformed');
    // Line breaks among them: an obs-fold (RFC 9112, 5.2) or a field smuggled into another.
    if (!isFieldValue(value)) return refused('field-value-malformed');

    const lower = name.toLowerCase();
    if (SINGLE.has(lower)) {
      if (single.has(lower)) return refused('field-repeated');
      if (lower !== 'cookie' && !ASCII_VALUE.test(value)) return refused('field-value-malformed');
      single.set(lower, value);
    } else if (isAlias(lower)) return refused('field-name-alias');
  }

  if (!single.has('host')) return refused('host-missing');
  return checkFraming(single) ?? checkExpectation(single) ?? checkHandshake(method, fields) ?? { kind: 'ok' };
}

function isAlias(lowerName: string): boolean {
  const folded = foldFieldName(lowerName);
  return folded !== lowerName && WITHOUT_ALIAS.has(folded);
}

function checkFraming(single: ReadonlyMap<string, string>): RequestCheck | undefined {
  const length = single.get('content-length');
  const coding = single.get('transfer-encoding');
  if (length !== undefined && coding !== undefined) return refused('content-length-with-transfer-encoding');
  // Also refuses the list of equal lengths that RFC 9112, 6.3 would allow to be repaired.
  if (length !== undefined && !isLength(length)) return refused('content-length-malformed');
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return refused('transfer-encoding-unknown', 501);
  return undefined;
}

const isLength = (text: string): boolean => /^[0-9]{1,16}$/.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER;

function checkExpectation(single: ReadonlyMap<string, string>): RequestCheck | undefined {
  const expectation = single.get('expect');
  if (expectation === undefined || expectation.toLowerCase() === '100-continue') return undefined;
  return refused('expectation-unknown', 417);
}

function checkHandshake(method: string, fields: RequestHead['fields']): RequestCheck | undefined {
  const handshake = websocketHandshake(method, fields);
  return handshake.kind === 'refused' ? handshake : undefined;
}

const refused = (reason: RequestRefusal, status: 400 | 405 | 417 | 501 = 400): RequestCheck => ({
  kind: 'refused',
  status,
  reason,
});
