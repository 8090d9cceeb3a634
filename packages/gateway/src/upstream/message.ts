/**
 * What of an upstream's message goes on, and how a request to it is framed.
 *
 * @module
 */
import { type Fields, fieldValues } from '../wire/fields.ts';
import { endToEndTrailers } from '../wire/trailers.ts';

/** How a request's content is delimited (RFC 9112, 6). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: string }
  | { readonly kind: 'chunked' };

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** What `Connection` may not take away from a response: without these the client would read another message. */
const ESSENTIAL: ReadonlySet<string> = new Set(['content-length', 'content-encoding', 'content-type', 'set-cookie']);

/**
 * The fields of a response that go on to the client (RFC 9110, 7.6.1), in order. `Content-Length` comes last: Node
 * reads a `Content-Disposition` behind it as UTF-8 and refuses what it finds. `Trailer` stays only where trailers can follow.
 */
export function responseFields(fields: Fields, { chunked, status }: { chunked: boolean; status: number }): string[] {
  const named = connectionOptions(fields);
  const kept: string[] = [];
  let length: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || (named?.has(lower) === true && !ESSENTIAL.has(lower))) continue;
    if (lower === 'trailer' && !chunked) continue;
    if (lower === 'content-length') length = fields[i + 1];
    else kept.push(name, fields[i + 1] as string);
  }
  // RFC 9110, 8.6: a 204 or an interim answer has none.
  if (length !== undefined && status !== 204 && status >= 200) kept.push('Content-Length', length);
  return kept;
}

/** The fields of a request as it goes out: framed anew, asking for an upgrade only where one is meant. */
export function requestFields(fields: Fields, framing: Framing, method: string, upgrade: boolean): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (isFraming(name, framing)) continue;
    kept.push(name, fields[i + 1] as string);
  }
  if (upgrade) kept.push('Connection', 'Upgrade', 'Upgrade', 'websocket');
  if (framing.kind === 'length') kept.push('Content-Length', framing.length);
  else if (framing.kind === 'chunked') kept.push('Transfer-Encoding', 'chunked');
  else if (!NO_CONTENT_MEANT.has(method)) kept.push('Content-Length', '0');
  return kept;
}

/** Trailer fields of a response that may go on. */
export const responseTrailers = (trailers: Fields): Fields =>
  trailers.length === 0 ? trailers : endToEndTrailers(trailers, (fields) => ({ fields, removed: [] }));

/** The same fields as pairs, as `addTrailers` and `Headers` take them. */
export function pairs(fields: Fields): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) list.push([fields[i] as string, fields[i + 1] as string]);
  return list;
}

/** Methods for which no content is what a server expects; others say so with a length of 0 (RFC 9110, 8.6). */
const NO_CONTENT_MEANT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

function isFraming(name: string, framing: Framing): boolean {
  switch (name.length) {
    case 7: {
      const lower = name.toLowerCase();
      return lower === 'upgrade' || (lower === 'trailer' && framing.kind !== 'chunked');
    }
    case 10:
      return /^(?:connection|keep-alive)$/i.test(name);
    case 14:
      return name.toLowerCase() === 'content-length';
    case 17:
      return name.toLowerCase() === 'transfer-encoding';
    default:
      return false;
  }
}

function connectionOptions(fields: Fields): ReadonlySet<string> | undefined {
  const values = fieldValues(fields, 'connection');
  if (values.length === 0) return undefined;
  return new Set(values.flatMap((value) => value.split(',')).map((option) => option.trim().toLowerCase()));
}
