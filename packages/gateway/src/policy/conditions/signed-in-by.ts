import { type Condition, ofPerson } from '../condition.ts';

/** `signed_in_by: [negotiate, entra]`: whoever signed in by one of these, by kind or by the entry's own name. An empty list is nobody. */
export const signedInByCondition: Condition = {
  kind: 'signed_in_by',
  compile({ signed_in_by: wanted }) {
    if (wanted === undefined) return undefined;
    const names = new Set(wanted);
    return ofPerson(
      ({ identity, provider }) =>
        (identity !== undefined && names.has(identity.method)) || (provider !== undefined && names.has(provider)),
      'signed-in-by-method',
      'signed-in-by-other-method',
    );
  },
};
