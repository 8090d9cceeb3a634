/**
 * What a program says when it asks for a token: nothing at all, a form or JSON; and how it
 * is told that it cannot have one (RFC 6749, 5.2).
 *
 * @module
 */

export interface TokenRequest {
  readonly client: string | undefined;
  readonly audience: string | undefined;
  /** `undefined`: everything that the client may have. */
  readonly scopes: readonly string[] | undefined;
  readonly groups: readonly string[] | undefined;
  /** Seconds. */
  readonly expiresIn: number | undefined;
}

/** The words of RFC 6749, 5.2, RFC 8707, 2 (`invalid_target`) and RFC 8628, 3.5 (`access_denied`); and one for technical failures (RFC 6749, 4.1.2.1). */
export type TokenError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unsupported_grant_type'
  | 'access_denied'
  | 'temporarily_unavailable';

export type ReadTokenRequest =
  | { readonly kind: 'ok'; readonly request: TokenRequest }
  | { readonly kind: 'wrong'; readonly error: TokenError; readonly description: string };

const known: ReadonlySet<string> = new Set(['client_id', 'audience', 'scope', 'groups', 'expires_in', 'csrf']);
const mostGroups = 1_000;

/** A value that is not of its form; no value of a program's can be this. */
const misread = Symbol('misread');

/**
 * Reads the body. Parameters that are not known are refused, for whoever means something by them would wait for it in vain; so
 * are those that come twice (RFC 6749, 3.2).
 */
export async function readTokenRequest(request: Request): Promise<ReadTokenRequest> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  const body = await request.text();
  const parameters = parametersOf(type, body);
  if (typeof parameters === 'string') return wrong('invalid_request', parameters);
  if (parameters.has('grant_type'))
    return wrong('unsupported_grant_type', 'There is no grant_type here: who signs in with the request gets the token');
  const unknown = [...parameters.keys()].some((name) => !known.has(name));
  if (unknown)
    return wrong('invalid_request', `A parameter is unknown. Known are: ${[...known].slice(0, -1).join(', ')}`);

  const client = textOf(parameters.get('client_id'));
  const audience = textOf(parameters.get('audience'));
  const scopes = listOf(parameters.get('scope'), ' ');
  const groups = listOf(parameters.get('groups'), ',');
  const expiresIn = secondsOf(parameters.get('expires_in'));
  if (client === misread || audience === misread) return wrong('invalid_request', 'client_id and audience are texts');
  if (scopes === misread) return wrong('invalid_scope', 'scope is words with blanks between');
  if (groups === misread) return wrong('invalid_request', 'groups is a list of names; in a form, with commas between');
  if (expiresIn === misread) return wrong('invalid_request', 'expires_in is a number of seconds, 1 or more');
  return { kind: 'ok', request: { client, audience, scopes, groups, expiresIn } };
}

const wrong = (error: TokenError, description: string): ReadTokenRequest => ({ kind: 'wrong', error, description });

/** By name; a text in place of them says what is wrong. */
function parametersOf(type: string | undefined, body: string): ReadonlyMap<string, unknown> | string {
  if (body === '') return new Map();
  if (type === 'application/x-www-form-urlencoded') {
    const pairs = [...new URLSearchParams(body)];
    const parameters = new Map<string, unknown>(pairs);
    return parameters.size === pairs.length ? parameters : 'A parameter occurs twice';
  }
  if (type !== 'application/json') return 'Send JSON (Content-Type: application/json), a form, or no body';
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Map(Object.entries(value));
  } catch {
    // It is not JSON, which is said below.
  }
  return 'The body is not one JSON object';
}

function textOf(value: unknown): string | undefined | typeof misread {
  if (value === undefined) return undefined;
  return typeof value === 'string' && value !== '' && value.length <= 256 ? value : misread;
}

function listOf(value: unknown, between: string): readonly string[] | undefined | typeof misread {
  if (value === undefined) return undefined;
  const list: readonly unknown[] | undefined =
    typeof value === 'string' ? value.split(between) : Array.isArray(value) ? value : undefined;
  if (list === undefined || list.length > mostGroups) return misread;
  const words = list.flatMap((word) => (typeof word === 'string' ? [word.trim()] : []));
  if (words.length < list.length) return misread;
  return words.filter((word) => word !== '');
}

function secondsOf(value: unknown): number | undefined | typeof misread {
  if (value === undefined) return undefined;
  const seconds = typeof value === 'string' && /^[0-9]{1,9}$/.test(value) ? Number(value) : value;
  return typeof seconds === 'number' && Number.isSafeInteger(seconds) && seconds > 0 ? seconds : misread;
}

/** RFC 6749, 5.1: an answer with a token, or about one, is kept nowhere. */
const headers = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** The answer with a token (RFC 6749, 5.1). */
export const tokenGiven = (body: object): Response => Response.json(body, { headers });

/** The answer without one. `request_id` leads to the reason in the audit log. */
export function tokenRefused(
  status: number,
  error: TokenError,
  description: string,
  requestId: string | undefined,
  more: Readonly<Record<string, string>> = {},
): Response {
  const body = { error, error_description: description, request_id: requestId };
  return Response.json(body, { status, headers: { ...headers, ...more } });
}
