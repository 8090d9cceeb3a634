import type { Identity } from '../../core/identity.ts';
import { groupsOf, isAllowed, personOf, unique } from './claims.ts';
import { graphGroups } from './graph.ts';
import type { OidcOptions } from './options.ts';
import type { Outbound } from './outbound.ts';
import { type Refused, refused } from './refusal.ts';
import type { Claims } from './token.ts';
import { provenAt } from './token-claims.ts';

/** Who it is, with groups as far as the provider gives them. */
export interface Identified {
  readonly identity: Identity;
  /** Groups are asked of the gateway's own directory. */
  readonly lookUpGroups: boolean;
  /** For the audit log: what did not work and was allowed not to. */
  readonly note: string | undefined;
}

export interface IdentifyParts {
  readonly options: OidcOptions;
  readonly outbound: Pick<Outbound, 'fetch'>;
  readonly now: number;
  /** What the signed token says of when the person proved who they are. */
  readonly authTime: number | undefined;
}

/** From verified claims to an identity whose groups are complete, or known not to be. */
export async function identify(
  claims: Claims,
  issuer: string,
  accessToken: string,
  { options, outbound, now, authTime }: IdentifyParts,
): Promise<({ readonly kind: 'ok' } & Identified) | Refused> {
  // Before a directory was asked nobody's groups are known: the rules are what decides then.
  const lookUpGroups = options.groupsFrom === 'directory';
  const person = personOf(claims, issuer, options.claims, lookUpGroups);
  if (person.kind === 'refused') return person;
  const found = await groupsFrom(claims, accessToken, options, outbound);
  if (found.kind === 'refused') return found;
  if (!lookUpGroups && !isAllowed(found.groups, options.groupsAllowed))
    return refused('group-not-allowed', `${person.account} is in none of the groups that may sign in`);
  const { subject, account, upn, name, email } = person;
  const identity: Identity = {
    subject,
    account,
    upn,
    name,
    email,
    sids: [],
    groups: found.groups,
    method: 'oidc',
    authenticatedAt: now,
    provenAt: provenAt(authTime, now),
    expiresAt: now + options.lifetimeMs,
  };
  return { kind: 'ok', identity, lookUpGroups, note: found.note };
}

type Groups = { readonly kind: 'ok'; readonly groups: readonly string[]; readonly note: string | undefined } | Refused;

async function groupsFrom(
  claims: Claims,
  accessToken: string,
  options: OidcOptions,
  outbound: Pick<Outbound, 'fetch'>,
): Promise<Groups> {
  const askGraph = options.groupsFrom === 'graph';
  const skipped = { ...options.claims, groups: undefined };
  const wanted = options.groupsFrom === 'claims' ? options.claims : skipped;
  const claimed = groupsOf(claims, { ...options, claims: wanted });
  if (claimed.kind === 'refused') return claimed;
  if (claimed.kind === 'ok' && !askGraph) return { ...claimed, note: undefined };
  const roles = groupsOf(claims, { ...options, claims: skipped });
  if (roles.kind !== 'ok') return roles.kind === 'refused' ? roles : refused('groups-malformed', 'roles are elsewhere');
  const asked = await graphGroups(outbound, accessToken, options.graph, options.groupNames);
  if (asked.kind === 'ok') return { kind: 'ok', groups: unique([...asked.groups, ...roles.groups]), note: undefined };
  if (options.graph.onFailure === 'refuse') return asked;
  return { ...roles, note: `signed in without groups: ${asked.detail}` };
}
