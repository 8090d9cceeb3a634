import type { CompiledRule, Policy } from './compile.ts';
import type { Finding, Grant, Shortfall } from './condition.ts';
import { matchesGlob, pathSegments } from './glob.ts';
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
  return finding.holds ? { allow: true, reason: finding.reason, rule } : { allow: false, reason: finding.reason, rule };
}

/** Whether a rule speaks about this method and these segments of a path. */
export function fits(rule: CompiledRule, method: string, segments: readonly string[]): boolean {
  return (rule.methods === undefined || rule.methods.has(method)) && matchesGlob(rule.path, segments);
}

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
