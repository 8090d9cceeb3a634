import type { App } from '../config/schema.ts';
import { limitText } from '../limits/rate-limit-fields.ts';
import { chooseTier, compileTiers, type LimitNumbers } from '../limits/tiers.ts';
import { groupRef, isMember, type Subject } from '../policy/subject.ts';
import { printable } from './table.ts';

/** Which limits hold for somebody, as the configuration has them. */
export interface FoundLimits {
  /** `null`: they are in no tier, and may not use the app. */
  readonly tier: (LimitNumbers & { readonly name: string; readonly models?: readonly string[] | undefined }) | null;
  /** Limits that they share with others. */
  readonly groups: readonly (LimitNumbers & { readonly group: string })[];
}

/** The limits of an app for somebody, by the code that chooses them. `undefined`: it has none. */
export function limitsFor({ limits }: Pick<App, 'limits'>, subject: Subject): FoundLimits | undefined {
  if (limits === undefined) return undefined;
  const choice = chooseTier(compileTiers(limits), { subject });
  if (choice.kind === 'refused') return { tier: null, groups: [] };
  const stated = limits.tiers.find(({ name }) => name === choice.tier.name);
  if (stated === undefined) throw new TypeError('A tier was chosen that is not in the configuration');
  const { groups: _, ...tier } = stated;
  return { tier, groups: limits.groups.filter(({ group }) => isMember(subject, groupRef(group))) };
}

/** The same for people, a line for the tier and one for each group. */
export function limitsText({ tier, groups }: FoundLimits): string {
  if (tier === null) return '  in no tier\n';
  const models = tier.models === undefined ? 'all models' : `models ${tier.models.join(', ')}`;
  const lines = [
    `tier ${tier.name}: ${numbersText(tier)}; ${models}`,
    ...groups.map((one) => `group ${one.group}, shared: ${numbersText(one)}`),
  ];
  return lines.map((line) => `  ${printable(line)}\n`).join('');
}

function numbersText(numbers: LimitNumbers): string {
  const limits = [
    [numbers.requests_per_minute, 'requests-per-minute'],
    [numbers.concurrent, 'concurrent'],
    [numbers.tokens_per_minute, 'tokens-per-minute'],
    [numbers.tokens_per_day, 'tokens-per-day'],
  ] as const;
  const stated = limits.flatMap(([allowed, limit]) => (allowed === undefined ? [] : [limitText(limit, allowed)]));
  return stated.length === 0 ? 'no limits' : stated.join(', ');
}
