import { type Condition, ofPerson } from '../condition.ts';

/** `signed_in: true`: anybody who has signed in. */
export const signedInCondition: Condition = {
  kind: 'signed_in',
  compile: (rule) => (rule.signed_in === undefined ? undefined : ofPerson(() => true, 'signed-in', 'not-signed-in')),
};
