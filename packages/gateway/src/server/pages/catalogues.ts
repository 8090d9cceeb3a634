import type { PageLanguage } from '../../config/sections/pages.ts';
import type { Texts } from './texts.ts';
import { de } from './texts/de.ts';
import { en } from './texts/en.ts';
import { fr } from './texts/fr.ts';
import { pl } from './texts/pl.ts';

/** The languages, each once: a new one is a file and a line, here and in the configuration's list. */
export const catalogues: Readonly<Record<PageLanguage, Texts>> = { en, de, fr, pl };
