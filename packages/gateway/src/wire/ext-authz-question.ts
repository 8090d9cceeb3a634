/**
 * What Envoy asks over gRPC (`envoy.service.auth.v3`), read into the request that it is about. Pure: the message is data already.
 *
 * @module
 */
import type { Connection, RequestHead } from './http.ts';
import { type Dialect, dialects, originalRequest, type QuestionRefusal } from './forward-auth-question.ts';
import type { Fields } from './fields.ts';

/** `CheckRequest`, as far as `protos/ext_authz.proto` declares it; what is absent in the message is absent here. */
export interface CheckRequest {
  readonly attributes?: {
    readonly source?: { readonly address?: { readonly socketAddress?: { readonly address?: string } } };
    readonly request?: { readonly http?: AskedRequest };
  };
}

/** The request that Envoy asks about. */
export interface AskedRequest {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly query?: string;
  readonly fragment?: string;
  /** Fields of one name joined. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The fields as they came. */
  readonly headerMap?: { readonly headers?: readonly AskedField[] };
}

export interface AskedField {
  readonly key?: string;
  readonly value?: string;
  readonly rawValue?: Uint8Array;
}

export type CheckRefusal =
  | QuestionRefusal
  | 'forward-auth-no-request'
  | 'forward-auth-fields-twice'
  | 'forward-auth-field-joined'
  | 'forward-auth-field-malformed'
  | 'forward-auth-pseudo-field'
  | 'forward-auth-query-apart'
  | 'forward-auth-too-large';

export type CheckQuestion =
  | { readonly kind: 'ok'; readonly original: RequestHead }
  | { readonly kind: 'refused'; readonly reason: CheckRefusal };

/** What a head may be, as at the listeners. */
export interface HeadLimits {
  readonly bytes: number;
  readonly fields: number;
}

/** Over gRPC Envoy can send the app another target than the client's, and removes whatever the answer names. */
export const envoyByGrpc: Dialect = { ...dialects.envoy, removal: 'headers_to_remove', retargets: true };

/** The request that a check is about. Whatever in it could be meant in two ways is a refusal. */
export function checkedRequest(request: CheckRequest, connection: Connection, limits: HeadLimits): CheckQuestion {
  const { source, request: asked } = request.attributes ?? {};
  const http = asked?.http;
  // Envoy's filter for TCP asks without a request.
  if (http === undefined) return refused('forward-auth-no-request');
  const { method = '', path = '', host = '', query = '', fragment = '' } = http;
  if (query !== '' || fragment !== '') return refused('forward-auth-query-apart');
  const own = fieldsOf(http);
  if (own.kind === 'refused') return own;

  const fields = ['Host', host];
  const pseudo = new Map<string, string>();
  const upgrades: string[] = [];
  let hasAddress = false;
  let bytes = method.length + path.length + host.length;
  for (let i = 0; i < own.fields.length; i += 2) {
    const name = own.fields[i] as string;
    const value = own.fields[i + 1] as string;
    bytes += name.length + value.length;
    if (unprintable.test(value)) return refused('forward-auth-field-malformed');
    if (name.startsWith(':')) {
      if (pseudo.has(name)) return refused('forward-auth-pseudo-field');
      pseudo.set(name, value);
      continue;
    }
    if (!token.test(name)) return refused('forward-auth-field-malformed');
    switch (name.toLowerCase()) {
      case 'host':
        // The one that counts is told apart from the fields.
        if (value !== host) return refused('forward-auth-field-repeated');
        continue;
      case 'upgrade':
        upgrades.push(value);
        continue;
      case 'x-original-upgrade':
        continue;
      case 'authorization':
        if (isJoined(value)) return refused('forward-auth-field-joined');
        break;
      case 'x-forwarded-proto':
        if (value.includes(',')) return refused('forward-auth-field-joined');
        break;
      case 'x-forwarded-for':
        hasAddress = true;
    }
    fields.push(name, value);
  }
  if (bytes > limits.bytes || own.fields.length / 2 > limits.fields) return refused('forward-auth-too-large');
  for (const [name, value] of pseudo) {
    const same = name === ':method' ? method : name === ':path' ? path : name === ':authority' ? host : undefined;
    if (name !== ':scheme' && value !== same) return refused('forward-auth-pseudo-field');
  }
  // Unlike a proxy that asks over HTTP, Envoy tells what the client wants to change to: a handshake without a key is one.
  if (upgrades.length > 0) fields.push('X-Original-Upgrade', upgrades.join(', '));
  const address = source?.address?.socketAddress?.address;
  if (!hasAddress && address !== undefined) fields.push('X-Forwarded-For', address);
  return originalRequest({ method, target: path, fields, connection, upgrade: false }, envoyByGrpc, '', removesNothing);
}

/** Names of a header field (RFC 9110, 5.6.2). */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What no value may have (RFC 9110, 5.5). */
const unprintable = /[\0\r\n]/;

type Read =
  | { readonly kind: 'ok'; readonly fields: Fields }
  | { readonly kind: 'refused'; readonly reason: CheckRefusal };

function fieldsOf({ headers, headerMap }: AskedRequest): Read {
  const fields: string[] = [];
  const joined = Object.entries(headers ?? {});
  const single = headerMap?.headers ?? [];
  if (joined.length > 0 && single.length > 0) return refused('forward-auth-fields-twice');
  for (const { key = '', value = '', rawValue } of single) {
    const raw = rawValue === undefined ? undefined : Buffer.from(rawValue).toString('latin1');
    fields.push(key, raw === undefined || raw === '' ? inBytes(value) : raw);
  }
  for (const [name, value] of joined) {
    fields.push(name, inBytes(value));
  }
  return { kind: 'ok', fields };
}

/**
 * Whether these are the credentials of several `Authorization` fields, which Envoy joins by a comma, also where it is to leave
 * fields as they are. In those of one field a comma stands between parameters (RFC 9110, 11.4).
 */
function isJoined(value: string): boolean {
  if (!value.includes(',')) return false;
  const [, ...further] = value.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').split(',');
  return further.some((part) => !parameter.test(part));
}

const parameter = /^[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*=/;

/** Text as the bytes that it has on the wire, one character each, as the engine gives fields. */
const inBytes = (value: string): string =>
  isAscii.test(value) ? value : Buffer.from(value, 'utf8').toString('latin1');
const isAscii = /^[\0-\x7f]*$/;

const removesNothing = (fields: Fields) => ({ fields, removed: [] });

const refused = (reason: CheckRefusal): { readonly kind: 'refused'; readonly reason: CheckRefusal } => ({
  kind: 'refused',
  reason,
});
