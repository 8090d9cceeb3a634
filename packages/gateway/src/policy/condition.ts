import type { Rule } from './rule.ts';
import type { Subject } from './subject.ts';

/** Why a condition holds. */
export type Grant = 'public' | 'signed-in' | 'in-group' | 'role-held' | 'module-open' | 'credentials-shown';

/** Why a condition does not hold. */
export type Shortfall = 'not-signed-in' | 'not-in-group' | 'role-missing' | 'module-missing' | 'credential-missing';

export type Finding =
  | { readonly holds: true; readonly reason: Grant }
  | { readonly holds: false; readonly reason: Shortfall };

/** Judges one person. The same predicates decide a request and explain a decision. */
export type Predicate = (subject: Subject) => Finding;

/** One kind of condition: one file under `conditions/`, one line in the registry in `compile.ts`. */
export interface Condition {
  /** The key in the rule. */
  readonly kind: Exclude<keyof Rule, 'path' | 'methods'>;
  /** `undefined` when the rule does not state this condition. */
  compile(rule: Rule): Predicate | undefined;
}

/** A predicate about people: whoever has not signed in falls short of it as such, whatever it asks for. */
export const ofPerson =
  (holds: (subject: Subject) => boolean, grant: Grant, shortfall: Shortfall): Predicate =>
  (subject) => {
    if (subject.identity === undefined) return { holds: false, reason: 'not-signed-in' };
    return holds(subject) ? { holds: true, reason: grant } : { holds: false, reason: shortfall };
  };
