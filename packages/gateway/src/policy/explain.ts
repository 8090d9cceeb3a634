/**
 * Why a request is allowed or refused, rule by rule, from the predicates that decide.
 *
 * @module
 */
import type { CompiledRule, Policy } from './compile.ts';
import type { Check, Circumstances, Finding } from './condition.ts';
import { carelessRule, type Decision, firstFitting, judge, speaksOf, withoutParameters } from './decide.ts';
import { matchesGlob, pathSegments } from './glob.ts';
import type { Rule } from './rule.ts';
import type { Subject } from './subject.ts';

/** What one condition finds, with what it is made of. */
export interface ConditionExplanation {
  readonly kind: Check['kind'];
  readonly finding: Finding;
  /** For `any_of`, `all_of` and `not`: each part and its conditions, which must all hold. */
  readonly parts: readonly (readonly ConditionExplanation[])[];
}

export interface RuleExplanation {
  /** Its place in the configuration, from 0. */
  readonly index: number;
  readonly rule: Rule;
  readonly methodFits: boolean;
  readonly pathFits: boolean;
  /** What the rule has to do with the outcome: it decides, it must allow as well (`alsoAsked`), or nothing. */
  readonly part: 'decides' | 'also-asked' | 'none';
  /** What it says about the person, whether it is asked or not. */
  readonly finding: Finding;
  /** Whether it asks for a sign-in before its conditions. */
  readonly asksForSignIn: boolean;
  readonly conditions: readonly ConditionExplanation[];
}

export interface Explanation {
  readonly decision: Decision;
  /** Where the path has parameters and servers would find it under another rule without them. */
  readonly ambiguous: { readonly asWritten: number | undefined; readonly without: number | undefined } | undefined;
  readonly rules: readonly RuleExplanation[];
}

/** The same question as `decide`, with every rule's answer. The decision is made of those answers, not asked of `decide`. */
export function explain(
  policy: Policy,
  subject: Subject,
  method: string,
  path: string,
  circumstances: Circumstances,
): Explanation {
  const segments = pathSegments(path);
  const plain = segments && withoutParameters(segments);
  const decisive = segments === undefined ? -1 : firstFitting(policy, method, segments);
  const without = plain === undefined ? -1 : firstFitting(policy, method, plain);
  const unreadable = segments === undefined || without !== decisive;
  const also = unreadable || decisive < 0 ? undefined : carelessRule(policy, method, segments, decisive);
  const rules = policy.rules.map((rule, index): RuleExplanation => {
    const part = unreadable ? 'none' : index === decisive ? 'decides' : index === also ? 'also-asked' : 'none';
    return explainRule(rule, index, part, segments, { subject, method, circumstances });
  });
  return {
    decision: unreadable ? { allow: false, reason: 'path-ambiguous', rule: undefined } : conclusion(rules),
    ambiguous:
      segments !== undefined && unreadable ? { asWritten: place(decisive), without: place(without) } : undefined,
    rules,
  };
}

interface Asked {
  readonly subject: Subject;
  readonly method: string;
  readonly circumstances: Circumstances;
}

function explainRule(
  rule: CompiledRule,
  index: number,
  part: RuleExplanation['part'],
  segments: readonly string[] | undefined,
  { subject, method, circumstances }: Asked,
): RuleExplanation {
  const explained = (check: Check): ConditionExplanation => ({
    kind: check.kind,
    finding: check.predicate(subject, circumstances),
    parts: check.parts.map((inner) => inner.map(explained)),
  });
  return {
    index,
    rule: rule.source,
    methodFits: speaksOf(rule, method),
    pathFits: segments !== undefined && matchesGlob(rule.path, segments),
    part,
    finding: judge(rule, subject, circumstances),
    asksForSignIn: !rule.isPublic,
    conditions: rule.checks.map(explained),
  };
}

/** What the rules that are asked come to. */
function conclusion(rules: readonly RuleExplanation[]): Decision {
  const decisive = rules.find(({ part }) => part === 'decides');
  if (decisive === undefined) return { allow: false, reason: 'no-rule-matched', rule: undefined };
  const { finding, index } = decisive;
  if (!finding.holds) return { allow: false, reason: finding.reason, rule: index };
  const also = rules.find(({ part }) => part === 'also-asked');
  if (also !== undefined && !also.finding.holds) return { allow: false, reason: also.finding.reason, rule: also.index };
  return { allow: true, reason: finding.reason, rule: index };
}

const place = (index: number): number | undefined => (index < 0 ? undefined : index);
