import type { Authenticator } from '../auth/authenticator.ts';

/** A way in that takes a click or a form, for the pages and for programs that show their own. */
export interface SignInWay {
  /** `password` is the form; any other way is a link to `<prefix>/login/<id>`. */
  readonly kind: 'form' | 'link';
  readonly id: string;
  /** What the button says: `Company account`. */
  readonly label: string;
}

/** What an app's answers tell about signing in. */
export interface SignInOffer {
  readonly prefix: string;
  /** The app that it is for; absent when it is for all of a host. */
  readonly app?: string;
  /** `WWW-Authenticate` values of the methods that have one, in configured order. */
  readonly challenges: readonly string[];
  readonly ways: readonly SignInWay[];
}

/** How people and programs sign in to one app. Made once, at the start. */
export interface SignInPlan {
  /** Judged before the session cookie: their credential comes with each request. */
  readonly byRequest: readonly Authenticator[];
  /** Asked when there is no session, in configured order. */
  readonly bySession: readonly Authenticator[];
  /** Entries of the configuration whose sessions are good here (`Session.provider`). */
  readonly providers: ReadonlySet<string>;
  /** Names of request fields, folded (`foldFieldName`), whose credentials are for us alone. */
  readonly ownFields: ReadonlySet<string>;
  /** Schemes of `Authorization`, in lower case, whose credentials are for us alone. */
  readonly ownSchemes: ReadonlySet<string>;
  /** The query parameter that carries a stream token; `undefined` when the app takes none. */
  readonly streamParameter: string | undefined;
  readonly offer: SignInOffer;
}

/** Whether a browser may answer this challenge without asking anybody. */
export const isSilent = (challenge: string): boolean => /^(?:negotiate|ntlm)\b/i.test(challenge);

/** Where the ways in are shown together; the page goes on to `target` afterwards. */
export const signInUrl = (offer: SignInOffer, target: string): string =>
  `${offer.prefix}/login?return=${encodeURIComponent(target)}`;

/** Where one way begins. */
export const wayUrl = (offer: SignInOffer, way: SignInWay, target: string): string =>
  way.kind === 'form'
    ? signInUrl(offer, target)
    : `${offer.prefix}/login/${way.id}?return=${encodeURIComponent(target)}`;

/** What a host offers as a whole, for the endpoints that its apps share. */
export function mergedPlan(plans: readonly SignInPlan[], prefix: string): SignInPlan {
  const all = <T>(of: (plan: SignInPlan) => Iterable<T>): T[] => [...new Set(plans.flatMap((plan) => [...of(plan)]))];
  const ways = new Map(plans.flatMap(({ offer }) => offer.ways.map((way) => [way.id, way])));
  return {
    byRequest: all(({ byRequest }) => byRequest),
    bySession: all(({ bySession }) => bySession),
    providers: new Set(all(({ providers }) => providers)),
    ownFields: new Set(all(({ ownFields }) => ownFields)),
    ownSchemes: new Set(all(({ ownSchemes }) => ownSchemes)),
    streamParameter: undefined,
    offer: { prefix, challenges: all(({ offer }) => offer.challenges), ways: [...ways.values()] },
  };
}
