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
  readonly groups: readonly GroupRef[] | undefined;
  readonly limits: Limits;
  /** The literal pieces around the `*`s of each pattern. */
  readonly models: readonly (readonly string[])[] | undefined;
}

/** Ready to choose from. */
export interface Tiers {
  readonly tiers: readonly Tier[];
  readonly groups: readonly { readonly group: GroupRef; readonly check: LimitCheck }[];
  readonly whenUnshared: WhenUnshared;
}

/** Somebody, as limits see them. */
export interface LimitedPerson {
  readonly subject: Subject;
  /** The id of the API key, where a program has come with one: keys are counted one by one, whomever they belong to. */
  readonly apiKey?: string | undefined;
}

export type TierChoice =
  | { readonly kind: 'tier'; readonly tier: Tier; readonly checks: readonly LimitCheck[] }
  /** No tier takes them: they may not use the app. */
  | { readonly kind: 'refused'; readonly reason: 'no-tier' };

/** Prepares the limits of an app, once. */
export function compileTiers({ tiers, groups, when_redis_is_down: whenUnshared }: LimitRules): Tiers {
  return {
    tiers: tiers.map((tier) => ({
      name: tier.name,
      groups: tier.groups?.map(groupRef),
      limits: limitsOf(tier),
      models: tier.models?.map((pattern) => pattern.split('*')),
    })),
    groups: groups.map((rule) => {
      const group = groupRef(rule.group);
      return { group, check: { key: `group:${group.key}`, ...limitsOf(rule) } };
    }),
    whenUnshared,
  };
}

/** The tier of somebody, and everything that a request of theirs has to pass: their own limits first, then those of groups. */
export function chooseTier({ tiers, groups }: Tiers, { subject, apiKey }: LimitedPerson): TierChoice {
  const { identity } = subject;
  const tier = tiers.find(({ groups: names }) => names === undefined || names.some((name) => isMember(subject, name)));
  if (tier === undefined || identity === undefined) return { kind: 'refused', reason: 'no-tier' };
  const key = apiKey === undefined ? `person:${identity.subject}` : `key:${apiKey}`;
  const shared = groups.flatMap(({ group, check }) => (isMember(subject, group) ? [check] : []));
  return { kind: 'tier', tier, checks: [{ key, ...tier.limits }, ...shared] };
}

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

const limitsOf = (numbers: LimitNumbers): Limits => ({
  requestsPerMinute: numbers.requests_per_minute,
  concurrent: numbers.concurrent,
  tokensPerMinute: numbers.tokens_per_minute,
  tokensPerDay: numbers.tokens_per_day,
});
