/**
 * What the browser brings back from the provider (RFC 6749, 4.1.2; RFC 9207). Anybody can write such a URL: it is read
 * strictly, and nothing in it is shown to the person.
 *
 * @module
 */
import { quotable, type Refused, refused } from './refusal.ts';

export type AuthorizationResponse =
  | { readonly kind: 'code'; readonly code: string; readonly issuer: string | undefined }
  | Refused;

/** `state` was read before, by `stateOf`. */
const read = ['code', 'iss', 'error', 'error_description'];
const maxLength = 8_192;

/** The `state` of an answer; `undefined` when there is none, or more than one. */
export function stateOf(parameters: URLSearchParams): string | undefined {
  const [state, ...more] = parameters.getAll('state');
  return state === undefined || more.length > 0 || !/^[A-Za-z0-9_-]{43}$/.test(state) ? undefined : state;
}

/**
 * Reads an answer that belongs to a transaction with `issuers` (several, when one provider stands for several tenants).
 * `statesIssuer`: the provider has promised to say who it is, which tells a mixed-up answer of another provider apart.
 */
export function readAuthorizationResponse(
  parameters: URLSearchParams,
  issuers: readonly string[],
  statesIssuer: boolean,
): AuthorizationResponse {
  const repeated = read.find((name) => parameters.getAll(name).length > 1);
  if (repeated !== undefined) return refused('response-malformed', `"${repeated}" is there more than once`);
  const issuer = parameters.get('iss') ?? undefined;
  if (issuer === undefined && statesIssuer)
    return refused('response-issuer', 'it does not say which provider it is from');
  if (issuer !== undefined && !issuers.includes(issuer))
    return refused('response-issuer', `it is from "${quotable(issuer)}"`);
  const error = parameters.get('error');
  if (error !== null) return errorOf(error, parameters.get('error_description'));
  const code = parameters.get('code');
  if (code === null || code === '' || code.length > maxLength) return refused('response-malformed', 'it has no code');
  return { kind: 'code', code, issuer };
}

function errorOf(error: string, description: string | null): Refused {
  const detail = `the provider says "${quotable(error)}"${description === null ? '' : `: ${quotable(description)}`}`;
  if (error === 'access_denied') return refused('access-denied', detail);
  return refused(needsPerson.has(error) ? 'login-required' : 'provider-error', detail);
}

/** OpenID Connect Core 1.0, 3.1.2.6: without asking the person something it does not work. */
const needsPerson: ReadonlySet<string> = new Set([
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]);
