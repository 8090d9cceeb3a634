import type { CompiledRule, Policy } from './compile.ts';
import { type Circumstances, type Finding, type Grant, judgeAll, notSignedIn, type Shortfall } from './condition.ts';
import { carelessSegments, matchesGlob, pathSegments } from './glob.ts';
import { candidates } from './rule-index.ts';
import type { Subject } from './subject.ts';

/** Why a request is refused that no condition has refused. */
export const pathRefusals = ['no-rule-matched', 'path-ambiguous'] as const;

export type Refusal =
  | Shortfall
  /**
   * `path-ambiguous`: the path means another rule to a server that drops path parameters (`/admin;x`) than to one that keeps
   * them.
   */
  | (typeof pathRefusals)[number];

export type Decision =
  /** `rule` is its place in the configuration, from 0. */
  | { readonly allow: true; readonly reason: Grant; readonly rule: number }
  | { readonly allow: false; readonly reason: Refusal; readonly rule: number | undefined };

/**
 * May this person do this, here and now? `path` is the `path` of `canonicalTarget`. The first rule that fits path and method
 * decides; when none fits, the answer is no. Pure: no clock, no store, no request.
 *
 * Many servers take `/Admin/` for `/admin`. So where an earlier rule would have decided about the path as they read it,
 * that one must allow it as well: a rule is not passed by respelling its path.
 */
export function decide(
  policy: Policy,
  subject: Subject,
  method: string,
  path: string,
  circumstances: Circumstances,
): Decision {
  const segments = pathSegments(path);
  if (segments === undefined) return { allow: false, reason: 'path-ambiguous', rule: undefined };

  const rule = firstFitting(policy, method, segments);
  const plain = withoutParameters(segments);
  if (plain !== segments && firstFitting(policy, method, plain) !== rule)
    return { allow: false, reason: 'path-ambiguous', rule: undefined };

  const decisive = policy.rules[rule];
  if (decisive === undefined) return { allow: false, reason: 'no-rule-matched', rule: undefined };
  const finding = judge(decisive, subject, circumstances);
  if (!finding.holds) return { allow: false, reason: finding.reason, rule };
  const other = carelessRule(policy, method, segments, rule);
  const also = other === undefined ? undefined : policy.rules[other];
  if (other !== undefined && also !== undefined) {
    const objection = judge(also, subject, circumstances);
    if (!objection.holds) return { allow: false, reason: objection.reason, rule: other };
  }
  return { allow: true, reason: finding.reason, rule };
}

/** The first rule that speaks about this method and these segments of a path; -1 when none does. */
export function firstFitting({ rules, index }: Policy, method: string, segments: readonly string[]): number {
  for (const i of candidates(index, segments)) {
    const rule = rules[i];
    if (rule !== undefined && speaksOf(rule, method) && matchesGlob(rule.path, segments)) return i;
  }
  return -1;
}

/** The rule before `rule` that would have decided about the path as a careless server reads it. */
export function carelessRule(
  { rules, carelessIndex }: Policy,
  method: string,
  segments: readonly string[],
  rule: number,
): number | undefined {
  if (rule === 0) return undefined;
  const careless = carelessSegments(segments);
  const key = rules[rule]?.folded.key;
  for (const i of candidates(carelessIndex, careless)) {
    if (i >= rule) return undefined;
    const candidate = rules[i];
    // Rules that differ in upper and lower case alone are meant so.
    if (candidate === undefined || !speaksOf(candidate, method) || candidate.folded.key === key) continue;
    if (matchesGlob(candidate.folded, careless)) return i;
  }
  return undefined;
}

/** Whether a rule speaks about this method. */
export const speaksOf = ({ methods }: CompiledRule, method: string): boolean =>
  methods === undefined || methods.has(method);

/** What a rule says about a person: whether there is one, if it is not public; then what `judgeAll` says. */
export function judge(rule: CompiledRule, subject: Subject, circumstances: Circumstances): Finding {
  if (!rule.isPublic && subject.identity === undefined) return notSignedIn;
  return judgeAll(rule.checks, subject, circumstances);
}

/** The path as servers see it that drop parameters; the very same one when it has none. */
export function withoutParameters(segments: readonly string[]): readonly string[] {
  return segments.some((segment) => segment.includes(';'))
    ? segments.map((segment) => segment.split(';', 1)[0] ?? '')
    : segments;
}
