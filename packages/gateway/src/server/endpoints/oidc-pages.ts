/**
 * What a person sees when signing in by a provider does not work. Every refusal looks the same; the reason is in the audit log.
 *
 * @module
 */
import { html } from '../pages/html.ts';
import { page } from '../pages/layout.ts';

export interface OidcPage {
  /** What the provider is called on its button. */
  readonly provider: string;
  /** Where to begin anew. */
  readonly again: string;
  readonly requestId: string;
}

const number = (view: OidcPage) => html`<p class="quiet">Request <code>${view.requestId}</code></p>`;

/** Somebody came back, and was not signed in. */
export function notSignedInPage(view: OidcPage): string {
  return page(
    'You are not signed in',
    html`<p>Signing in with ${view.provider} did not work this time. You did nothing wrong: perhaps it took too long, or the
page was opened a second time.</p>
<p><a href="${view.again}">Sign in again</a>. If it does not help, tell your administrator the number below.</p>${number(view)}`,
  );
}

/** The person, or the provider, has said no. */
export function cancelledPage(view: OidcPage): string {
  return page(
    'You are not signed in',
    html`<p>${view.provider} did not let you in, or you have cancelled.</p>
<p><a href="${view.again}">Sign in again</a>. If it does not help, ask your administrator for access.</p>${number(view)}`,
  );
}

/** It is certain who it is, and that he may not in. */
export function notWelcomePage(view: OidcPage): string {
  return page(
    'No access',
    html`<p>${view.provider} has signed you in, but your account is not among those that may use this site.</p>
<p>Ask your administrator for access, then <a href="${view.again}">sign in again</a>.</p>${number(view)}`,
  );
}

/** The provider is down. */
export function providerDownPage(view: OidcPage): string {
  return page(
    'Signing in is not possible right now',
    html`<p>${view.provider} does not answer. You did nothing wrong.</p>
<p>Wait a moment, then <a href="${view.again}">try again</a>. If it lasts, tell your administrator.</p>${number(view)}`,
  );
}

/** Between the sign-in and the app, for cookies that browsers do not send along when another site sends people here. */
export function signedInPage(target: string): string {
  return page('You are signed in', html`<p>One moment, or <a href="${target}">go on</a>.</p>`);
}
