import { z } from 'zod';
import { file, type SchemaContext } from '../context.ts';
import { parseColour } from '../page-colours.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';
import { type Leaf, leaf } from '../values/leaf.ts';

/** Languages that our pages speak. The first is what people get whose browser asks for none of them. */
export const pageLanguages = ['en', 'de', 'fr', 'pl'] as const;
export type PageLanguage = (typeof pageLanguages)[number];

const colour = (example: string): Leaf<string> => leaf('colour', example, parseColour);

const words = (longest: number) => z.string().trim().min(1).max(longest);

/** A link for people: a page, an address to write to, or a number to call. */
function parseLink(text: string): Parsed<string> {
  const isLink = /^(?:https?:\/\/[^\s\\/]|mailto:[^\s@]+@|tel:\+?[0-9])[^\s\\]*$/.test(text) && URL.canParse(text);
  if (isLink && new URL(text).username === '' && new URL(text).password === '') return ok(text);
  return wrong(
    `"${text.replace(/^(https?:\/\/).*@/, '$1…@')}" is not a link for a page`,
    'Write it like https://help.corp.example, mailto:help@corp.example or tel:+4812345.',
  );
}

const help = () =>
  z
    .strictObject({
      text: z
        .union([words(500), z.partialRecord(z.enum(pageLanguages), words(500))])
        .optional()
        .meta({ 'x-examples': ['The service desk helps: 4321'] })
        .describe(
          'One text, or one for each language: `{ en: …, de: … }`. People whose language is not there get the first.',
        ),
      link: leaf('link', 'https://help.corp.example', parseLink)
        .optional()
        .describe('Where “Get help” leads: `https://…`, `mailto:…` or `tel:…`.'),
    })
    .prefault({})
    .describe('What people read below every page of Cardea.');

export const pages = (context: SchemaContext) =>
  z
    .strictObject({
      name: words(60)
        .optional()
        .meta({ 'x-examples': ['Corp Apps'] })
        .describe('What people call this place. Default: the host name in the address.'),
      logo: file(context, 'logo.svg')
        .optional()
        .describe(
          'PNG, JPEG, WebP or SVG file of at most 32 KiB. It is part of each page, so that nothing has to be loaded.',
        ),
      accent: colour('#1f4fd1')
        .optional()
        .describe('Colour of buttons and links. A warning says when it cannot be read on white (WCAG AA, 4.5:1).'),
      accent_dark: colour('#8fb0ff')
        .optional()
        .describe(
          'The same for people whose screen is dark. Default: `accent`, as much lighter as it takes to be read.',
        ),
      help: help(),
      languages: z
        .array(z.enum(pageLanguages))
        .min(1)
        .refine((list) => new Set(list).size === list.length, 'a language is in the list twice')
        .prefault([...pageLanguages])
        .describe(
          'Languages of the pages: a browser says which its person prefers, and the first here is for all others.',
        ),
    })
    .prefault({})
    .describe('How the pages of Cardea look: signing in and out, refusals, errors.')
    .meta({
      'x-example':
        'pages:\n  name: Corp Apps\n  logo: logo.svg\n  accent: "#0a5c36"\n  help: { text: "The service desk helps: 4321", link: https://help.corp.example }\n  languages: [en, de]\n',
    });
