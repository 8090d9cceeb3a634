import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageLanguages } from '../../config/sections/pages.ts';
import { catalogues } from './catalogues.ts';
import { Html, html } from './html.ts';

const mark = '§';

/** Every text by its place, functions filled in with a mark. */
function textsOf(value: unknown, place = ''): readonly (readonly [place: string, text: string])[] {
  if (typeof value === 'string') return [[place, value]];
  if (typeof value === 'function') {
    // A link is a function of its label; whatever else is put in is text.
    const link = (label: string): Html => html`${mark}${label}`;
    const filled: unknown = value(/gain|afterChange|oneMoment|goingOn/i.test(place) ? link : html`${mark}`);
    if (typeof filled === 'string') return [[`${place}()`, filled.replace('[object Object]', mark)]];
    assert.ok(filled instanceof Html, place);
    return [[`${place}()`, filled.text]];
  }
  assert.ok(typeof value === 'object' && value !== null, place);
  return Object.entries(value).flatMap(([key, inner]) => textsOf(inner, place === '' ? key : `${place}.${key}`));
}

const english = new Map(textsOf(catalogues.en));

for (const language of pageLanguages) {
  const texts = textsOf(catalogues[language]);
  test(`the catalogue of ${language} is that of its language`, () => assert.equal(catalogues[language].tag, language));

  test(`the catalogue of ${language} has words everywhere, and uses whatever is put in`, () => {
    for (const [place, text] of texts) {
      assert.ok(text.trim() === text && text.length > 1, `${place}: "${text}"`);
      if (place.endsWith('()')) assert.ok(text.includes(mark), `${place}: "${text}"`);
      assert.doesNotMatch(text, /\b(?:undefined|TODO)\b| {2}/, place);
    }
  });

  if (language === 'en') continue;
  test(`the catalogue of ${language} has nothing left in English`, () => {
    const same = texts.filter(([place, text]) => place !== 'direction' && english.get(place) === text);
    assert.deepEqual(same, []);
  });
}
