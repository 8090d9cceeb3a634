/**
 * Somebody who asks for something, as an administrator imagines it: for `expect` and for `cardea explain`.
 *
 * @module
 */
import { canonicalName } from '../auth/canonical-name.ts';
import type { PasswordUser } from '../auth/password-users.ts';
import type { Identity } from '../core/identity.ts';
import type { Policy } from '../policy/compile.ts';
import type { Circumstances, Grant } from '../policy/condition.ts';
import { decide, type Refusal } from '../policy/decide.ts';
import { credentialKinds } from '../policy/rule.ts';
import { anonymous, type Subject, subjectOf } from '../policy/subject.ts';
import { canonicalTarget, type TargetRefusal } from '../wire/path.ts';
import type { App, Config } from './schema.ts';
import { entryId } from './sign-in-entries.ts';
import { looksLikeSid } from './values/sid.ts';

export interface Situation {
  /** As in the users file, or any other name. Neither name nor groups nor method: nobody has signed in. */
  readonly user: string | undefined;
  /** Names and SIDs, beside those of the users file. */
  readonly groups: readonly string[];
  /** The name of an entry of `sign_in`, or a kind. Default: passwords for people of the users file, else the app's first entry. */
  readonly signedInBy: string | undefined;
  /** Milliseconds ago. */
  readonly signedInAgo: number;
  /** What the request carries. Default: what the method gives. */
  readonly credentials: readonly string[] | undefined;
  readonly circumstances: Circumstances;
  /** What the directory has said about the person. */
  readonly inDirectory?: { readonly identity: Identity; readonly groupsKnown: boolean } | undefined;
}

/** What is known of the deployment. */
export interface Surroundings {
  readonly roles: Config['roles'];
  readonly entries: Config['sign_in'];
  readonly users: readonly PasswordUser[];
}

/** Methods by which people prove who they are, or an issuer can tell when they did. */
export const provingKinds: ReadonlySet<string> = new Set(['negotiate', 'password', 'oidc', 'bearer']);

/** The person of a situation, as policy sees them. */
export function subjectIn(
  { user, groups, signedInBy, signedInAgo, credentials, circumstances, inDirectory }: Situation,
  { roles, entries, users }: Surroundings,
): Subject {
  if (user === undefined && groups.length === 0 && signedInBy === undefined) return anonymous;
  const known = user === undefined ? undefined : userNamed(user, users);
  const usual = known && entries.find(({ password }) => password !== undefined);
  const entry = signedInBy === undefined ? (usual ?? entries[0]) : entryNamed(signedInBy, entries);
  const method = entry === undefined ? (signedInBy ?? 'password') : kindOf(entry);
  const beginsSession = entry?.trusted_header?.session === true || !credentialKinds.some((kind) => kind === method);
  const found = inDirectory?.identity;
  const all = [...(known?.groups ?? []), ...groups, ...(found?.groups ?? []), ...(found?.sids ?? [])];
  const identity: Identity = {
    subject: `explain:${user ?? 'somebody'}`,
    account: known?.account ?? found?.account ?? user ?? 'somebody',
    upn: known?.upn,
    name: known?.displayName,
    email: known?.email,
    sids: all.filter(looksLikeSid).map((sid) => sid.toUpperCase()),
    groups: all.filter((group) => !looksLikeSid(group)),
    method,
    authenticatedAt: circumstances.now - signedInAgo,
    // As the sign-in methods do.
    provenAt: provingKinds.has(method) ? circumstances.now - signedInAgo : undefined,
    expiresAt: Number.MAX_SAFE_INTEGER,
  };
  return subjectOf(identity, roles, {
    credentials: new Set(credentials ?? [beginsSession ? 'session' : method]),
    groupsKnown: inDirectory?.groupsKnown ?? true,
    provider: beginsSession && entry !== undefined ? entryId({ ...entry }) : undefined,
  });
}

/** One of the users file, found as the sign-in finds them. */
export const userNamed = (name: string, users: readonly PasswordUser[]): PasswordUser | undefined =>
  users.find((user) => canonicalName(user.name) === canonicalName(name) || user.account === name);

/** The entry of this name, or else the first of this kind. */
export const entryNamed = (name: string, entries: Config['sign_in']): Config['sign_in'][number] | undefined =>
  entries.find((one) => entryId({ ...one }) === name) ?? entries.find((one) => kindOf(one) === name);

/** The entries by which people and programs sign in to an app, in its own order. */
export function entriesOf({ sign_in: ids }: App, entries: Config['sign_in']): Config['sign_in'] {
  if (ids === undefined || ids === 'none') return entries;
  return ids.flatMap((id) => entries.find((entry) => entryId({ ...entry }) === id) ?? []);
}

export type Outcome =
  | { readonly allow: true; readonly reason: Grant; readonly rule: number; readonly path: string }
  | { readonly allow: false; readonly reason: Refusal; readonly rule: number | undefined; readonly path: string }
  /** No request gets as far as the rules with such a path. */
  | { readonly allow: false; readonly reason: TargetRefusal; readonly rule: undefined; readonly path: undefined };

/** What becomes of a request with this path, as it is written in a request line. */
export function outcomeOf(
  policy: Policy,
  subject: Subject,
  method: string,
  target: string,
  circumstances: Circumstances,
): Outcome {
  const path = canonicalTarget(target);
  if (path.kind === 'refused') return { allow: false, reason: path.reason, rule: undefined, path: undefined };
  return { ...decide(policy, subject, method, path.path, circumstances), path: path.path };
}

/** The one key of an entry that has a value. */
export const kindOf = (entry: Config['sign_in'][number]): string =>
  Object.entries(entry).find(([, options]) => options !== undefined)?.[0] ?? '';
