/**
 * What a client of the issuer may have: pure decisions about one request for a token.
 *
 * @module
 */
import { type GroupRef, groupRef, isMember, type Subject } from '../../policy/subject.ts';
import type { TokenError, TokenRequest } from './token-request.ts';

/** A program that gets tokens. */
export interface TokenClient {
  readonly id: string;
  /** Who its tokens are for; the first, when it names none. */
  readonly audiences: readonly string[];
  /** Names of the groups that go into its tokens, with `*` for any characters. */
  readonly groups: readonly string[];
  /** Who gets tokens; `undefined`: everybody. */
  readonly allow: { readonly groups: readonly string[]; readonly roles: readonly string[] } | undefined;
  readonly lifetimeMs: number;
  readonly roles: boolean;
  readonly scopes: readonly string[];
  /** Entries of `sign_in`; `undefined`: all. */
  readonly signIn: ReadonlySet<string> | undefined;
  /** Whether a page in a browser may have one. */
  readonly pages: boolean;
}

export interface Refusal {
  readonly kind: 'refused';
  readonly status: 400 | 403;
  readonly error: TokenError;
  /** For whoever has written the program. */
  readonly description: string;
  /** A word for the audit log. */
  readonly reason: string;
}

/** The client that asks, and the audience that it asks for. */
export function clientOf(
  { client: id, audience: asked }: TokenRequest,
  clients: readonly TokenClient[],
): { readonly kind: 'ok'; readonly client: TokenClient; readonly audience: string } | Refusal {
  const fitting = clients.filter((one) => id === undefined || one.id === id);
  if (fitting.length === 0) return refused(400, 'invalid_client', 'There is no such client_id', 'no-such-client');
  const client = asked === undefined ? fitting[0] : fitting.find(({ audiences }) => audiences.includes(asked));
  const audience = asked ?? client?.audiences[0];
  if (client === undefined || audience === undefined)
    return refused(400, 'invalid_target', 'There are no tokens for this audience', 'no-such-audience');
  return { kind: 'ok', client, audience };
}

/** Whether somebody gets a token of this client, by whatever they have signed in. */
export function mayHave(
  { allow, signIn }: TokenClient,
  subject: Subject,
  provider: string | undefined,
): { readonly kind: 'ok' } | Refusal {
  if (signIn !== undefined && !signIn.has(provider ?? ''))
    return refused(403, 'access_denied', 'This way to sign in gets no token here', 'sign-in-method');
  if (allow === undefined) return { kind: 'ok' };
  const isAllowed =
    allow.groups.some((group) => isMember(subject, groupRef(group))) ||
    allow.roles.some((role) => subject.roles.has(role));
  return isAllowed ? { kind: 'ok' } : refused(403, 'access_denied', 'This account gets no token here', 'not-allowed');
}

/** What goes into the token of all that a person has: what the client may have, less what it does not ask for. */
export function contentsFor(
  client: TokenClient,
  { groups: askedGroups, scopes: askedScopes }: TokenRequest,
  all: readonly string[],
): { readonly kind: 'ok'; readonly groups: readonly string[]; readonly scopes: readonly string[] } | Refusal {
  const patterns = client.groups.map(groupPattern);
  // One group may come by two spellings, and goes in once.
  const open = new Map(
    all.filter((group) => patterns.some((fits) => fits(group))).map((group) => [foldName(group), group]),
  );
  const wanted = askedGroups?.map(foldName);
  if (wanted?.some((name) => !open.has(name)) === true)
    return refused(400, 'invalid_scope', 'A token here has not all of these groups', 'groups');
  if (askedScopes?.some((scope) => !client.scopes.includes(scope)) === true)
    return refused(400, 'invalid_scope', 'A token here has not all of these scopes', 'scope');
  const names = wanted === undefined ? [...open.keys()] : [...new Set(wanted)];
  return {
    kind: 'ok',
    groups: names.flatMap((name) => open.get(name) ?? []).sort(),
    scopes: askedScopes === undefined ? client.scopes : [...new Set(askedScopes)],
  };
}

/** The one spelling of the name of a group, as policy has it. */
const foldName = (name: string): string => {
  const { kind, key }: GroupRef = groupRef(name);
  return `${kind} ${key}`;
};

/** Whether a name fits: `*` stands for any characters, and upper and lower case are the same. */
export function groupPattern(pattern: string): (group: string) => boolean {
  const [first = '', ...rest] = pattern.split('*').map((piece) => foldPiece(piece));
  const last = rest.pop();
  if (last === undefined) return (group) => foldPiece(group) === first;
  return (group) => {
    const name = foldPiece(group);
    if (!name.startsWith(first) || name.length < first.length + last.length) return false;
    let at = first.length;
    const end = name.length - last.length;
    for (const piece of rest) {
      const found = name.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return name.endsWith(last);
  };
}

/** As policy folds names, without taking one for a SID. */
const foldPiece = (text: string): string => groupRef(`.${text}`).key.slice(1);

const refused = (status: Refusal['status'], error: TokenError, description: string, reason: string): Refusal => ({
  kind: 'refused',
  status,
  error,
  description,
  reason,
});
