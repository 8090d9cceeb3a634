/**
 * Which limits hold for somebody: those of the first tier of an app, in the order of the
 * configuration, that takes them, and those of the groups that they share with others.
 *
 * @module
 */
import { type GroupRef, groupRef, isMember, type Subject } from '../policy/subject.ts';
import type { LimitCheck, Limits, WhenUnshared } from '../ports/limiter.ts';

/** As the configuration has it: the numbers of a tier or a group. */
export interface LimitNumbers {
  readonly requests_per_minute?: number | undefined;
  readonly concurrent?: number | undefined;
  readonly tokens_per_minute?: number | undefined;
  readonly tokens_per_day?: number | undefined;
}

export interface TierRule extends LimitNumbers {
  readonly name: string;
  /** Who is in one of these gets it; absent: everybody else. */
  readonly groups?: readonly string[] | undefined;
  /** Patterns of names with `*`; absent: all models. */
  readonly models?: readonly string[] | undefined;
}

export interface GroupLimitRule extends LimitNumbers {
  readonly group: string;
}

/** `limits` of an app. */
export interface LimitRules {
  readonly tiers: readonly TierRule[];
  readonly groups: readonly GroupLimitRule[];
  readonly when_redis_is_down: WhenUnshared;
}

export interface Tier {
  readonly name: string;
  readonly groups: readonly NamedGroup[] | undefined;
  readonly limits: Limits;
  /** The literal pieces around the `*`s of each pattern. */
  readonly models: readonly (readonly string[])[] | undefined;
}

/** A group with its name as the configuration spells it. */
interface NamedGroup {
  readonly name: string;
  readonly ref: GroupRef;
}

/** Ready to choose from. */
export interface Tiers {
  readonly tiers: readonly Tier[];
  readonly groups: readonly { readonly group: NamedGroup; readonly check: LimitCheck }[];
  readonly whenUnshared: WhenUnshared;
}

/** Somebody, as limits see them. */
export interface LimitedPerson {
  readonly subject: Subject;
  /** The id of the API key, where a program has come with one: keys are counted one by one, whomever they belong to. */
  readonly apiKey?: string | undefined;
}

export type TierChoice =
  | {
      readonly kind: 'tier';
      readonly tier: Tier;
      readonly checks: readonly LimitCheck[];
      /** Those of their groups that have decided about the tier and the limits, as the configuration spells them. */
      readonly groups: readonly string[];
    }
  /** No tier takes them: they may not use the app. */
  | { readonly kind: 'refused'; readonly reason: 'no-tier' };

/** Prepares the limits of an app, once. */
export function compileTiers({ tiers, groups, when_redis_is_down: whenUnshared }: LimitRules): Tiers {
  return {
    tiers: tiers.map((tier) => ({
      name: tier.name,
      groups: tier.groups?.map(named),
      limits: limitsOf(tier),
      models: tier.models?.map((pattern) => pattern.split('*')),
    })),
    groups: groups.map((rule) => {
      const group = named(rule.group);
      return { group, check: { key: `group:${group.ref.key}`, ...limitsOf(rule) } };
    }),
    whenUnshared,
  };
}

/** The tier of somebody, and everything that a request of theirs has to pass: their own limits first, then those of groups. */
export function chooseTier({ tiers, groups }: Tiers, { subject, apiKey }: LimitedPerson): TierChoice {
  const { identity } = subject;
  const isIn = ({ ref }: NamedGroup): boolean => isMember(subject, ref);
  const tier = tiers.find(({ groups: some }) => some === undefined || some.some(isIn));
  if (tier === undefined || identity === undefined) return { kind: 'refused', reason: 'no-tier' };
  const key = apiKey === undefined ? `person:${onePerson(identity.subject)}` : `key:${apiKey}`;
  const shared = groups.filter(({ group }) => isIn(group));
  const names = [...(tier.groups?.filter(isIn) ?? []), ...shared.map(({ group }) => group)].map(({ name }) => name);
  return {
    kind: 'tier',
    tier,
    checks: [{ key, ...tier.limits }, ...shared.map(({ check }) => check)],
    groups: [...new Set(names)],
  };
}

/** The name of a person that is not a SID may have come as they have typed it: Kerberos knows `alice` as `ALICE` too. */
const onePerson = (subject: string): string => (subject.startsWith('S-1-') ? subject : subject.toLowerCase());

/** Whether a tier may use a model. One that is not known is none of a list. Upper and lower case are apart, as they are to most backends. */
export function allowsModel({ models }: Tier, model: string | undefined): boolean {
  if (models === undefined) return true;
  return model !== undefined && models.some((pattern) => fits(pattern, model));
}

function fits(pattern: readonly string[], name: string): boolean {
  const first = pattern[0] ?? '';
  if (pattern.length === 1) return name === first;
  const last = pattern.at(-1) ?? '';
  const end = name.length - last.length;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pattern.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= end;
}

const named = (name: string): NamedGroup => ({ name, ref: groupRef(name) });

const limitsOf = (numbers: LimitNumbers): Limits => ({
  requestsPerMinute: numbers.requests_per_minute,
  concurrent: numbers.concurrent,
  tokensPerMinute: numbers.tokens_per_minute,
  tokensPerDay: numbers.tokens_per_day,
});
