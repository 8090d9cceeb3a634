import { ok, type Parsed, wrong } from '../parsed.ts';

/** A logo travels in each of our pages, and a page with each sign-in. */
export const largestLogo = 32 * 1024;

/**
 * The type of a picture, told by what is in it and not by its name. Only what a page shows by `img` without loading
 * anything else and without running anything: browsers neither run scripts nor follow links of an SVG there, and one that
 * has some is refused, since it was not meant for this place.
 */
export function pictureType(bytes: Uint8Array, shown: string): Parsed<string> {
  if (bytes.length > largestLogo)
    return wrong(
      `${shown} has ${Math.ceil(bytes.length / 1024)} KiB`,
      'Make it smaller: 32 KiB at most, since it is sent with every page. 64 pixels of height are enough.',
    );
  const start = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return ok('image/png');
  if (start.startsWith('\xff\xd8\xff')) return ok('image/jpeg');
  if (start.startsWith('RIFF') && start.endsWith('WEBP')) return ok('image/webp');
  return svgType(bytes, shown);
}

function svgType(bytes: Uint8Array, shown: string): Parsed<string> {
  const text = decode(bytes);
  if (text === undefined || !/^\uFEFF?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->)[^])*-->\s*)*<svg[\s>]/.test(text))
    return wrong(`${shown} is no picture that every browser shows`, 'Use a PNG, JPEG, WebP or SVG file.');
  const active = /<\s*(?:script|foreignObject|iframe|!DOCTYPE|!ENTITY|\?xml-stylesheet)|\son\w+\s*=|javascript:/i.exec(
    text,
  );
  if (active !== null)
    return wrong(`${shown} has more than a drawing in it: ${active[0].trim()}`, 'Export it as a plain SVG, or as PNG.');
  return ok('image/svg+xml');
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
