/**
 * What a request that goes no further is answered with. A person gets a page, a
 * program JSON, an upgrade a status with challenges; nobody but the audit log learns the reason.
 *
 * @module
 */
import type { Fields } from '../wire/fields.ts';
import type { Reply } from '../wire/http.ts';
import type { App } from './apps.ts';
import { problemPage, refusedPage, signInPage } from './pages/pages.ts';
import { jsonReply, pageReply, redirectReply } from './replies.ts';
import type { RequestContext } from './request-context.ts';
import { type SignInOffer, signInUrl, wayUrl } from './sign-in-plan.ts';

/**
 * Nobody is signed in, and somebody has to be. With a silent method the 401 itself asks for it and its body is the sign-in
 * page, for browsers that cannot answer; without one, a person is sent to the form. `challenge` replaces the offered
 * challenges after a leg of a handshake.
 */
export function notSignedIn(
  context: RequestContext,
  offer: SignInOffer,
  options: { readonly challenge?: string | undefined; readonly failed?: boolean; readonly extra?: Fields } = {},
): Reply {
  const extra = options.extra ?? [];
  const failed = options.failed === true;
  // A browser that gets a token with the refusal shows a network error of its own instead of our page.
  const reply = failed && context.audience === 'person' ? undefined : options.challenge;
  const challenges = reply === undefined ? offer.challenges : [reply];
  const challengeFields = challenges.flatMap((value) => ['WWW-Authenticate', value]);
  const [first, ...others] = offer.ways;
  if (context.audience === 'person') {
    // One way in needs no choice; several are shown together.
    if (challenges.length === 0 && first !== undefined) {
      const target = others.length === 0 ? wayUrl(offer, first, context.target) : signInUrl(offer, context.target);
      return redirectReply(target, extra);
    }
    const body = signInPage({ offer, returnTo: context.target, problem: undefined, negotiateFailed: true, name: '' });
    return pageReply(401, body, [...challengeFields, ...extra]);
  }
  return jsonReply(
    401,
    {
      error: failed ? 'sign-in-failed' : 'not-signed-in',
      message: failed ? 'The credential was not accepted; the reason is in the audit log' : 'Sign in first',
      requestId: context.requestId,
      ...(first === undefined ? {} : { signInUrl: signInUrl(offer, context.target) }),
    },
    [...challengeFields, ...extra],
  );
}

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
  return pageReply(
    403,
    refusedPage({
      account,
      app: app.name,
      requestId: context.requestId,
      prefix: offer.prefix,
      silent: offer.challenges.length > 0,
    }),
    extra,
  );
}

/** Any other answer of ours. */
export function problem(
  context: { readonly audience: RequestContext['audience']; readonly requestId: string | undefined },
  status: number,
  view: { readonly error: string; readonly title: string; readonly text: string },
  extra: Fields = [],
): Reply {
  return context.audience === 'person'
    ? pageReply(status, problemPage({ title: view.title, text: view.text, requestId: context.requestId }), extra)
    : jsonReply(status, { error: view.error, message: view.text, requestId: context.requestId }, extra);
}
