import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { pageLanguages } from '../../config/sections/pages.ts';
import { type Brand, createPages, type Page, type PageContext } from './layout.ts';
import { everyPage } from './pages-testing.ts';

const brand: Brand = {
  name: 'Corp Apps',
  logo: 'data:image/png;base64,iVBORw0KGgo=',
  accent: { light: '#0a5c36', dark: undefined },
  help: { text: { en: 'Call 4321', de: '4321 anrufen' }, link: 'https://help.corp.example' },
};
const contextIn = (language: string, of?: Brand): PageContext => ({
  pages: createPages(of, [...pageLanguages]),
  fields: ['Accept-Language', language],
  host: 'desk.corp.example',
});
const field = ({ fields }: Page, name: string): string | undefined => fields[fields.indexOf(name) + 1];
/** One page; which one matters to no test that takes it. */
const anyPage = (context: PageContext): Page => {
  const found = everyPage(context).get('sign-in');
  assert.ok(found);
  return found;
};

for (const language of pageLanguages)
  suite(`pages in ${language}`, () => {
    for (const [name, { text, fields }] of everyPage(contextIn(language)))
      test(`${name} is whole: its language, one heading, a title with the site, nothing left open`, () => {
        assert.match(text, new RegExp(`<html lang="${language}" dir="ltr">`));
        assert.equal(fields[fields.indexOf('Content-Language') + 1], language);
        const heading = /<h1>([^<]+)<\/h1>/.exec(text)?.[1];
        assert.ok(heading !== undefined && text.includes(`<title>${heading} – desk.corp.example</title>`));
        assert.equal(text.split('<h1').length, 2);
        assert.doesNotMatch(text, /undefined|\[object|function|=>/);
        for (const element of ['p', 'a', 'strong', 'ul', 'li', 'form', 'details', 'label', 'button'])
          assert.equal(
            text.split(new RegExp(`<${element}[ >]`)).length,
            text.split(`</${element}>`).length,
            `${element} is not closed`,
          );
      });
  });

test('every page does without script, styles of its own and other sites', () => {
  for (const [name, { text }] of everyPage(contextIn('en')))
    assert.doesNotMatch(text, /<script|\son\w+=|\sstyle=|(?:href|src|action)="(?:https?:)?\/\//, name);
});

test('every page keeps names of others as text', () => {
  const bad = `"><script>alert(1)</script>'&`;
  const names = { account: bad, app: bad, provider: bad, returnTo: `/?x=${bad}` };
  for (const [name, { text }] of everyPage({ ...contextIn('en'), host: bad }, names)) {
    assert.doesNotMatch(text, /<script>/, name);
    assert.doesNotMatch(text, /"[^"<>]*'&[^a#]/, name);
  }
});

test('every input of every page has a label or is hidden', () => {
  for (const [name, { text }] of everyPage(contextIn('en')))
    for (const [input, attributes = ''] of text.matchAll(/<input([^>]*)>/g)) {
      const id = / id="([^"]+)"/.exec(attributes)?.[1];
      assert.ok(attributes.includes('type="hidden"') || text.includes(`<label for="${id}">`), `${name}: ${input}`);
    }
});

test('pages are not kept, and say that they depend on the language', () => {
  const page = anyPage(contextIn('de'));
  assert.equal(field(page, 'Cache-Control'), 'no-store');
  assert.equal(field(page, 'Vary'), 'Accept-Language');
});

test('the policy allows the one style sheet, forms to ourselves, and nothing else', () => {
  const page = anyPage(contextIn('en'));
  const style = /<style>([^]*)<\/style>/.exec(page.text)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  assert.equal(
    field(page, 'Content-Security-Policy'),
    `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  );
});

test('the policy allows pictures inside the page when there is a logo', () => {
  const policy = field(anyPage(contextIn('en', brand)), 'Content-Security-Policy');
  assert.match(policy ?? '', /; img-src data:; form-action/);
});

test('a brand puts its name, logo, colours and help on every page', () => {
  for (const [name, { text }] of everyPage(contextIn('en', brand))) {
    assert.match(text, /<img src="data:image\/png;base64,iVBORw0KGgo=" alt=""><span>Corp Apps<\/span>/, name);
    assert.match(text, / – Corp Apps<\/title>/, name);
    assert.match(text, /--act:#0a5c36;--on-act:#ffffff/, name);
    assert.match(text, /Call 4321 <a href="https:\/\/help\.corp\.example">Get help<\/a>/, name);
    assert.doesNotMatch(text, /desk\.corp\.example/, name);
  }
});

test('help is given in the language of the page, or in the first there is', () => {
  assert.match(anyPage(contextIn('de', brand)).text, /4321 anrufen/);
  assert.match(anyPage(contextIn('fr', brand)).text, /Call 4321/);
});

test('a page for a request that does not even name its host has no empty header', () => {
  const { text } = anyPage({ ...contextIn('en'), host: undefined });
  assert.match(text, /<title>Sign in<\/title>/);
  assert.doesNotMatch(text, /class="site"/);
});
