import type { PasswordSource } from '../../auth/password.ts';
import { returnPath } from '../../wire/return-path.ts';
import type { LiveSessions } from '../live-sessions.ts';
import { signInPage } from '../pages/pages.ts';
import { pageReply, redirectReply, toResponse } from '../replies.ts';
import type { Endpoint } from './endpoint.ts';

/** `GET /auth/login`: the sign-in form. Who is signed in already is sent on. */
export function loginForm(prefix: string): Endpoint {
  return {
    path: '/login',
    methods: ['GET'],
    signIn: 'if-any',
    async handle(request, { live }) {
      const returnTo = returnPath(new URL(request.url).searchParams.get('return'));
      if (live !== undefined) return toResponse(redirectReply(returnTo));
      const view = { action: `${prefix}/login`, returnTo, problem: undefined, negotiateFailed: false, name: '' };
      return toResponse(pageReply(200, signInPage(view)));
    },
  };
}

/** `POST /auth/login`: name and password. Always a new session, so that one planted beforehand is worth nothing. */
export function login(prefix: string, passwords: PasswordSource, sessions: LiveSessions): Endpoint {
  return {
    path: '/login',
    methods: ['POST'],
    signIn: 'if-any',
    async handle(request, { context, record }) {
      const form = new URLSearchParams(await request.text());
      const name = form.get('name') ?? '';
      const returnTo = returnPath(form.get('return'));
      const again = (status: number, problem: string, retryAfterMs?: number): Response =>
        toResponse(
          pageReply(
            status,
            signInPage({ action: `${prefix}/login`, returnTo, problem, negotiateFailed: false, name }),
            retryAfterMs === undefined ? [] : ['Retry-After', String(Math.ceil(retryAfterMs / 1000))],
          ),
        );

      const outcome = await passwords.signIn(name, form.get('password') ?? '', context.address, context.now);
      if (outcome.kind === 'rejected') {
        record({ kind: 'sign-in-failed', method: 'password', reason: outcome.reason, detail: outcome.detail });
        if (outcome.reason === 'wrong-name-or-password')
          return again(403, 'The user name or the password is not right.');
        return again(429, 'Too many attempts. Please wait a few minutes, then try again.', outcome.retryAfterMs);
      }
      const live = sessions.start(outcome.identity, context.now);
      const cookie = sessions.seal(live, context.now, context.proto === 'https');
      if (cookie === undefined) {
        record({
          kind: 'sign-in-failed',
          method: 'password',
          reason: 'session-too-large',
          detail: 'The group names of this user do not fit into a cookie: give the user fewer groups in the users file',
        });
        return again(500, 'This account belongs to too many groups. Please tell your administrator.');
      }
      record({ kind: 'sign-in', method: 'password', note: live.note }, live);
      return toResponse(redirectReply(returnTo, ['Set-Cookie', cookie]));
    },
  };
}
