import type { Rule, Terms } from './rule.ts';
import type { Subject } from './subject.ts';

/** Why a condition holds. */
export const grants = [
  'public',
  'signed-in',
  'sign-in-recent',
  'in-network',
  'in-hours',
  'signed-in-by-method',
  'not-excluded',
  'in-group',
  'role-held',
  'module-open',
  'credentials-shown',
] as const;

/** Why a condition does not hold. */
export const shortfalls = [
  'not-signed-in',
  'sign-in-too-old',
  'outside-network',
  'outside-hours',
  'signed-in-by-other-method',
  'excluded',
  'groups-unknown',
  'not-in-group',
  'role-missing',
  'module-missing',
  'credential-missing',
  'no-alternative-holds',
] as const;

export type Grant = (typeof grants)[number];
export type Shortfall = (typeof shortfalls)[number];

export type Finding =
  | { readonly holds: true; readonly reason: Grant }
  | { readonly holds: false; readonly reason: Shortfall };

/** What conditions ask for beside the person. A request's own context serves as it is. */
export interface Circumstances {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The client's address. */
  readonly address: string;
}

/** Judges one person in one moment. The same predicates decide a request and explain a decision. */
export type Predicate = (subject: Subject, circumstances: Circumstances) => Finding;

/** One kind of condition that stands for itself: one file under `conditions/`, one line in the registry in `compile.ts`. */
export interface Condition {
  /** The key in the rule. */
  readonly kind: SimpleKind;
  /** `undefined` when the terms do not state this condition. */
  compile(terms: Partial<Rule>): Predicate | undefined;
}

/** Conditions that are made of others. */
export type CombinedKind = 'not' | 'all_of' | 'any_of';
export type SimpleKind = 'public' | Exclude<keyof Terms, CombinedKind>;

/** A compiled condition. */
export interface Check {
  readonly kind: SimpleKind | CombinedKind;
  readonly predicate: Predicate;
  /** What a combined condition is made of: alternatives, or parts, each of checks that must all hold. */
  readonly parts: readonly (readonly Check[])[];
}

/** A predicate whose two findings are made once: the way of a request makes nothing. */
export function predicateOf(
  holds: (subject: Subject, circumstances: Circumstances) => boolean,
  grant: Grant,
  shortfall: Shortfall,
): Predicate {
  const yes: Finding = { holds: true, reason: grant };
  const no: Finding = { holds: false, reason: shortfall };
  return (subject, circumstances) => (holds(subject, circumstances) ? yes : no);
}

/** A predicate about people: whoever has not signed in falls short of it as such, whatever it asks for. */
export function ofPerson(
  holds: (subject: Subject, circumstances: Circumstances) => boolean,
  grant: Grant,
  shortfall: Shortfall,
): Predicate {
  const judge = predicateOf(holds, grant, shortfall);
  return (subject, circumstances) => (subject.identity === undefined ? notSignedIn : judge(subject, circumstances));
}

export const notSignedIn: Finding = { holds: false, reason: 'not-signed-in' };

/**
 * What conditions that must all hold find: the first that does not, or the last that does. A sign-in that is too old gives
 * way to any other shortfall: nobody is asked to sign in again in vain.
 */
export function judgeAll(checks: readonly Check[], subject: Subject, circumstances: Circumstances): Finding {
  let found = notSignedIn; // for no checks at all
  let tooOld: Finding | undefined;
  for (let i = 0; i < checks.length; i++) {
    const finding = checks[i]?.predicate(subject, circumstances) ?? notSignedIn;
    if (!finding.holds && finding.reason !== 'sign-in-too-old') return finding;
    if (finding.holds) found = finding;
    else tooOld = finding;
  }
  return tooOld ?? found;
}
