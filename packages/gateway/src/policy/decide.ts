import type { CompiledRule, Policy } from './compile.ts';
import type { Finding, Grant, Shortfall } from './condition.ts';
import { carelessSegments, matchesGlob, pathSegments } from './glob.ts';
import type { Subject } from './subject.ts';

export type Refusal =
  | Shortfall
  | 'no-rule-matched'
  /** The path means another rule to a server that drops path parameters (`/admin;x`) than to one that keeps them. */
  | 'path-ambiguous';

export type Decision =
  /** `rule` is its place in the configuration, from 0. */
  | { readonly allow: true; readonly reason: Grant; readonly rule: number }
  | { readonly allow: false; readonly reason: Refusal; readonly rule: number | undefined };

/**
 * May this person do this? `path` is the `path` of `canonicalTarget`. The first rule that fits path and method decides;
 * when none fits, the answer is no. Pure: no clock, no store, no request.
 *
 * Many servers take `/Admin/` for `/admin`. So where an earlier rule would have decided about the path as they read it,
 * that one must allow it as well: a rule is not passed by respelling its path.
 */
export function decide(policy: Policy, subject: Subject, method: string, path: string): Decision {
  const segments = pathSegments(path);
  if (segments === undefined) return { allow: false, reason: 'path-ambiguous', rule: undefined };

  const rule = policy.rules.findIndex((candidate) => fits(candidate, method, segments));
  if (hasParameters(segments)) {
    const plain = segments.map(withoutParameters);
    const other = policy.rules.findIndex((candidate) => fits(candidate, method, plain));
    if (other !== rule) return { allow: false, reason: 'path-ambiguous', rule: undefined };
  }

  const decisive = policy.rules[rule];
  if (decisive === undefined) return { allow: false, reason: 'no-rule-matched', rule: undefined };
  const finding = judge(decisive, subject);
  if (!finding.holds) return { allow: false, reason: finding.reason, rule };
  return refusalOfCareless(policy, subject, method, segments, rule) ?? { allow: true, reason: finding.reason, rule };
}

/** What an earlier rule has against the path as a careless server reads it. */
function refusalOfCareless(
  { rules }: Policy,
  subject: Subject,
  method: string,
  segments: readonly string[],
  rule: number,
): Decision | undefined {
  if (rule === 0) return undefined;
  const careless = carelessSegments(segments);
  for (const [i, candidate] of rules.slice(0, rule).entries()) {
    // Rules that differ in upper and lower case alone are meant so.
    if (!speaksOf(candidate, method) || candidate.folded.key === rules[rule]?.folded.key) continue;
    if (!matchesGlob(candidate.folded, careless)) continue;
    const finding = judge(candidate, subject);
    return finding.holds ? undefined : { allow: false, reason: finding.reason, rule: i };
  }
  return undefined;
}

/** Whether a rule speaks about this method and these segments of a path. */
export function fits(rule: CompiledRule, method: string, segments: readonly string[]): boolean {
  return speaksOf(rule, method) && matchesGlob(rule.path, segments);
}

const speaksOf = ({ methods }: CompiledRule, method: string): boolean => methods === undefined || methods.has(method);

/** What a rule says about a person: the first condition that does not hold, or the last that does. */
export function judge(rule: CompiledRule, subject: Subject): Finding {
  let finding: Finding = { holds: false, reason: 'not-signed-in' };
  for (const { predicate } of rule.checks) {
    finding = predicate(subject);
    if (!finding.holds) return finding;
  }
  return finding;
}

const hasParameters = (segments: readonly string[]): boolean => segments.some((segment) => segment.includes(';'));

const withoutParameters = (segment: string): string => segment.split(';', 1)[0] ?? '';
