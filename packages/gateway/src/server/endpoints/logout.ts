import { readCookie } from '../../wire/cookies.ts';
import { type LiveSessions, sessionCookieName } from '../live-sessions.ts';
import { signedOutPage, signOutPage } from '../pages/pages.ts';
import { pageReply, toResponse } from '../replies.ts';
import type { Endpoint } from './endpoint.ts';

/** `GET /auth/logout`: asks first, since a link on any page can cause a GET. */
export function logoutForm(prefix: string, silent: boolean): Endpoint {
  return {
    path: '/logout',
    methods: ['GET'],
    signIn: 'if-any',
    async handle(_request, { live }) {
      const body =
        live === undefined
          ? signedOutPage({ silent })
          : signOutPage({ account: live.identity.account, action: `${prefix}/logout` });
      return toResponse(pageReply(200, body));
    },
  };
}

/** `POST /auth/logout`: removes the session from this browser. */
export function logout(sessions: LiveSessions, silent: boolean): Endpoint {
  return {
    path: '/logout',
    methods: ['POST'],
    signIn: 'if-any',
    async handle(_request, { context, live, record }) {
      const secure = context.proto === 'https';
      const cookie = readCookie(context.fields, sessionCookieName(secure));
      const removal = sessions.end(cookie.kind === 'one' ? cookie.value : undefined, secure);
      if (live !== undefined) record({ kind: 'sign-out' });
      return toResponse(pageReply(200, signedOutPage({ silent }), ['Set-Cookie', removal]));
    },
  };
}
