import type { Session } from '../../auth/session.ts';
import type { LiveSessions } from '../live-sessions.ts';
import { signedOutPage, signOutPage } from '../pages/pages.ts';
import { pageReply, toResponse } from '../replies.ts';
import type { Endpoint } from './endpoint.ts';

/** `GET /auth/logout`: asks first, since a link on any page can cause a GET. */
export function logoutForm(prefix: string, sessions: LiveSessions, silent: boolean): Endpoint {
  return {
    path: '/logout',
    methods: ['GET'],
    signIn: 'if-any',
    async handle(_request, { context, live }) {
      const body =
        live === undefined
          ? signedOutPage(context, { silent })
          : signOutPage(context, {
              account: live.identity.account,
              action: `${prefix}/logout`,
              csrf: sessions.csrfToken(live),
            });
      return toResponse(pageReply(200, body));
    },
  };
}

export interface LogoutParts {
  readonly prefix: string;
  readonly sessions: LiveSessions;
  /** Somebody who signs out is signed in again silently, by the next page. */
  readonly silent: boolean;
  /**
   * Where the person signs out of the provider of their session as well, who then sends them to `returnUri`; `undefined` when there
   * is no such place. Reads at once what is kept beside the session, and never rejects.
   */
  readonly providerUrl: (session: Session, returnUri: string, now: number) => Promise<string | undefined>;
}

/** `POST /auth/logout`: ends the session, wherever its cookie may have got to, and removes the cookie from this browser. */
export function logout({ prefix, sessions, silent, providerUrl }: LogoutParts): Endpoint {
  return {
    path: '/logout',
    methods: ['POST'],
    signIn: 'if-any',
    async handle(_request, { context, live, record }) {
      const { now, origin, proto } = context;
      const removal = sessions.removal(proto === 'https');
      if (live === undefined) {
        await sessions.endIdle(context.session);
        return toResponse(pageReply(200, signedOutPage(context, { silent }), removal));
      }
      // Asked first, since what it needs goes with the session; and not waited for, since a provider that is down would keep the session alive.
      const asked = providerUrl(live.session, `${origin}${prefix}/logout`, now);
      await sessions.end(live);
      record({ kind: 'sign-out' });
      const next = await asked;
      // No redirect: browsers follow none out of a form, when a policy allows forms to this site alone (CSP 3, form-action).
      const leading = next === undefined ? [] : ['Refresh', `0; url=${next}`];
      return toResponse(pageReply(200, signedOutPage(context, { silent, next }), [...leading, ...removal]));
    },
  };
}
