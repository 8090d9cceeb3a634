/**
 * Every page of ours, with every part that it can have, for tests that look at all of them.
 *
 * @module
 */
import { cancelledPage, notSignedInPage, notWelcomePage, providerDownPage } from '../endpoints/oidc-pages.ts';
import type { SignInOffer } from '../sign-in-plan.ts';
import { en } from './texts/en.ts';
import type { Page, PageContext } from './layout.ts';
import { problemPage, refusedPage, signedInPage, signedOutPage, signOutPage } from './pages.ts';
import { signInPage, type SignInView } from './sign-in-page.ts';
import type { PasswordProblem, ProblemCode } from './texts.ts';

/** Windows, two providers and the form. */
export const manyWays: SignInOffer = {
  prefix: '/auth',
  app: 'desk',
  challenges: ['Negotiate', 'Bearer'],
  ways: [
    { kind: 'link', id: 'entra', label: 'Company account' },
    { kind: 'link', id: 'partners', label: 'Partner portal' },
    { kind: 'form', id: 'password', label: 'Sign in' },
  ],
};
const formOnly: SignInOffer = { ...manyWays, challenges: [], ways: manyWays.ways.slice(2) };
const formFirst: SignInOffer = { ...manyWays, challenges: [], ways: manyWays.ways.toReversed() };
const windowsOnly: SignInOffer = { ...manyWays, ways: [] };
const nothing: SignInOffer = { ...manyWays, challenges: [], ways: [] };

/** What people and apps are called here; tests may give names that would break a page which does not escape them. */
export interface Names {
  readonly account: string;
  readonly app: string;
  readonly provider: string;
  readonly returnTo: string;
}

const usual: Names = {
  account: 'CORP\\alice',
  app: 'desk',
  provider: 'Company account',
  returnTo: '/reports/?year=2026',
};

/** Each page under a name that tells what is on it. */
export function everyPage(context: PageContext, names: Names = usual): ReadonlyMap<string, Page> {
  const { account, app, provider, returnTo } = names;
  const signIn = (offer: SignInOffer, more: Partial<SignInView> = {}): Page =>
    signInPage(context, {
      offer: { ...offer, app, ways: offer.ways.map((way) => ({ ...way, label: provider })) },
      returnTo,
      problem: undefined,
      negotiateFailed: false,
      notCarriedOut: false,
      name: '',
      ...more,
    });
  const refused = { account, app, requestId: 'r-1', prefix: '/auth', signIn: '/auth/login', silent: true };
  const oidc = { provider, again: `/auth/login/entra?return=${encodeURIComponent(returnTo)}`, requestId: 'r-1' };
  return new Map([
    ['sign-in', signIn(manyWays)],
    ['sign-in-after-windows', signIn(manyWays, { negotiateFailed: true })],
    ['sign-in-after-a-form', signIn(manyWays, { negotiateFailed: true, notCarriedOut: true })],
    ['sign-in-form', signIn(formOnly)],
    ['sign-in-form-first', signIn(formFirst)],
    ['sign-in-windows', signIn(windowsOnly, { negotiateFailed: true })],
    ['sign-in-nothing', signIn(nothing)],
    ...passwordProblems.map((problem) => [`sign-in-${problem}`, signIn(manyWays, { problem, name: account })] as const),
    ['sign-out', signOutPage(context, { account, action: '/auth/logout', csrf: '0000000a.token' })],
    ['signed-out', signedOutPage(context, { silent: false })],
    ['signed-out-elsewhere', signedOutPage(context, { silent: false, next: `/end?to=${provider}` })],
    ['signed-out-silent', signedOutPage(context, { silent: true })],
    ['refused', refusedPage(context, refused)],
    ['refused-form', refusedPage(context, { ...refused, silent: false })],
    ['refused-nobody', refusedPage(context, { ...refused, account: undefined })],
    ['refused-nobody-without-ways', refusedPage(context, { ...refused, account: undefined, signIn: undefined })],
    ...problemCodes.map(
      (code) => [`problem-${code}`, problemPage(context, { code, requestId: 'r-1', again: returnTo })] as const,
    ),
    ['problem-without-number', problemPage(context, { code: 'bad-request', requestId: undefined, again: undefined })],
    ['provider-did-not-work', notSignedInPage(context, oidc)],
    ['provider-cancelled', cancelledPage(context, oidc)],
    ['provider-not-welcome', notWelcomePage(context, oidc)],
    ['provider-down', providerDownPage(context, oidc)],
    ['signed-in', signedInPage(context, returnTo)],
  ]);
}

const passwordProblems = keysOf<PasswordProblem>(en.signInPage.problems);
const problemCodes = keysOf<ProblemCode>(en.problems);

function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): readonly K[] {
  const isKey = (key: string): key is K => key in record;
  return Object.keys(record).filter(isKey);
}
