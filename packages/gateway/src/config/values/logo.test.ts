import assert from 'node:assert/strict';
import { test } from 'node:test';
import { largestLogo, pictureType } from './logo.ts';

const typeOf = (contents: string, encoding: BufferEncoding = 'utf8'): string | undefined => {
  const parsed = pictureType(Buffer.from(contents, encoding), 'logo');
  return parsed.kind === 'ok' ? parsed.value : undefined;
};
const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>';

const taken = [
  ['PNG', '\x89PNG\r\n\x1a\n....', 'image/png'],
  ['JPEG', '\xff\xd8\xff\xe0....', 'image/jpeg'],
  ['WebP', 'RIFF\x10\x00\x00\x00WEBPVP8 ', 'image/webp'],
  ['SVG', svg, 'image/svg+xml'],
  ['SVG with a declaration and comments', `<?xml version="1.0"?>\n<!-- a -->\n<!-- b -->\n${svg}`, 'image/svg+xml'],
] as const;
for (const [what, contents, type] of taken)
  test(`pictureType() knows ${what} by its contents`, () => assert.equal(typeOf(contents, 'latin1'), type));

const refused = [
  ['nothing', ''],
  ['a GIF', 'GIF89a..........'],
  ['a page', '<!doctype html><svg></svg>'],
  ['a word that begins like svg', '<svgs></svgs>'],
  ['a script', svg.replace('<path', '<script>alert(1)</script><path')],
  ['a script with blanks', svg.replace('<path', '< script>alert(1)</script><path')],
  ['a handler', svg.replace('<path', '<path onload="alert(1)"')],
  ['a handler on a line of its own', svg.replace('<path', '<path\nonclick = "alert(1)"')],
  ['a page inside', svg.replace('<path', '<foreignObject/><path')],
  ['an entity', `<!DOCTYPE svg [<!ENTITY a "b">]>${svg}`],
  ['a style sheet from elsewhere', `<?xml version="1.0"?>${svg}<?xml-stylesheet href="https://x.example"?>`],
  ['a link to a script', svg.replace('<path', '<a href="javascript:alert(1)"/><path')],
] as const;
for (const [what, contents] of refused)
  test(`pictureType() refuses ${what}`, () => assert.equal(typeOf(contents), undefined));

test('pictureType() refuses what is no text for an SVG', () => {
  assert.equal(typeOf(`${svg}\xff`, 'latin1'), undefined);
});

test('pictureType() takes a picture of the largest size and none beyond', () => {
  const png = (size: number): string => '\x89PNG\r\n\x1a\n'.padEnd(size, '.');
  assert.equal(typeOf(png(largestLogo), 'latin1'), 'image/png');
  assert.equal(typeOf(png(largestLogo + 1), 'latin1'), undefined);
});
