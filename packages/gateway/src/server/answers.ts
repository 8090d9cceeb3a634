/**
 * What a request that goes no further is answered with. A person gets a page, a
 * program JSON, an upgrade a status with challenges; nobody but the audit log learns the reason.
 *
 * @module
 */
import { type Fields, singleField } from '../wire/fields.ts';
import type { Reply, RequestHead } from '../wire/http.ts';
import { returnPath } from '../wire/return-path.ts';
import type { App } from './apps.ts';
import type { PageContext } from './pages/layout.ts';
import { problemPage, refusedPage } from './pages/pages.ts';
import { signInPage } from './pages/sign-in-page.ts';
import type { ProblemCode } from './pages/texts.ts';
import { jsonReply, pageReply, redirectReply } from './replies.ts';
import type { RequestContext } from './request-context.ts';
import { isSilent, type SignInOffer, signInUrl, wayUrl } from './sign-in-plan.ts';

/**
 * Nobody is signed in, and somebody has to be. With a silent method the 401 itself asks for it and its body is the sign-in
 * page, for browsers that cannot answer; without one, a person is sent to the form. `challenge` replaces the offered
 * challenges after a leg of a handshake.
 */
export function notSignedIn(
  context: RequestContext,
  offer: SignInOffer,
  options: {
    readonly challenge?: string | undefined;
    readonly failed?: boolean;
    /** There is a session, and it is too old for this: the ways in are not to send the browser back by virtue of it. */
    readonly tooOld?: boolean;
    readonly extra?: Fields;
  } = {},
): Reply {
  const extra = options.extra ?? [];
  const tooOld = options.tooOld === true;
  const failed = options.failed === true;
  const person = context.audience === 'person';
  // A browser that gets a token with the refusal shows a network error of its own instead of our page.
  const reply = failed && person ? undefined : options.challenge;
  // What no browser answers by itself is for programs.
  const offered = person ? offer.challenges.filter(isSilent) : offer.challenges;
  const challenges = reply === undefined ? offered : [reply];
  const challengeFields = challenges.flatMap((value) => ['WWW-Authenticate', value]);
  const [first, ...others] = offer.ways;
  if (person) {
    const repeatable = isRepeatable(context.head);
    // One way in needs no choice; several are shown together. What a form has sent would be lost without a word.
    if (challenges.length === 0 && first !== undefined && repeatable) {
      const target = others.length === 0 ? wayUrl(offer, first, context.target) : signInUrl(offer, context.target);
      return redirectReply(tooOld ? `${target}&again=1` : target, extra);
    }
    const body = signInPage(context, {
      offer,
      returnTo: repeatable ? context.target : formPage(context),
      problem: undefined,
      negotiateFailed: true,
      notCarriedOut: !repeatable,
      name: '',
    });
    return pageReply(401, body, [...challengeFields, ...extra]);
  }
  return jsonReply(
    401,
    {
      error: failed ? 'sign-in-failed' : tooOld ? 'sign-in-too-old' : 'not-signed-in',
      message: failed
        ? 'The credential was not accepted; the reason is in the audit log'
        : tooOld
          ? 'This asks for a more recent sign-in: sign in again'
          : 'Sign in first',
      requestId: context.requestId,
      ...(first === undefined ? {} : { signInUrl: `${signInUrl(offer, context.target)}${tooOld ? '&again=1' : ''}` }),
    },
    [...challengeFields, ...extra],
  );
}

/** Signed in too long ago for this. The session goes on as it is; a new sign-in takes its place. */
export const signInAgain = (context: RequestContext, offer: SignInOffer, extra: Fields = []): Reply =>
  notSignedIn(context, offer, { tooOld: true, extra });

/** Signed in (or not), and not allowed here. */
export function notAllowed(
  context: RequestContext,
  app: App,
  account: string | undefined,
  offer: SignInOffer,
  extra: Fields = [],
): Reply {
  if (context.audience !== 'person')
    return jsonReply(
      403,
      { error: 'not-allowed', message: 'This account may not do this', requestId: context.requestId },
      extra,
    );
  // The page that refused people are sent to may be refused itself: no loop.
  if (app.unauthorized !== undefined && app.unauthorized !== context.path)
    return redirectReply(app.unauthorized, extra);
  const page = refusedPage(context, {
    account,
    app: app.name,
    requestId: context.requestId,
    prefix: offer.prefix,
    signIn: offer.ways.length === 0 ? undefined : signInUrl(offer, isRepeatable(context.head) ? context.target : '/'),
    silent: offer.challenges.some(isSilent),
  });
  return pageReply(403, page, extra);
}

/** Somebody has as many WebSockets and event streams open as they may. Whoever opens one is a program. */
export const tooManyStreams = ({ requestId }: Pick<RequestContext, 'requestId'>, limit: number): Reply =>
  jsonReply(429, {
    error: 'too-many-streams',
    message: `This account has ${limit} WebSockets and event streams open here, and may not open more: close some first`,
    requestId,
  });

/** Who gets any other answer of ours. */
export type ProblemContext =
  | { readonly audience: 'program' | 'upgrade'; readonly requestId: string | undefined }
  | (PageContext & {
      readonly audience: 'person';
      readonly requestId: string | undefined;
      readonly head: RequestHead;
      /** `undefined` when the request does not even tell that. */
      readonly target: string | undefined;
    });

/** Any other answer of ours. `detail` is for those who have written the program. */
export function problem(
  context: ProblemContext,
  status: number,
  code: ProblemCode,
  options: { readonly extra?: Fields; readonly detail?: string } = {},
): Reply {
  const { requestId } = context;
  if (context.audience !== 'person') {
    const message = options.detail ?? messages[code];
    return jsonReply(status, { error: code, message, requestId }, options.extra);
  }
  const again = status >= 500 && isRepeatable(context.head) ? context.target : undefined;
  return pageReply(status, problemPage(context, { code, requestId, again }), options.extra);
}

/** What programs get, in the one language of those who write them. */
const messages: Readonly<Record<ProblemCode, string>> = {
  'account-barred': 'The account is disabled or has expired; the reason is in the audit log',
  'bad-request': 'The request cannot be read',
  'cross-site': 'A page of another site caused this request, so it was not carried out',
  csrf: 'Send the value of the cookie __Host-cardea-csrf (without TLS: cardea-csrf) again as X-CSRF-Token',
  'not-found': 'No application answers at this address',
  'path-ambiguous': 'The path leads to different applications, depending on who reads it',
  'sign-in-unavailable': 'Signing in is not possible right now. Try again in a minute',
  'stream-token-repeated': 'A stream token may stand in an address once',
  'upstream-timeout': 'The application does not answer. Try again in a minute',
  'upstream-unreachable': 'The application cannot be reached. Try again in a minute',
};

/** Whether a browser can ask again by address alone. */
const isRepeatable = ({ method }: RequestHead): boolean => method === 'GET' || method === 'HEAD';

/** Where a form that was sent may have stood, as far as the browser tells. */
function formPage({ fields, origin }: RequestContext): string {
  const referer = singleField(fields, 'referer');
  if (referer === undefined || referer === 'ambiguous' || !referer.value.startsWith(`${origin}/`)) return '/';
  return returnPath(referer.value.slice(origin.length));
}
