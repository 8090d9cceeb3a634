import { type Fields, fieldValues } from './fields.ts';

/** Browsers send some ten ranges in some hundred characters; more is nobody's list of languages. */
const longestList = 1_000;
const mostRanges = 40;

/** RFC 4647, 2.1, and a weight as in RFC 9110, 12.4.2: at most three digits, and 1 is the end. */
const member = /^([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?$/;

interface Range {
  /** Lower case. */
  readonly range: string;
  readonly weight: number;
}

/**
 * The best of the languages on offer for `Accept-Language` (RFC 9110, 12.5.4), found as RFC 4647, 3.4 looks one up: for
 * `de-AT` also `de` will do. The first on offer when the field is absent, wants nothing of it, or is not well-formed in
 * every part.
 *
 * `offered` are primary tags in lower case.
 */
export function preferredLanguage<L extends string>(fields: Fields, offered: readonly [L, ...L[]]): L {
  const ranges = readRanges(fieldValues(fields, 'accept-language').join(','));
  const unwanted = new Set(ranges.filter(({ weight }) => weight === 0).map(({ range }) => range));
  const wanted = ranges.filter(({ weight }) => weight > 0).toSorted((a, b) => b.weight - a.weight);
  const acceptable = offered.filter((language) => !unwanted.has(language));
  for (const { range } of wanted) {
    const primary = range.split('-', 1)[0] ?? '';
    const found = range === '*' ? acceptable[0] : acceptable.find((language) => language === primary);
    if (found !== undefined) return found;
  }
  return acceptable[0] ?? offered[0];
}

/** In the order of the field; nothing when any part of it is wrong. */
function readRanges(list: string): readonly Range[] {
  if (list.length > longestList) return [];
  // Empty members say nothing and are allowed (RFC 9110, 5.6.1.2).
  const members = list
    .split(',')
    .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((text) => text !== '');
  if (members.length > mostRanges) return [];
  const ranges: Range[] = [];
  for (const text of members) {
    const [, range, weight = '1'] = member.exec(text) ?? [];
    if (range === undefined) return [];
    ranges.push({ range: range.toLowerCase(), weight: Number(weight) });
  }
  return ranges;
}
