import type { Config } from '../config/schema.ts';
import { pictureType } from '../config/values/logo.ts';
import { createPages, type Pages } from '../server/pages/layout.ts';
import type { Read } from './read.ts';

/** The pages as the configuration wants them, the logo read. `notice` stands on each of them. */
export function pagesOf(
  { name, logo, accent, accent_dark: dark, help, languages }: Config['pages'],
  read: Read,
  notice?: string,
): Pages {
  const brand = {
    name,
    logo: logo === undefined ? undefined : dataUrl(read(logo), logo),
    accent: { light: accent, dark },
    help: { text: help.text, link: help.link },
  };
  const [first = 'en', ...others] = languages;
  return createPages(brand, [first, ...others], notice);
}

function dataUrl(picture: Buffer, file: string): string {
  const type = pictureType(picture, file);
  if (type.kind === 'wrong') throw new Error(`Cannot start: ${type.message}`);
  return `data:${type.value};base64,${picture.toString('base64')}`;
}
