/**
 * What people see when something stands between them and the app: what happened, and what they can do. The reason for
 * the administrator stays in the audit log, under the request's number.
 *
 * @module
 */
import { type Html, html } from './html.ts';
import { type Page, type PageContext, page, type Voice, voiceOf } from './layout.ts';
import type { ProblemCode } from './texts.ts';

/** Signed in (or not), and not allowed here. */
export function refusedPage(
  context: PageContext,
  view: {
    readonly account: string | undefined;
    readonly app: string;
    readonly requestId: string;
    readonly prefix: string;
    /** Where somebody who is not signed in could do so; `undefined`: nowhere. */
    readonly signIn: string | undefined;
    /** People are signed on by their Windows session, which knows new groups only after it was renewed. */
    readonly silent: boolean;
  },
): Page {
  const { texts } = voiceOf(context);
  const words = texts.refusedPage;
  const app = html`<strong>${view.app}</strong>`;
  const signOut = (label: string): Html => html`<a href="${view.prefix}/logout">${label}</a>`;
  const signedIn = view.account !== undefined;
  const who = signedIn ? texts.signedInAs(html`<strong>${view.account}</strong>`) : html`${words.notSignedIn}`;
  const next = signedIn
    ? (view.silent ? words.afterChangeWindows : words.afterChange)(signOut)
    : view.signIn !== undefined && html`<a href="${view.signIn}">${texts.signIn}</a>`;
  return page(
    context,
    words.title,
    html`<p>${who} ${words.notOpen(app)}</p>
<p>${words.ask(app)} ${next}</p>
<p><a href="/">${texts.backToStart}</a></p>
${requestNumber(context, view.requestId)}`,
  );
}

/** What nobody at the desk can mend: the app is down, the address unknown, the request broken. */
export function problemPage(
  context: PageContext,
  view: {
    readonly code: ProblemCode;
    readonly requestId: string | undefined;
    /** Where trying again makes sense: a path on this site. */
    readonly again: string | undefined;
  },
): Page {
  const { texts } = voiceOf(context);
  const { title, text } = texts.problems[view.code];
  return page(
    context,
    title,
    html`<p>${text}</p>
${view.again !== undefined && html`<p><a class="button first" href="${view.again}">${texts.tryAgain}</a></p>`}
${requestNumber(context, view.requestId)}`,
  );
}

/**
 * Between the sign-in and the app, where a redirect would not do: send `Refresh` along with it. A browser does not send
 * `SameSite=Strict` cookies along when another site sends people here; and Chromium holds `form-action` against every
 * step that follows from a form, so that an app which sends people on to another site would seem to do nothing.
 */
export function signedInPage(context: PageContext, target: string): Page {
  const { provider: words } = voiceOf(context).texts;
  const goOn = (label: string): Html => html`<a href="${target}">${label}</a>`;
  return page(context, words.signedIn, html`<p role="status">${words.oneMoment(goOn)}</p>`);
}

/** Asks before it signs anybody out, so that a link on another site cannot. */
export function signOutPage(
  context: PageContext,
  view: { readonly account: string; readonly action: string; readonly csrf: string },
): Page {
  const { texts } = voiceOf(context);
  return page(
    context,
    texts.signOutPage.title,
    html`<p>${texts.signedInAs(html`<strong>${view.account}</strong>`)}</p>
<form method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<button class="first" type="submit">${texts.signOut}</button>
<a class="button" href="/">${texts.signOutPage.stay}</a>
</form>`,
  );
}

/**
 * After signing out. A silent method would sign the person in again at the next page, and the page says so. `next` is
 * where the provider ends its own session: send it as `Refresh` along with the page. A redirect would not do, since
 * Chromium holds `form-action` against every step that follows from a form.
 */
export function signedOutPage(
  context: PageContext,
  view: { readonly silent: boolean; readonly next?: string | undefined },
): Page {
  const voice = voiceOf(context);
  const { signedOutPage: words, backToStart } = voice.texts;
  const { next } = view;
  const goOn = (label: string): Html => html`<a href="${next ?? ''}">${label}</a>`;
  return page(
    context,
    words.title,
    html`<p role="status">${words.text(siteName(voice))}</p>
${next !== undefined && html`<p>${words.goingOn(goOn)}</p>`}
${view.silent && html`<p class="quiet">${words.silent}</p>`}
<p><a href="/">${backToStart}</a></p>`,
  );
}

/** The site's name within a sentence. */
export const siteName = ({ site }: Voice): Html => html`<strong>${site}</strong>`;

/** What leads an administrator to the reason. */
export function requestNumber(context: PageContext, requestId: string | undefined): Html {
  if (requestId === undefined) return html``;
  const { texts } = voiceOf(context);
  return html`<p class="quiet">${texts.requestNumber} <code>${requestId}</code></p>`;
}
