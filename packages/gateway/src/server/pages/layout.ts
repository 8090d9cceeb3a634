import { createHash } from 'node:crypto';
import { preferredLanguage } from '../../wire/accept-language.ts';
import type { PageLanguage } from '../../config/sections/pages.ts';
import type { Fields } from '../../wire/fields.ts';
import { catalogues } from './catalogues.ts';
import { type Html, html, verbatim } from './html.ts';
import { type Accent, styleSheet } from './style.ts';
import type { Texts } from './texts.ts';

/** How an operator's pages differ from everybody's. */
export interface Brand {
  /** What people call this place; `undefined`: the host in the address. */
  readonly name: string | undefined;
  /** A `data:` URL. */
  readonly logo: string | undefined;
  readonly accent: Accent;
  readonly help: {
    readonly text: string | Readonly<Partial<Record<PageLanguage, string>>> | undefined;
    readonly link: string | undefined;
  };
}

/** The look and the languages of all pages, made once. */
export interface Pages {
  readonly brand: Brand;
  /** The first is for people whose browser asks for none of them. */
  readonly languages: readonly [PageLanguage, ...PageLanguage[]];
  readonly style: Html;
  readonly fields: Fields;
  /** What everybody has to know who uses this gateway, in English: that it signs people in without any proof. */
  readonly notice: string | undefined;
}

/** What a page has to know of the request that it answers. */
export interface PageContext {
  readonly pages: Pages;
  /** Of the request: they say which language the person prefers. */
  readonly fields: Fields;
  /** Which host was asked; `undefined` when the request does not even tell that. */
  readonly host: string | undefined;
}

/** A page of ours, ready to be sent. */
export interface Page {
  readonly text: string;
  readonly fields: Fields;
}

/** The page's language, and what it calls this place. */
export interface Voice {
  readonly texts: Texts;
  readonly site: string;
}

const plain: Brand = {
  name: undefined,
  logo: undefined,
  accent: { light: undefined, dark: undefined },
  help: { text: undefined, link: undefined },
};

/** Nothing but our one style sheet, the logo inside the page and forms to ourselves: no script, no frame, no other site. */
export function createPages(
  brand: Brand = plain,
  languages: readonly [PageLanguage, ...PageLanguage[]] = ['en'],
  notice?: string,
): Pages {
  const style = styleSheet(brand.accent);
  const contentSecurityPolicy = [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    ...(brand.logo === undefined ? [] : ['img-src data:']),
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
  const fields = [
    'Content-Type',
    'text/html; charset=utf-8',
    'Content-Security-Policy',
    contentSecurityPolicy,
    'Cache-Control',
    'no-store',
    'Vary',
    'Accept-Language',
    'X-Content-Type-Options',
    'nosniff',
    'Referrer-Policy',
    'same-origin',
    'X-Frame-Options',
    'DENY',
  ];
  return { brand, languages, style: verbatim(style), fields, notice };
}

/** In which language to answer. */
export function voiceOf({ pages, fields, host }: PageContext): Voice {
  const texts = catalogues[preferredLanguage(fields, pages.languages)];
  return { texts, site: pages.brand.name ?? host ?? '' };
}

/** The one frame of all our pages: light and dark, from 320 px up, works without script. */
export function page(context: PageContext, title: string, contents: Html): Page {
  const { brand, fields, style, notice } = context.pages;
  const { texts, site } = voiceOf(context);
  const text = html`<!doctype html>
<html lang="${texts.tag}" dir="${texts.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}${site !== '' && ` – ${site}`}</title>
<style>${style}</style>
</head>
<body>
<main>
${warning(notice)}${header(brand, site)}<h1>${title}</h1>
${contents}${help(brand, texts)}
</main>
</body>
</html>
`.text;
  return { text, fields: [...fields, 'Content-Language', texts.tag] };
}

const warning = (notice: string | undefined): Html =>
  notice === undefined
    ? html``
    : html`<p class="problem" lang="en">${notice}</p>
`;

function header({ logo }: Brand, site: string): Html {
  // The name stands beside the picture, which therefore needs no words.
  const picture = logo !== undefined && html`<img src="${logo}" alt="">`;
  return site === '' && logo === undefined
    ? html``
    : html`<p class="site">${picture}<span>${site}</span></p>
`;
}

function help({ help: { text, link } }: Brand, texts: Texts): Html {
  if (text === undefined && link === undefined) return html``;
  const words = typeof text === 'object' ? (byLanguage(text, texts.tag) ?? Object.values(text)[0]) : text;
  const way = link !== undefined && html`<a href="${link}">${texts.getHelp}</a>`;
  return html`
<p class="quiet help">${words}${words !== undefined && link !== undefined && ' '}${way}</p>`;
}

const byLanguage = (text: Readonly<Partial<Record<string, string>>>, tag: string): string | undefined => text[tag];
