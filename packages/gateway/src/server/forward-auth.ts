/**
 * Forward-auth without its transport: what the pipeline says of a request that somebody else carries, as data. The
 * verdict is the one that the same request gets when it comes to us itself; nothing is decided here.
 *
 * @module
 */
import type { Fields } from '../wire/fields.ts';
import type { Forward, Reply, RequestHead, Verdict } from '../wire/http.ts';

/** May this request pass, and who is it? */
export type Judgement =
  | {
      readonly allow: true;
      /** The target that was judged, in its one spelling and without a stream token. */
      readonly target: string;
      /** Fields that the app gets in the place of the client's own of these names: identity, number, assertion. */
      readonly identityFields: Fields;
      /**
       * The client's `Cookie` and `Authorization` without what is for us alone, where one that is left out may not arrive at
       * all; and ours in the place of its `X-Forwarded-For` and the like.
       */
      readonly clientFields: Fields;
      /** Fields to add to the response, such as `Set-Cookie`. */
      readonly responseFields: Fields;
      /** Names of the client's fields that may not arrive, as the client has spelled them. */
      removed(): readonly string[];
    }
  | { readonly allow: false; readonly reply: Reply };

/** Turns the pipeline's verdict on a request that comes by another way. `misrouted` answers for our own endpoints. */
export function judgementOf(verdict: Verdict, original: RequestHead, misrouted: () => Reply): Judgement {
  switch (verdict.kind) {
    case 'reply':
      // Whoever asks takes every 2xx for a yes.
      return { allow: false, reply: isYes(verdict.reply) ? { ...verdict.reply, status: 403 } : verdict.reply };
    case 'endpoint':
    // Nobody shows us the content by which it would have to be judged.
    case 'inspect':
      return { allow: false, reply: misrouted() };
    case 'forward':
      return allowed(verdict, original);
  }
}

const isYes = ({ status }: Reply): boolean => status < 300;

function allowed(verdict: Forward, original: RequestHead): Judgement {
  // What the app gets from our own proxy: first what is left of the client's fields, then ours.
  const [client, ...ours] = verdict.prepared ?? [];
  const left = client?.fields ?? [];
  const identityFields =
    ours.length === 0 ? verdict.fields : [...ours.flatMap(({ fields }) => fields), ...verdict.fields];
  return {
    allow: true,
    target: verdict.target,
    identityFields,
    clientFields: replacedIn(left),
    responseFields: verdict.responseFields,
    removed: () => {
      // What is given anew is not removed, whatever the client had there: a proxy may do both, in any order.
      const kept = new Set<string>(STRUCTURAL);
      for (let i = 0; i < left.length; i += 2) kept.add((left[i] as string).toLowerCase());
      for (let i = 0; i < identityFields.length; i += 2) kept.add((identityFields[i] as string).toLowerCase());
      const removed = new Set<string>();
      for (let i = 0; i < original.fields.length; i += 2) {
        const name = original.fields[i] as string;
        if (!kept.has(name.toLowerCase())) removed.add(name);
      }
      return [...removed];
    },
  };
}

/** What the proxy sets by itself, for its own connection to the app. */
const STRUCTURAL: readonly string[] = ['connection', 'host', 'upgrade', 'x-request-id'];

/** Fields that the app gets with another value than the client has sent. */
const REPLACED: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

function replacedIn(fields: Fields): Fields {
  const found: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (REPLACED.has(name.toLowerCase())) found.push(name, fields[i + 1] as string);
  }
  return found;
}
