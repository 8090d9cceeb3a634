import { isSilent, type SignInOffer, type SignInWay, wayUrl } from '../sign-in-plan.ts';
import { type Html, html } from './html.ts';
import { type Page, type PageContext, page, type Voice, voiceOf } from './layout.ts';
import { siteName } from './pages.ts';
import type { PasswordProblem } from './texts.ts';

export interface SignInView {
  readonly offer: SignInOffer;
  /** A path on this site, already sanitised. */
  readonly returnTo: string;
  readonly problem: PasswordProblem | undefined;
  /** Windows sign-on was on offer and did not happen. */
  readonly negotiateFailed: boolean;
  /** It was a form that nobody was signed in for. */
  readonly notCarriedOut: boolean;
  /** The name that was typed, given back after a failed attempt. */
  readonly name: string;
}

/** All the ways in that are left when nobody could be signed in silently, in configured order. */
export function signInPage(context: PageContext, view: SignInView): Page {
  const voice = voiceOf(context);
  const { texts } = voice;
  const { offer } = view;
  const silent = offer.challenges.some(isSilent);
  const ways = waysOf(voice, view, silent);
  const going =
    offer.app !== undefined &&
    html`<p>${texts.signInPage.goingTo(html`<strong>${offer.app}</strong>`)}</p>
`;
  const failed =
    view.negotiateFailed &&
    silent &&
    html`<p role="status">${texts.signInPage.notAutomatic}${ways.length > 0 && html` <a href="${view.returnTo}">${texts.tryAgain}</a>`}</p>
`;
  const lost =
    view.notCarriedOut &&
    html`<p role="status">${texts.signInPage.notCarriedOut}</p>
`;
  const again =
    ways.length === 0 &&
    html`<p><a class="button first" href="${view.returnTo}">${texts.tryAgain}</a></p>
`;
  return page(
    context,
    texts.signIn,
    html`${going}${lost}${failed}${ways}${again}${silent && windowsHelp(voice, ways.length === 0)}`,
  );
}

/** Links and the form, with a word between what looks different. */
function waysOf(voice: Voice, view: SignInView, silent: boolean): readonly Html[] {
  const { texts } = voice;
  const parts: Html[] = [];
  let before: SignInWay['kind'] | undefined;
  const add = (kind: SignInWay['kind'], part: Html): void => {
    if (before !== undefined && (before !== kind || kind === 'form'))
      parts.push(html`<p class="or">${texts.signInPage.or}</p>
`);
    before = kind;
    parts.push(part);
  };
  const link = (target: string, label: string): void =>
    add(
      'link',
      html`<a class="${before === undefined ? 'button first' : 'button'}" href="${target}">${label}</a>
`,
    );
  // On the page that has just failed with it, trying again is a link of its own.
  if (silent && !view.negotiateFailed) link(view.returnTo, texts.signInPage.windows);
  for (const way of view.offer.ways)
    if (way.kind === 'form') add('form', passwordForm(voice, view, before === undefined));
    else link(wayUrl(view.offer, way, view.returnTo), texts.signInPage.withProvider(way.label));
  return parts;
}

/** Where the form is the first thing to do, the cursor waits in it; after a mistake it waits where the mistake is. */
function passwordForm({ texts }: Voice, { offer, returnTo, problem, name }: SignInView, first: boolean): Html {
  const words = texts.signInPage;
  const wrong = problem !== undefined;
  const explained = wrong && html` aria-describedby="problem" aria-invalid="true"`;
  return html`<form method="post" action="${offer.prefix}/login">
${
  wrong &&
  html`<p class="problem" id="problem" role="alert">${words.problems[problem]}</p>
`
}<input type="hidden" name="return" value="${returnTo}">
<label for="name">${words.userName}</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" required maxlength="256"${first && !wrong && html` autofocus`}${explained} value="${name}">
<label for="password">${words.password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${wrong && html` autofocus`}${explained}>
<button class="${first ? 'first' : 'second'}" type="submit">${texts.signIn}</button>
</form>
`;
}

/** What a person can do when Windows sign-on does not work; in plain sight when it is the only way in. */
function windowsHelp(voice: Voice, only: boolean): Html {
  const { help, whatHelps } = voice.texts.signInPage;
  return html`<details${only && html` open`}><summary>${whatHelps}</summary>
<ul><li>${help.network}</li><li>${help.renew}</li><li>${help.browser(siteName(voice))}</li></ul></details>`;
}
