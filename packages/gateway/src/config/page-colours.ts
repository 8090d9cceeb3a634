/**
 * Colours of our pages, and whether people can read them (WCAG 2.2, 1.4.3).
 *
 * @module
 */
import { ok, type Parsed, wrong } from './parsed.ts';

/** What the accent colour stands on. */
export const sheets = { light: '#ffffff', dark: '#1d2027' } as const;
/** What is written on the accent colour: the one of the two that can be read better. */
const inks = ['#ffffff', '#000000'] as const;

/** Contrast that WCAG level AA asks of text. */
export const readableContrast = 4.5;

/** `#rgb` or `#rrggbb`, as `#rrggbb` in lower case. */
export function parseColour(text: string): Parsed<string> {
  const [, short, long] = /^#(?:([0-9a-f]{3})|([0-9a-f]{6}))$/i.exec(text) ?? [];
  if (long !== undefined) return ok(`#${long.toLowerCase()}`);
  if (short !== undefined) return ok(`#${short.toLowerCase().replace(/./g, '$&$&')}`);
  return wrong(`"${text}" is not a colour`, 'Write it like "#0a5c36", in quotation marks.');
}

/** WCAG's contrast ratio of two colours as `parseColour` gives them: from 1 to 21. */
export function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** The colour to write with on this one. */
export const inkOn = (colour: string): string =>
  contrast(colour, inks[0]) >= contrast(colour, inks[1]) ? inks[0] : inks[1];

/** The same colour, as much lighter as it takes to be read on the dark sheet. */
export function lightenedForDark(colour: string): string {
  const parts = channels(colour);
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = parts.map((part) => Math.round(part + (255 - part) * share));
    const text = `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
    if (contrast(text, sheets.dark) >= readableContrast) return text;
  }
  return inks[0];
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const channels = (colour: string): readonly number[] =>
  [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
