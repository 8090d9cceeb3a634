/**
 * The words of our pages: what happened, and what the person at the desk can do.
 * The reason for the administrator stays in the audit log, under the request's number.
 *
 * @module
 */
import { type SignInOffer, wayUrl } from '../sign-in-plan.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';

export interface SignInPage {
  readonly offer: SignInOffer;
  /** A path on this site, already sanitised. */
  readonly returnTo: string;
  readonly problem: string | undefined;
  /** Windows sign-on was on offer and did not happen. */
  readonly negotiateFailed: boolean;
  /** The name that was typed, given back after a failed attempt. */
  readonly name: string;
}

/** The ways in that are left when nobody could be signed in silently. */
export function signInPage(view: SignInPage): string {
  const silent =
    view.negotiateFailed &&
    html`<p>You were not signed in automatically. On a company computer this usually means that the browser is not
set up for this site, or that the computer is not connected to the company network.</p>`;
  const problem = view.problem !== undefined && html`<p class="problem" role="alert">${view.problem}</p>`;
  const { offer } = view;
  if (offer.ways.length === 0)
    return page(
      'Sign in',
      html`${silent}<p>Lock and unlock your computer, then <a href="${view.returnTo}">try again</a>. If it does
not help, ask your administrator.</p>`,
    );
  const links = offer.ways.filter(({ kind }) => kind === 'link');
  const form = offer.ways.some(({ kind }) => kind === 'form') && passwordForm(view);
  return page(
    'Sign in',
    html`${silent}${problem}${links.map(
      (way) => html`<p><a class="button" href="${wayUrl(offer, way, view.returnTo)}">${way.label}</a></p>
`,
    )}${form}`,
  );
}

function passwordForm(view: SignInPage): Html {
  return html`<form method="post" action="${view.offer.prefix}/login">
<input type="hidden" name="return" value="${view.returnTo}">
<label for="name">User name</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required value="${view.name}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Sign in</button>
</form>`;
}

/** Signed in, and not allowed here. */
export function refusedPage(view: {
  account: string | undefined;
  app: string;
  requestId: string;
  prefix: string;
  /** People are signed on by their Windows session, which knows new groups only after it was renewed. */
  silent: boolean;
}): string {
  return page(
    'No access',
    html`<p>${view.account === undefined ? 'You are not signed in' : html`You are signed in as <strong>${view.account}</strong>`},
and this page of <strong>${view.app}</strong> is not open to you.</p>
<p>If you need it, ask the people who run ${view.app} for access. After your groups have changed, ${
      view.silent && 'lock and unlock your computer, then '
    }<a href="${view.prefix}/logout">sign out here</a> and come back. <a href="/">Back to the start</a></p>
<p class="quiet">Request <code>${view.requestId}</code></p>`,
  );
}

/** The page for what nobody at the desk can mend: the app is down, the address unknown, the request broken. */
export function problemPage(view: { title: string; text: string; requestId: string | undefined }): string {
  const number = view.requestId !== undefined && html`<p class="quiet">Request <code>${view.requestId}</code></p>`;
  return page(view.title, html`<p>${view.text}</p>${number}`);
}

/** Asks before it signs anybody out, so that a link on another site cannot. */
export function signOutPage(view: { account: string; action: string; csrf: string }): string {
  return page(
    'Sign out',
    html`<p>You are signed in as <strong>${view.account}</strong>.</p>
<form method="post" action="${view.action}"><input type="hidden" name="csrf" value="${view.csrf}"><button
type="submit">Sign out</button></form>`,
  );
}

/** After signing out. A silent method would sign the person in again at the next page, and the page says so. */
export function signedOutPage(view: { silent: boolean }): string {
  return page(
    'Signed out',
    html`<p>You are signed out of this site.</p>${
      view.silent && html`<p class="quiet">With Windows sign-on the next page you open here signs you in again.</p>`
    }<p><a href="/">Back to the start</a></p>`,
  );
}
