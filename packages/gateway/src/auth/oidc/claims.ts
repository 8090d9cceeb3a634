/**
 * From the claims of a provider to an identity. Pure.
 *
 * @module
 */
import type { Identity } from '../../core/identity.ts';
import type { ClaimNames, OidcOptions } from './options.ts';
import { quotable, type Refused, refused } from './refusal.ts';
import { type Claims, isObject } from './token.ts';

/** Who it is, before groups are known. */
export type Person = Pick<Identity, 'subject' | 'account' | 'upn' | 'name' | 'email'>;

const maxTextLength = 256;
const maxGroups = 5_000;

/**
 * The value of a claim. A name is taken as a whole first, since some have dots in them (`https://corp.example/groups`), then
 * as the way into objects (`realm_access.roles`).
 */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}

/**
 * The person that verified claims are about. `issuer` is the one that the token names, tenant and all. `lookUp`: a directory
 * is asked about the person, and what people can perhaps write themselves must not find somebody else there.
 */
export function personOf(
  claims: Claims,
  issuer: string,
  names: ClaimNames,
  lookUp: boolean,
): ({ readonly kind: 'ok' } & Person) | Refused {
  const subject = textOf(claimOf(claims, names.subject));
  if (subject === undefined) return refused('account-missing', `there is no "${names.subject}" for the subject`);
  const account = accountOf(claims, names);
  if (typeof account !== 'string') return account;
  const optional = (name: string): string | undefined => textOf(claimOf(claims, name));
  return {
    kind: 'ok',
    subject: `${issuer}|${subject}`,
    account,
    // Of an account, only when the administrator has said where it is from.
    upn:
      optional(names.upn) ??
      (lookUp && names.user !== undefined && /^[^\\@]+@[^\\@]+$/.test(account) ? account : undefined),
    name: optional(names.name),
    email: isBelieved(claims, names, lookUp) ? optional(names.email) : undefined,
  };
}

/**
 * An address that nobody has verified is anybody's: it finds nobody in a directory, and one that the provider says is not
 * verified is not shown either. An administrator who names another claim than the standard's believes it.
 */
function isBelieved({ email_verified: verified }: Claims, names: ClaimNames, lookUp: boolean): boolean {
  return verified === true || names.email !== 'email' || (verified === undefined && !lookUp);
}

/**
 * The account that apps get. `DOMAIN\name` is what a person of the domain is called: what comes out of a claim that people can
 * perhaps write themselves must not look like it, unless the administrator has named that very claim.
 */
function accountOf(claims: Claims, names: ClaimNames): string | Refused {
  const wanted = names.user ?? ['preferred_username', 'email', 'sub'];
  for (const name of wanted) {
    const account = name.includes('{') ? filledIn(name, claims) : textOf(claimOf(claims, name));
    if (account === undefined) continue;
    if (name === 'email' && names.user === undefined && claims['email_verified'] !== true) continue;
    if (names.user === undefined && account.includes('\\'))
      return refused('account-malformed', `"${name}" looks like an account of a domain: name it in claims.user`);
    if (beginsWith(account, 'key:')) return refused('account-malformed', `"${quotable(name)}" looks like an API key`);
    return account;
  }
  return refused('account-missing', `there is none of ${wanted.map((name) => `"${quotable(name)}"`).join(', ')}`);
}

/** As rules compare: without regard to case, and with the Kelvin sign for a K. */
const beginsWith = (text: string, beginning: string): boolean => text.toLowerCase().startsWith(beginning);

/** `CORP\{samaccountname}`, filled in; `undefined` when something is missing or would add a domain of its own. */
function filledIn(template: string, claims: Claims): string | undefined {
  let complete = true;
  const text = template.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = textOf(claimOf(claims, name));
    if (value === undefined || /[\\@]/.test(value)) complete = false;
    return value ?? '';
  });
  return complete ? textOf(text) : undefined;
}

/** Text without control characters, of a length that can stand in a header. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || text.length > maxTextLength || /\p{Cc}/u.test(text) ? undefined : text;
}

export type ClaimedGroups =
  | { readonly kind: 'ok'; readonly groups: readonly string[] }
  /** There are more than fit into a token, and they must be asked for elsewhere (Entra). */
  | { readonly kind: 'overage' }
  | Refused;

/** The groups and app roles that claims state. Roles are told apart from groups of the same name: `role:Trader`. */
export function groupsOf(claims: Claims, options: Pick<OidcOptions, 'claims' | 'groupNames'>): ClaimedGroups {
  const { groups: groupsName, roles: rolesName } = options.claims;
  const roles = rolesName === undefined ? [] : listOf(claimOf(claims, rolesName));
  if (roles === undefined) return refused('groups-malformed', `"${rolesName}" is not a list of texts`);
  const prefixed = roles.map((role) => `role:${role}`);
  if (groupsName === undefined) return { kind: 'ok', groups: prefixed };
  if (isOverage(claims, groupsName)) return { kind: 'overage' };
  const groups = listOf(claimOf(claims, groupsName));
  if (groups === undefined) return refused('groups-malformed', `"${groupsName}" is not a list of texts`);
  return { kind: 'ok', groups: unique([...groups.map((group) => named(group, options.groupNames)), ...prefixed]) };
}

/** Entra: `hasgroups` in short tokens, else a distributed claim (OpenID Connect Core 1.0, 5.6.2) in the place of the list. */
function isOverage(claims: Claims, groupsName: string): boolean {
  const elsewhere = claims['_claim_names'];
  return (
    claims['hasgroups'] === true ||
    claims['hasgroups'] === 'true' ||
    (isObject(elsewhere) && Object.hasOwn(elsewhere, groupsName))
  );
}

/**
 * The name for a group's id. An id that the table does not name stays what it is: rules may speak of it. But a group must not
 * pass for an app role, and whoever may create groups may call one `role:Admin`.
 */
export function named(id: string, names: Readonly<Record<string, string>>): string {
  const name = Object.hasOwn(names, id.toLowerCase()) ? names[id.toLowerCase()] : undefined;
  return name ?? (beginsWith(id, 'role:') ? `group:${id}` : id);
}

export const unique = (groups: readonly string[]): readonly string[] => [...new Set(groups)];

/** A list of texts, or one text; an absent claim is no group. Anything else is `undefined`: it must not pass for "no groups". */
function listOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = items.map(textOf).filter((text) => text !== undefined);
  return texts.length === items.length && texts.length <= maxGroups ? texts : undefined;
}

/** Whether somebody with these groups may sign in. Names are compared without regard to case, as policies do. */
export function isAllowed(groups: readonly string[], allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true;
  const own = new Set(groups.map((group) => group.toLowerCase()));
  return allowed.some((group) => own.has(group.toLowerCase()));
}
