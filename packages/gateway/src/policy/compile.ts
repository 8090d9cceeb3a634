import type { Condition, Predicate } from './condition.ts';
import { credentialsCondition } from './conditions/credentials.ts';
import { groupsCondition } from './conditions/groups.ts';
import { moduleCondition } from './conditions/module.ts';
import { publicCondition } from './conditions/public.ts';
import { rolesCondition } from './conditions/roles.ts';
import { signedInCondition } from './conditions/signed-in.ts';
import { type FoldedGlob, foldGlob, type Glob, parseGlob } from './glob.ts';
import type { Rule } from './rule.ts';

/** Every kind of condition, from the least to the most particular: the last that holds gives the reason. */
export const conditions: readonly Condition[] = [
  publicCondition,
  signedInCondition,
  groupsCondition,
  rolesCondition,
  moduleCondition,
  credentialsCondition,
];

export interface CompiledRule {
  readonly path: Glob;
  /** For servers that pass over upper and lower case. Two rules whose paths differ in that alone have the same one. */
  readonly folded: FoldedGlob;
  /** `undefined`: all. */
  readonly methods: ReadonlySet<string> | undefined;
  /** At least one, in the order of the registry. All must hold. */
  readonly checks: readonly { readonly kind: Condition['kind']; readonly predicate: Predicate }[];
}

export interface Policy {
  readonly rules: readonly CompiledRule[];
}

/**
 * Makes a policy of rules that the configuration check has passed. Throws for a rule that could not be meant: one
 * without a condition (it would let everybody in, or nobody: no guess is made), `public` beside another condition, a
 * path that no request can have.
 */
export function compilePolicy(rules: readonly Rule[]): Policy {
  return { rules: rules.map(compileRule) };
}

function compileRule(rule: Rule, index: number): CompiledRule {
  const fail = (state: string): never => {
    throw new TypeError(`Cannot compile rule ${index + 1} (path "${rule.path}"): ${state}`);
  };
  const parsed = parseGlob(rule.path);
  if (parsed.kind === 'wrong') return fail(`its path is wrong (${parsed.reason})`);

  const checks = conditions.flatMap((condition) => {
    const predicate = condition.compile(rule);
    return predicate === undefined ? [] : [{ kind: condition.kind, predicate }];
  });
  if (checks.length === 0) return fail('it has no condition');
  if (rule.public !== undefined && checks.length > 1) return fail('public stands beside another condition');
  return {
    path: parsed.glob,
    folded: foldGlob(parsed.glob),
    methods: rule.methods && methodSet(rule.methods),
    checks,
  };
}

/** A rule for `GET` speaks for `HEAD` as well: applications answer both with the same code. */
function methodSet(methods: readonly string[]): ReadonlySet<string> {
  const set = new Set(methods.map((method) => method.toUpperCase()));
  if (set.has('GET')) set.add('HEAD');
  return set;
}
