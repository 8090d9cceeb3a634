import { allOf, anyOf, noneOf } from './combine.ts';
import type { Check, Condition } from './condition.ts';
import { betweenCondition } from './conditions/between.ts';
import { credentialsCondition } from './conditions/credentials.ts';
import { groupsCondition } from './conditions/groups.ts';
import { maxAgeCondition } from './conditions/max-age.ts';
import { moduleCondition } from './conditions/module.ts';
import { networksCondition } from './conditions/networks.ts';
import { publicCondition } from './conditions/public.ts';
import { rolesCondition } from './conditions/roles.ts';
import { signedInByCondition } from './conditions/signed-in-by.ts';
import { signedInCondition } from './conditions/signed-in.ts';
import { type FoldedGlob, foldGlob, type Glob, parseGlob } from './glob.ts';
import { indexRules, type RuleIndex } from './rule-index.ts';
import { type Rule, type Terms, termBounds } from './rule.ts';

/** Every kind of condition that stands for itself, from the least to the most particular: the last that holds gives the reason. */
export const conditions: readonly Condition[] = [
  publicCondition,
  signedInCondition,
  maxAgeCondition,
  networksCondition,
  betweenCondition,
  signedInByCondition,
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
  /** Nobody need have signed in. For all other rules that comes before any condition. */
  readonly isPublic: boolean;
  /** At least one. All must hold. */
  readonly checks: readonly Check[];
  /** What it was made of. */
  readonly source: Rule;
}

export interface Policy {
  readonly rules: readonly CompiledRule[];
  readonly index: RuleIndex;
  /** For paths as careless servers read them. */
  readonly carelessIndex: RuleIndex;
}

/**
 * Makes a policy of rules that the configuration check has passed. Throws for a rule that could not be meant: one
 * without a condition (it would let everybody in, or nobody: no guess is made), `public` beside a condition about people, a
 * path that no request can have.
 */
export function compilePolicy(rules: readonly Rule[]): Policy {
  const compiled = rules.map(compileRule);
  return {
    rules: compiled,
    index: indexRules(compiled.map(({ path }) => path)),
    carelessIndex: indexRules(compiled.map(({ folded }) => folded)),
  };
}

/** Conditions that a public rule may have: they are not about people. */
export const besidePublic: ReadonlySet<string> = new Set(['public', 'networks', 'between']);

function compileRule(rule: Rule, index: number): CompiledRule {
  const fail = (state: string): never => {
    throw new TypeError(`Cannot compile rule ${index + 1} (path "${rule.path}"): ${state}`);
  };
  const parsed = parseGlob(rule.path);
  if (parsed.kind === 'wrong') return fail(`its path is wrong (${parsed.reason})`);

  const checks = compileTerms(rule, 0, fail);
  const isPublic = rule.public !== undefined;
  if (isPublic && checks.some(({ kind }) => !besidePublic.has(kind)))
    return fail('public stands beside another condition');
  return {
    path: parsed.glob,
    folded: foldGlob(parsed.glob),
    methods: rule.methods && methodSet(rule.methods),
    isPublic,
    checks,
    source: rule,
  };
}

function compileTerms(terms: Terms, depth: number, fail: (state: string) => never): readonly Check[] {
  if (depth > termBounds.depth) return fail('its conditions nest too deep');
  const inner = (nested: Terms): readonly Check[] => compileTerms(nested, depth + 1, fail);
  const simple = conditions.flatMap((condition): Check[] => {
    const predicate = condition.compile(terms);
    return predicate === undefined ? [] : [{ kind: condition.kind, predicate, parts: [] }];
  });
  const { not, all_of: all, any_of: any } = terms;
  const checks = [
    ...(not === undefined ? [] : [noneOf(inner(not))]),
    ...simple,
    ...(all === undefined ? [] : [allOf(all.map(inner))]),
    ...(any === undefined ? [] : [anyOf(any.map(inner))]),
  ];
  return checks.length === 0 ? fail('it has no condition') : checks;
}

/** A rule for `GET` speaks for `HEAD` as well: applications answer both with the same code. */
function methodSet(methods: readonly string[]): ReadonlySet<string> {
  const set = new Set(methods.map((method) => method.toUpperCase()));
  if (set.has('GET')) set.add('HEAD');
  return set;
}
