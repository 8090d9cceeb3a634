import { foldFieldName } from './field-names.ts';
import { type Fields, fieldValues } from './fields.ts';
import { tokenList } from './field-grammar.ts';

export type HopRefusal = 'connection-malformed' | 'connection-names-essential-field';

export type EndToEnd =
  | { readonly kind: 'ok'; readonly fields: Fields }
  | { readonly kind: 'refused'; readonly reason: HopRefusal };

/**
 * Fields that end at this hop (RFC 9110, 7.6.1), whether or not `Connection` names them. `Proxy` is no field of HTTP:
 * CGI programs would take it for the variable `HTTP_PROXY`. `HTTP2-Settings` belongs to `Upgrade: h2c`, by which a
 * client could smuggle a second connection past us.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** A client that could have one of these dropped would change what the request means behind us. */
const ESSENTIAL: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'origin',
  'referer',
  'trailer',
  'transfer-encoding',
]);
const ESSENTIAL_PREFIXES = ['sec-', 'x-forwarded-', 'access-control-'];

/**
 * The fields of a request that go on to the upstream, in order: without `Connection` and what it names, and without
 * the others that end here. `TE: trailers` stays, since it speaks for the whole way. For a WebSocket handshake the two
 * fields that ask for it are written anew, so that exactly `websocket` is asked for.
 *
 * The gateway adds its own fields after this step, so that `Connection` cannot name them away.
 *
 * `framed`: what frames the content stays in its place, and nothing is written anew for a handshake.
 */
export function endToEndFields(
  fields: Fields,
  { upgrade, framed = false }: { readonly upgrade: boolean; readonly framed?: boolean },
): EndToEnd {
  const options = tokenList(fieldValues(fields, 'connection'));
  if (options === 'malformed') return { kind: 'refused', reason: 'connection-malformed' };
  const named = new Set(options.map(foldFieldName));
  for (const name of named) {
    if (isEssential(name)) return { kind: 'refused', reason: 'connection-names-essential-field' };
  }

  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const folded = foldFieldName(name);
    const stays = framed && folded === 'transfer-encoding';
    if (!stays && (HOP_BY_HOP.has(folded) || named.has(folded))) continue;
    kept.push(name, fields[i + 1] ?? '');
  }
  if (wantsTrailers(fields)) kept.push('TE', 'trailers');
  if (upgrade && !framed) kept.push('Connection', 'Upgrade', 'Upgrade', 'websocket');
  return { kind: 'ok', fields: kept };
}

const isEssential = (name: string): boolean =>
  ESSENTIAL.has(name) || ESSENTIAL_PREFIXES.some((prefix) => name.startsWith(prefix));

const wantsTrailers = (fields: Fields): boolean =>
  fieldValues(fields, 'te').some((value) =>
    value.split(',').some((coding) => coding.split(';', 1)[0]?.trim().toLowerCase() === 'trailers'),
  );
