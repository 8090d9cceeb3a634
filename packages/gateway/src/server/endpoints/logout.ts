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

/** `POST /auth/logout`: ends the session, wherever its cookie may have got to, and removes the cookie from this browser. */
export function logout(sessions: LiveSessions, silent: boolean): Endpoint {
  return {
    path: '/logout',
    methods: ['POST'],
    signIn: 'if-any',
    async handle(_request, { context, live, record }) {
      const removal = sessions.removal(context.proto === 'https');
      if (live !== undefined) {
        await sessions.end(live);
        record({ kind: 'sign-out' });
      }
      return toResponse(pageReply(200, signedOutPage(context, { silent }), removal));
    },
  };
}
