import type { Identity } from '../core/identity.ts';
import type { Role } from './rule.ts';

/**
 * Somebody as policy sees them: everything that conditions ask for, looked up once per identity and not once per
 * request. Made by `subjectOf` alone; kept beside the identity wherever that is cached.
 */
export interface Subject {
  /** `undefined`: nobody has signed in. */
  readonly identity: Identity | undefined;
  /** Names of groups, folded. */
  readonly groups: ReadonlySet<string>;
  /** SIDs of groups, `S-1-...`. */
  readonly sids: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
  /** `*` opens all. */
  readonly modules: ReadonlySet<string>;
  /** The kinds of credentials that the request proved; `session` for any that began a session. */
  readonly credentials: ReadonlySet<string>;
  /** The name of the sign-in method's entry, where a session began by one. */
  readonly provider: string | undefined;
  /**
   * False where somebody may be in groups that are not here: a directory has not told them all, or the sign-in told none, as a
   * Kerberos ticket without PAC, which whoever asks for it gets.
   */
  readonly groupsKnown: boolean;
}

/** What is known of a sign-in beside who it was. */
export interface SignInFacts {
  readonly credentials?: ReadonlySet<string>;
  readonly provider?: string | undefined;
  readonly groupsKnown?: boolean;
}

const none: ReadonlySet<string> = new Set();
const bySession: ReadonlySet<string> = new Set(['session']);
const writtenDown: ReadonlySet<string> = new Set(['password', 'api_key', 'development']);

/** Prepares an identity for `decide`. */
export function subjectOf(
  identity: Identity | undefined,
  roles: Readonly<Record<string, Role>>,
  facts: SignInFacts = {},
): Subject {
  const { credentials = identity === undefined ? none : bySession, provider } = facts;
  const groupsKnown = (facts.groupsKnown ?? true) && identity !== undefined && tellsGroups(identity);
  const groups = new Set(identity?.groups.map(foldGroup));
  const sids = new Set(identity?.sids); // written with a capital S by everybody who makes one
  const held = Object.entries(roles)
    .filter(([, role]) => role.groups.some((group) => isMember({ groups, sids }, groupRef(group))))
    .map(([name]) => name)
    .sort();
  const modules = new Set(modulesOf(held, roles));
  return { identity, groups, sids, roles: new Set(held), modules, credentials, provider, groupsKnown };
}

/** Whoever has no groups at all has none for certain only where the operator has written them down. */
const tellsGroups = ({ groups, sids, method }: Identity): boolean =>
  groups.length + sids.length > 0 || writtenDown.has(method);

/** Nobody: a request without a sign-in. */
export const anonymous: Subject = subjectOf(undefined, {});

/** The names of the roles that a person has, sorted. */
export function rolesOf(identity: Identity, roles: Readonly<Record<string, Role>>): readonly string[] {
  return [...subjectOf(identity, roles).roles];
}

/**
 * The modules that these roles open, sorted. With `*`, it stands first, followed by every module that any role names, so
 * that a front end may look for the module's own name.
 */
export function modulesOf(roleNames: readonly string[], roles: Readonly<Record<string, Role>>): readonly string[] {
  const open = new Set(roleNames.flatMap((name) => (Object.hasOwn(roles, name) ? (roles[name]?.modules ?? []) : [])));
  if (!open.has('*')) return [...open].sort();
  const all = new Set(Object.values(roles).flatMap((role) => role.modules));
  all.delete('*');
  return ['*', ...[...all].sort()];
}

/** How a rule or a role names a group. */
export interface GroupRef {
  readonly kind: 'name' | 'sid';
  /** Folded. */
  readonly key: string;
}

/**
 * Reads a group as the configuration writes it. What has the form of a SID is one and is looked for among the SIDs
 * alone: else whoever may name a group could name it like the SID of another.
 */
export function groupRef(text: string): GroupRef {
  return /^s-1-[0-9]+(?:-[0-9]+)+$/i.test(text)
    ? { kind: 'sid', key: text.toUpperCase() }
    : { kind: 'name', key: foldGroup(text) };
}

/** Whether somebody is in this group. */
export function isMember(subject: Pick<Subject, 'groups' | 'sids'>, { kind, key }: GroupRef): boolean {
  return kind === 'sid' ? subject.sids.has(key) : subject.groups.has(key);
}

/** Names of groups are the same in upper and lower case, as in Active Directory. */
function foldGroup(name: string): string {
  // The Kelvin sign is the one letter beyond ASCII that would fold into it: another group would pass for ours.
  return name.includes('\u212a')
    ? name
        .split('\u212a')
        .map((part) => part.toLowerCase())
        .join('\u212a')
    : name.toLowerCase();
}
