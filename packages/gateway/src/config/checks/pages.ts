import { contrast, readableContrast, sheets } from '../page-colours.ts';
import { pictureType } from '../values/logo.ts';
import { type Check, error, warning } from './check.ts';

/** The logo is a picture that can be shown, and colours can be read. */
export const checkPages: Check = ({ config: { pages }, files, report }) => {
  if (pages === undefined) return;
  if (pages.logo !== undefined && files !== undefined) {
    const read = files.read(pages.logo);
    const type = read.kind === 'ok' ? pictureType(read.value, files.display(pages.logo)) : read;
    if (type.kind === 'wrong') report(error(['pages', 'logo'], type.message, type.fix));
  }
  const colours = [
    ['accent', pages.accent, sheets.light, 'white', 'darker'],
    ['accent_dark', pages.accent_dark, sheets.dark, 'the dark page', 'lighter'],
  ] as const;
  for (const [key, colour, sheet, ground, remedy] of colours) {
    const ratio = colour === undefined ? readableContrast : contrast(colour, sheet);
    if (ratio < readableContrast)
      report(
        warning(
          ['pages', key],
          `${colour} is hard to read on ${ground}: contrast ${(Math.floor(ratio * 10) / 10).toFixed(1)}, and WCAG AA asks for 4.5`,
          `Choose a ${remedy} colour.`,
        ),
      );
  }
};
