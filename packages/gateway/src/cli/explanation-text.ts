import type { Check, Finding } from '../policy/condition.ts';
import type { ConditionExplanation, Explanation, RuleExplanation } from '../policy/explain.ts';
import type { Rule, Terms } from '../policy/rule.ts';
import { printable } from './table.ts';

/** An explanation as a tree for people. Every mark has its word beside it, and none depends on colour. */
export function explanationText({ ambiguous, rules }: Explanation): string {
  const width = Math.max(...rules.map(({ rule }) => what(rule).length)) + 2;
  const lines = rules.flatMap((rule) => ruleLines(rule, width));
  if (ambiguous !== undefined)
    lines.push(
      `! The path has parameters: as it is written ${named(ambiguous.asWritten)} decides, for servers that drop them ${named(ambiguous.without)}.`,
    );
  return `${lines.join('\n')}\n`;
}

function ruleLines(explained: RuleExplanation, width: number): readonly string[] {
  const { index, rule, part, finding, asksForSignIn, conditions } = explained;
  const head = `rules[${index}]  ${what(rule).padEnd(width)}`;
  if (part === 'none') return [`  ${head}${aside(explained)}`];
  const role = part === 'decides' ? 'decides' : 'must allow as well: servers that read paths carelessly find it here';
  const lines = conditions.flatMap((condition) => conditionLines(condition, rule, '      '));
  const unasked = asksForSignIn && finding.reason === 'not-signed-in';
  return [`> ${head}${role}`, ...(unasked ? [`      ${mark(finding)} somebody has signed in`] : lines)];
}

function aside({ methodFits, pathFits }: RuleExplanation): string {
  if (!pathFits) return methodFits ? '- the path does not fit' : '- neither path nor method fits';
  return methodFits ? '- fits, but is not asked' : '- the method does not fit';
}

function conditionLines(
  { kind, finding, parts }: ConditionExplanation,
  stated: Partial<Rule>,
  indent: string,
): string[] {
  const line = `${indent}${mark(finding)} ${says(kind, stated)} (${finding.reason})`;
  const inner = innerTerms(kind, stated);
  const [first, other] = kind === 'any_of' ? ['either', 'or'] : ['both', 'and'];
  return [
    line,
    ...parts.flatMap((part, i) => [
      ...(parts.length > 1 ? [`${indent}  ${i === 0 ? first : other}`] : []),
      ...part.flatMap((condition) => conditionLines(condition, inner[i] ?? {}, `${indent}    `)),
    ]),
  ];
}

function innerTerms(kind: Check['kind'], { not, all_of: all, any_of: any }: Partial<Rule>): readonly Terms[] {
  if (kind === 'not') return not === undefined ? [] : [not];
  return (kind === 'any_of' ? any : all) ?? [];
}

/** The condition as the configuration has it. */
function says(kind: Check['kind'], stated: Partial<Rule>): string {
  if (kind === 'any_of') return 'any_of: one of these';
  if (kind === 'all_of') return 'all_of: each of these';
  if (kind === 'not') return 'not: not all of this';
  if (kind === 'max_age') return `max_age: ${Math.round((stated.max_age ?? 0) / 1_000)} s`;
  const value = stated[kind];
  return printable(`${kind}: ${Array.isArray(value) ? value.join(', ') : String(value)}`);
}

const mark = ({ holds }: Finding): string => (holds ? '✓ holds' : '✗ fails');

const what = ({ methods, path }: Rule): string =>
  printable(methods === undefined ? path : `${methods.join(',')} ${path}`);

const named = (index: number | undefined): string => (index === undefined ? 'no rule' : `rules[${index}]`);
