import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig, type LoadResult } from '../load.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-pages-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'logo.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
writeFileSync(join(folder, 'script.svg'), '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>');

const app = { name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:3000', rules: [{ path: '/**', public: true }] };
const check = (pages: object): LoadResult =>
  checkConfig(JSON.stringify({ pages, apps: [app] }), 'f', openFiles(folder), { env: {}, now: 0 });

const cases: readonly (readonly [what: string, pages: object, found: readonly string[]])[] = [
  ['nothing', {}, []],
  ['a name', { name: 'Corp Apps' }, []],
  ['an empty name', { name: ' ' }, ['error pages.name']],
  ['a logo', { logo: 'logo.svg' }, []],
  ['a logo with a script', { logo: 'script.svg' }, ['error pages.logo']],
  ['a logo that is not there', { logo: 'no.png' }, ['error pages.logo']],
  ['a colour that can be read', { accent: '#0a5c36', accent_dark: '#7fd6a4' }, []],
  ['a colour that is hard to read on white', { accent: '#7fd6a4' }, ['warning pages.accent']],
  ['a colour that is hard to read in the dark', { accent_dark: '#0a5c36' }, ['warning pages.accent_dark']],
  ['a colour just short of AA', { accent: '#777777' }, ['warning pages.accent']],
  ['a colour just within AA', { accent: '#767676' }, []],
  ['a colour that would end the style', { accent: '#fff}*{' }, ['error pages.accent']],
  ['help', { help: { text: 'Call 4321', link: 'tel:4321' } }, []],
  ['help in two languages', { help: { text: { en: 'Call 4321', de: '4321 anrufen' } } }, []],
  ['help in a language that we do not speak', { help: { text: { tlh: 'nuqneH' } } }, ['error pages.help.text.tlh']],
  ['a link to a script', { help: { link: 'javascript:alert(1)' } }, ['error pages.help.link']],
  ['a link to data', { help: { link: 'data:text/html,x' } }, ['error pages.help.link']],
  ['a link without a scheme', { help: { link: '//help.example' } }, ['error pages.help.link']],
  ['a link with a password', { help: { link: 'https://a:b@help.example' } }, ['error pages.help.link']],
  ['an address to write to', { help: { link: 'mailto:help@corp.example' } }, []],
  ['one language', { languages: ['pl'] }, []],
  ['no language', { languages: [] }, ['error pages.languages']],
  ['a language twice', { languages: ['de', 'de'] }, ['error pages.languages']],
  ['a language that we do not speak', { languages: ['tlh'] }, ['error pages.languages[0]']],
  ['a key too many', { title: 'x' }, ['error pages.title']],
];
for (const [what, pages, found] of cases)
  test(`checkPages() and the section find what is to be found: ${what}`, () => {
    assert.deepEqual(
      check(pages).problems.map(({ severity, path }) => `${severity} ${path}`),
      found,
    );
  });

test('checkPages() says how hard it is to read', () => {
  const [problem] = check({ accent: '#7fd6a4' }).problems;
  assert.equal(problem?.message, '#7fd6a4 is hard to read on white: contrast 1.7, and WCAG AA asks for 4.5');
});
