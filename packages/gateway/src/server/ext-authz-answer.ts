/**
 * A judgement as a message of `envoy.service.auth.v3`.
 *
 * @module
 */
import type { Fields } from '../wire/fields.ts';
import type { Reply, RequestHead } from '../wire/http.ts';
import type { Judgement } from './forward-auth.ts';

/** `CheckResponse`, as far as `protos/ext_authz.proto` declares it. */
export interface CheckResponse {
  /** A number of `google.rpc.Code`. */
  readonly status: { readonly code: number };
  readonly deniedResponse?: {
    readonly status: { readonly code: number };
    readonly headers: readonly HeaderValueOption[];
    readonly body: string;
  };
  readonly okResponse?: {
    readonly headers: readonly HeaderValueOption[];
    readonly headersToRemove: readonly string[];
    readonly responseHeadersToAdd: readonly HeaderValueOption[];
  };
}

export interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value: string };
  readonly appendAction: number;
}

const append = 0;
const overwrite = 2;

/**
 * The answer that lets pass, with what the app gets; each field takes the place of the client's own of its name. `undefined` when it
 * cannot be told: a message is Unicode, and the client has sent something else in a field that is given anew.
 */
export function okAnswer(
  judgement: Extract<Judgement, { allow: true }>,
  original: RequestHead,
): CheckResponse | undefined {
  const { identityFields, clientFields, responseFields, target } = judgement;
  const headers: HeaderValueOption[] = [];
  const given = new Set<string>();
  for (let i = 0; i < identityFields.length; i += 2) {
    const key = identityFields[i] as string;
    const value = asText(identityFields[i + 1] as string);
    if (value === undefined) return undefined;
    headers.push(option(key, value, given.has(key.toLowerCase()) ? append : overwrite));
    given.add(key.toLowerCase());
  }
  for (let i = 0; i < clientFields.length; i += 2) {
    const key = clientFields[i] as string;
    const value = asText(clientFields[i + 1] as string);
    if (value === undefined) return undefined;
    // What is said of the person has no second voice.
    if (!given.has(key.toLowerCase())) headers.push(option(key, value, overwrite));
  }
  if (target !== original.target) {
    const path = asText(target);
    if (path === undefined) return undefined;
    headers.push(option(':path', path, overwrite));
  }
  return {
    status: { code: 0 },
    okResponse: {
      headers,
      headersToRemove: judgement.removed(),
      responseHeadersToAdd: responseOptions(responseFields, isAdded),
    },
  };
}

/** The answer that refuses, with what the client gets. */
export function deniedAnswer({ status, fields, body }: Reply): CheckResponse {
  const seen = new Set<string>();
  return {
    status: { code: status === 401 ? unauthenticated : permissionDenied },
    deniedResponse: {
      status: { code: status },
      // Envoy has fields of its own on its replies, such as Content-Type. Of ours, several of a name all count.
      headers: responseOptions(fields, (name) => seen.has(name) || (seen.add(name), false)),
      body: typeof body === 'string' ? body : Buffer.from(body).toString('utf8'),
    },
  };
}

const permissionDenied = 7;
const unauthenticated = 16;

/** Fields that stand beside the app's own of their name. */
const isAdded = (name: string): boolean => name === 'set-cookie' || name === 'vary' || name === 'www-authenticate';

function responseOptions(fields: Fields, adds: (lowerName: string) => boolean): HeaderValueOption[] {
  const options: HeaderValueOption[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = Buffer.from(fields[i + 1] as string, 'latin1').toString('utf8');
    options.push(option(name, value, adds(name.toLowerCase()) ? append : overwrite));
  }
  return options;
}

const option = (key: string, value: string, appendAction: number): HeaderValueOption => ({
  header: { key, value },
  appendAction,
});

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What these bytes, one character each, say in UTF-8; `undefined` when they say nothing. */
function asText(bytes: string): string | undefined {
  if (isAscii.test(bytes)) return bytes;
  try {
    return strict.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return undefined;
  }
}

const isAscii = /^[\0-\x7f]*$/;
