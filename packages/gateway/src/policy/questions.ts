import { conditions } from './compile.ts';
import { type Circumstances, type Finding, judgeAll } from './condition.ts';
import type { Terms } from './rule.ts';
import type { Subject } from './subject.ts';

/** What somebody may be asked about outside of any rule. */
export type Membership = Pick<Terms, 'groups' | 'roles' | 'module'>;

/** What the conditions of a rule would find with these terms, by the same predicates. Terms that say nothing do not hold. */
export function judgeTerms(terms: Membership, subject: Subject, circumstances: Circumstances): Finding {
  const checks = conditions.flatMap((condition) => {
    const predicate = condition.compile(terms);
    return predicate === undefined ? [] : [{ kind: condition.kind, predicate, parts: [] }];
  });
  return judgeAll(checks, subject, circumstances);
}
