/**
 * Every text of our pages, to be written once for each language. A language that lacks one does not compile.
 *
 * @module
 */
import type { PasswordOutcome } from '../../auth/password.ts';
import type { Html } from './html.ts';

/** What may go wrong without the person at the desk being able to mend it; programs get the same word. */
export type ProblemCode =
  | 'account-barred'
  | 'bad-request'
  | 'cross-site'
  | 'csrf'
  | 'not-found'
  | 'path-ambiguous'
  | 'sign-in-unavailable'
  | 'stream-token-repeated'
  | 'upstream-timeout'
  | 'upstream-unreachable';

/** Why a password was not taken. What tells something about the account is said only when the password was right. */
export type PasswordProblem = Extract<PasswordOutcome, { kind: 'rejected' }>['reason'];

/** `Html` in an argument is ready to be put into a sentence: a name that stands out, or a link. */
export interface Texts {
  /** For `lang` and `Content-Language` (RFC 5646). */
  readonly tag: string;
  readonly direction: 'ltr' | 'rtl';
  readonly requestNumber: string;
  readonly tryAgain: string;
  readonly backToStart: string;
  readonly signIn: string;
  readonly signOut: string;
  readonly getHelp: string;
  readonly signInPage: {
    readonly goingTo: (app: Html) => Html;
    /** Windows sign-on was on offer and did not happen. */
    readonly notAutomatic: string;
    /** A form was sent without a session. */
    readonly notCarriedOut: string;
    readonly windows: string;
    readonly withProvider: (provider: string) => string;
    /** Between ways to sign in. */
    readonly or: string;
    readonly userName: string;
    readonly password: string;
    readonly problems: Readonly<Record<PasswordProblem, string>>;
    readonly whatHelps: string;
    readonly help: {
      readonly network: string;
      readonly renew: string;
      readonly browser: (site: Html) => Html;
    };
  };
  readonly signOutPage: { readonly title: string; readonly stay: string };
  readonly signedInAs: (account: Html) => Html;
  readonly signedOutPage: {
    readonly title: string;
    readonly text: (site: Html) => Html;
    readonly silent: string;
    /** The provider, too, is to end its session. */
    readonly goingOn: (goOn: (label: string) => Html) => Html;
  };
  readonly refusedPage: {
    readonly title: string;
    readonly notOpen: (app: Html) => Html;
    readonly notSignedIn: string;
    readonly ask: (app: Html) => Html;
    readonly afterChange: (signOut: (label: string) => Html) => Html;
    /** Groups of Windows people are renewed with their Windows sign-in. */
    readonly afterChangeWindows: (signOut: (label: string) => Html) => Html;
  };
  readonly problems: Readonly<Record<ProblemCode, { readonly title: string; readonly text: string }>>;
  readonly provider: {
    readonly notSignedIn: string;
    readonly didNotWork: (provider: string) => string;
    readonly again: (signInAgain: (label: string) => Html) => Html;
    readonly cancelled: (provider: string) => string;
    readonly againOrAsk: (signInAgain: (label: string) => Html) => Html;
    readonly notWelcome: (provider: string) => string;
    readonly askThenAgain: (signInAgain: (label: string) => Html) => Html;
    readonly downTitle: string;
    readonly down: (provider: string) => string;
    readonly waitAndAgain: (tryAgain: (label: string) => Html) => Html;
    readonly signedIn: string;
    readonly oneMoment: (goOn: (label: string) => Html) => Html;
  };
}
