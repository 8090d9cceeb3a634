import type { PasswordOutcome, PasswordSource } from '../../auth/password.ts';
import type { SessionOrigin } from '../../auth/session.ts';
import { returnPath } from '../../wire/return-path.ts';
import { signedInPage } from '../pages/pages.ts';
import { signInPage } from '../pages/sign-in-page.ts';
import { pageReply, redirectReply, toResponse } from '../replies.ts';
import type { Endpoint } from './endpoint.ts';

/** `GET /auth/login`: the ways to sign in. Who is signed in already is sent on, unless it is to be done again (`?again=1`). */
export function loginPage(): Endpoint {
  return {
    path: '/login',
    methods: ['GET'],
    signIn: 'if-any',
    async handle(request, { context, isGoodAt, offerFor }) {
      const { searchParams } = new URL(request.url);
      const returnTo = returnPath(searchParams.get('return'));
      const offer = offerFor(returnTo);
      if (isGoodAt(returnTo) && searchParams.get('again') !== '1') return toResponse(redirectReply(returnTo));
      const view = { offer, returnTo, problem: undefined, negotiateFailed: false, notCarriedOut: false, name: '' };
      return toResponse(pageReply(200, signInPage(context, view)));
    },
  };
}

/** `POST /auth/login`: name and password. */
export function login(passwords: PasswordSource, origin: SessionOrigin): Endpoint {
  return {
    path: '/login',
    methods: ['POST'],
    signIn: 'if-any',
    // Whatever session the browser has, another one begins; that another site's page did not cause it, Origin tells.
    csrf: 'none',
    async handle(request, { context, begin, offerFor, record }) {
      const form = new URLSearchParams(await request.text());
      const name = form.get('name') ?? '';
      const returnTo = returnPath(form.get('return'));
      const offer = offerFor(returnTo);
      const again = (status: number, problem: Reason, retryAfterMs?: number): Response =>
        toResponse(
          pageReply(
            status,
            signInPage(context, { offer, returnTo, problem, negotiateFailed: false, notCarriedOut: false, name }),
            retryAfterMs === undefined ? [] : ['Retry-After', String(Math.ceil(retryAfterMs / 1000))],
          ),
        );

      const outcome = await passwords.signIn(name, form.get('password') ?? '', context.address, context.now);
      if (outcome.kind === 'rejected') {
        record({ kind: 'sign-in-failed', method: 'password', reason: outcome.reason, detail: outcome.detail });
        return again(statuses[outcome.reason], outcome.reason, outcome.retryAfterMs);
      }
      const { live, cookies } = await begin(
        outcome.identity,
        { ...origin, lookUpGroups: outcome.lookUpGroups },
        returnTo,
      );
      record({ kind: 'sign-in', method: 'password', note: live.note }, live);
      if (context.audience !== 'person') return toResponse(redirectReply(returnTo, cookies));
      const leading = ['Refresh', `0; url=${returnTo}`];
      return toResponse(pageReply(200, signedInPage(context, returnTo), [...leading, ...cookies]));
    },
  };
}

type Reason = Extract<PasswordOutcome, { kind: 'rejected' }>['reason'];

/** What the person is told stands in the texts of the pages. Where it says something about the account, the password was right. */
const statuses: Readonly<Record<Reason, number>> = {
  'wrong-name-or-password': 403,
  throttled: 429,
  busy: 429,
  unavailable: 503,
  'password-expired': 403,
  'password-must-change': 403,
  'account-disabled': 403,
  'account-expired': 403,
  'not-at-this-time': 403,
  'not-from-this-machine': 403,
};
