/**
 * What this app learns about its visitor: the header fields that the gateway sets, and
 * nothing else. A real app needs no more than `headers['x-authenticated-user']`.
 *
 * @module
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export interface Visitor {
  readonly user: string | undefined;
  readonly upn: string | undefined;
  readonly name: string | undefined;
  readonly email: string | undefined;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  /** The claims inside X-Cardea-Assertion, shown as they are; `docs/assertion.md` tells how an app verifies them. */
  readonly assertion: unknown;
}

/** Reads the identity of a request or of a WebSocket handshake: the same header fields on both. */
export function visitorOf(headers: IncomingHttpHeaders): Visitor {
  return {
    user: text(headers, 'x-authenticated-user'),
    upn: text(headers, 'x-authenticated-upn'),
    name: text(headers, 'x-authenticated-name'),
    email: text(headers, 'x-authenticated-email'),
    groups: list(headers, 'x-authenticated-groups'),
    roles: list(headers, 'x-authenticated-roles'),
    assertion: claims(headers['x-cardea-assertion']),
  };
}

/** Every field of the request as it arrived, names in order: shows that a forged one did not get through. */
export function fieldsOf(request: IncomingMessage): readonly (readonly [name: string, value: string])[] {
  const fields: [string, string][] = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2)
    fields.push([request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? '']);
  return fields;
}

/** The gateway percent-encodes what is not ASCII (`header_encoding: percent`). */
function text(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? decode(value) : undefined;
}

function list(headers: IncomingHttpHeaders, name: string): readonly string[] {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value.split(',').map((item) => decode(item.trim())) : [];
}

/** Whoever reaches this app around the gateway can send what the gateway never would; it is shown as it came. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function claims(jwt: string | readonly string[] | undefined): unknown {
  if (typeof jwt !== 'string') return undefined;
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
  } catch {
    return 'not a JWT';
  }
}
