/**
 * Answers to "may they?" outside of a request: what somebody may do, and what they are in. By the predicates that decide
 * requests, and nothing else; so an answer is what a request would meet, as far as that can be known without one.
 *
 * @module
 */
import type { Policy } from '../policy/compile.ts';
import type { Circumstances } from '../policy/condition.ts';
import { carelessRule, decide, firstFitting, type Refusal } from '../policy/decide.ts';
import { pathSegments } from '../policy/glob.ts';
import { judgeTerms } from '../policy/questions.ts';
import { allTerms, type Rule, type Terms } from '../policy/rule.ts';
import type { Subject } from '../policy/subject.ts';

/** What is asked about one person. */
export type Question = RequestQuestion | GroupsQuestion | RoleQuestion | ModuleQuestion;

/** May they do this? */
export interface RequestQuestion {
  readonly kind: 'request';
  readonly method: string;
  /** As in a request line, without a query. */
  readonly path: string;
  /** The address that they ask from, where the asker knows it. */
  readonly address: string | undefined;
}

/** Are they in these groups: in one of them, or in all? */
export interface GroupsQuestion {
  readonly kind: 'groups';
  readonly groups: readonly string[];
  readonly all: boolean;
}

export interface RoleQuestion {
  readonly kind: 'role';
  readonly role: string;
}

export interface ModuleQuestion {
  readonly kind: 'module';
  readonly module: string;
}

/** All that an app learns of why not. */
export type CoarseReason =
  | 'not-allowed'
  /** The app asks for a sign-in that they do not have. */
  | 'not-signed-in'
  /** All else holds: after a new sign-in it would be allowed. */
  | 'sign-in-too-old'
  /** Not as far as is known, and not all of their groups are known. */
  | 'groups-unknown'
  /** The rule is about how or from where they come, which only a request of theirs can tell. */
  | 'depends-on-request'
  /** No request gets as far as an app with such a path, or no app of this host is there. */
  | 'bad-path'
  /** The API key is not for this. */
  | 'out-of-scope'
  /** The directory knows no such person, or more than one. */
  | 'unknown-user';

export type Answer = { readonly allow: true } | { readonly allow: false; readonly reason: CoarseReason };

export const yes: Answer = { allow: true };
export const no = (reason: CoarseReason): Answer => ({ allow: false, reason });

/** Groups, roles and modules. */
export function answerMembership(
  question: Exclude<Question, RequestQuestion>,
  subject: Subject,
  circumstances: Circumstances,
): Answer {
  const holds = termsOf(question).every((terms) => judgeTerms(terms, subject, circumstances).holds);
  if (holds) return yes;
  return no(subject.groupsKnown ? 'not-allowed' : 'groups-unknown');
}

function termsOf(question: Exclude<Question, RequestQuestion>): readonly Terms[] {
  switch (question.kind) {
    case 'groups':
      return question.all ? question.groups.map((group) => ({ groups: [group] })) : [{ groups: question.groups }];
    case 'role':
      return [{ roles: [question.role] }];
    case 'module':
      return [{ module: question.module }];
  }
}

/** What somebody who asks for themselves may do here and now. */
export function answerRequest(
  policy: Policy,
  subject: Subject,
  { method, path }: { readonly method: string; readonly path: string },
  circumstances: Circumstances,
): Answer {
  const decision = decide(policy, subject, method, path, circumstances);
  return decision.allow ? yes : no(coarse(decision.reason, subject));
}

/**
 * What somebody else may do, of whom the directory alone is asked: how they have signed in, how long ago, and from where they
 * come is not known, unless `address` is given. A condition about what is not known does not hold; a rule in which that would
 * open something (`not`) is not answered.
 */
export function answerRequestOf(
  policy: Policy,
  other: Subject,
  { method, path, address }: { readonly method: string; readonly path: string; readonly address: string | undefined },
  now: number,
): Answer {
  const circumstances = { now, address: address ?? nowhere };
  const decision = decide(policy, other, method, path, circumstances);
  const asked = rulesFor(policy, method, path).flatMap((rule) => allTerms(rule));
  const unknown = ({ signed_in_by: by, max_age: age, networks }: Terms): boolean =>
    by !== undefined || age !== undefined || (address === undefined && networks !== undefined);
  if (asked.some(({ terms, negated }) => negated && unknown(terms))) return no('depends-on-request');
  if (decision.allow) return yes;
  const { reason } = decision;
  if (reason === 'signed-in-by-other-method' || (reason === 'outside-network' && address === undefined))
    return no('depends-on-request');
  return no(coarse(reason, other));
}

/** The rules that `decide` asks: the one that decides, and the one that must allow as well. */
function rulesFor(policy: Policy, method: string, path: string): readonly Rule[] {
  const segments = pathSegments(path) ?? [];
  const rule = firstFitting(policy, method, segments);
  const also = rule < 0 ? undefined : carelessRule(policy, method, segments, rule);
  return [rule, also].flatMap((index) => (index === undefined ? [] : (policy.rules[index]?.source ?? [])));
}

/** An address that lies in no network. */
const nowhere = '';

/** Reasons that an app may learn as they are. */
const told = ['not-signed-in', 'sign-in-too-old', 'groups-unknown'] as const;
const aboutGroups: ReadonlySet<string> = new Set(['not-in-group', 'role-missing', 'module-missing']);

function coarse(reason: Refusal, { groupsKnown }: Subject): CoarseReason {
  if (reason === 'path-ambiguous') return 'bad-path';
  if (!groupsKnown && aboutGroups.has(reason)) return 'groups-unknown';
  return told.find((one) => one === reason) ?? 'not-allowed';
}
