import { type Condition, ofPerson } from '../condition.ts';

/**
 * `max_age: 15m`: whoever has proven who they are no longer ago than this, which is never so when it is not known. Who falls
 * short of nothing else is asked to sign in again.
 */
export const maxAgeCondition: Condition = {
  kind: 'max_age',
  compile({ max_age: maxAge }) {
    if (maxAge === undefined) return undefined;
    return ofPerson(
      ({ identity }, { now }) =>
        identity !== undefined && now - (identity.provenAt ?? Number.NEGATIVE_INFINITY) <= maxAge,
      'sign-in-recent',
      'sign-in-too-old',
    );
  },
};
