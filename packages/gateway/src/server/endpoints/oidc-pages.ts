/**
 * What a person sees when signing in by a provider does not work. Every refusal looks the same; the reason is in the audit log.
 *
 * @module
 */
import { type Html, html } from '../pages/html.ts';
import { type Page, type PageContext, page, voiceOf } from '../pages/layout.ts';
import { requestNumber } from '../pages/pages.ts';
import type { Texts } from '../pages/texts.ts';

export interface OidcPage {
  /** What the provider is called on its button. */
  readonly provider: string;
  /** Where to begin anew. */
  readonly again: string;
  readonly requestId: string;
}

/** Somebody came back, and was not signed in. */
export const notSignedInPage = (context: PageContext, view: OidcPage): Page =>
  oidcPage(context, view, (words) => [words.notSignedIn, words.didNotWork(view.provider), words.again]);

/** The person, or the provider, has said no. */
export const cancelledPage = (context: PageContext, view: OidcPage): Page =>
  oidcPage(context, view, (words) => [words.notSignedIn, words.cancelled(view.provider), words.againOrAsk]);

/** It is certain who it is, and that he may not in. */
export const notWelcomePage = (context: PageContext, view: OidcPage): Page =>
  oidcPage(context, view, (words, { title }) => [title, words.notWelcome(view.provider), words.askThenAgain]);

/** The provider is down. */
export const providerDownPage = (context: PageContext, view: OidcPage): Page =>
  oidcPage(context, view, (words) => [words.downTitle, words.down(view.provider), words.waitAndAgain]);

type Way = (link: (label: string) => Html) => Html;

function oidcPage(
  context: PageContext,
  view: OidcPage,
  say: (words: Texts['provider'], refused: Texts['refusedPage']) => readonly [title: string, what: string, way: Way],
): Page {
  const { texts } = voiceOf(context);
  const [title, what, way] = say(texts.provider, texts.refusedPage);
  const link = (label: string): Html => html`<a href="${view.again}">${label}</a>`;
  return page(
    context,
    title,
    html`<p>${what}</p>
<p>${way(link)}</p>
${requestNumber(context, view.requestId)}`,
  );
}
