import { type Condition, ofPerson } from '../condition.ts';
import { credentialKinds } from '../rule.ts';

/**
 * `credentials: [api_key, approval]`: the request carries all of these. An empty list is nobody, as with groups. Throws
 * for a word that names no kind of credential: nobody could ever show it.
 */
export const credentialsCondition: Condition = {
  kind: 'credentials',
  compile(rule) {
    const { credentials: wanted } = rule;
    if (wanted === undefined) return undefined;
    for (const kind of wanted)
      if (!isCredentialKind(kind)) throw new TypeError(`Cannot compile rule: there is no kind of credential "${kind}"`);
    return ofPerson(
      ({ credentials }) => wanted.length > 0 && wanted.every((kind) => credentials.has(kind)),
      'credentials-shown',
      'credential-missing',
    );
  },
};

const isCredentialKind = (word: string): boolean => credentialKinds.some((kind) => kind === word);
