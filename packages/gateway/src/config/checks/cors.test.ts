import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

/** `severity path` of all problems of an app with these keys. */
function problems(keys: object): readonly string[] {
  const app = { name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:3000', rules: [{ path: '/**', public: true }] };
  const text = JSON.stringify({ apps: [{ ...app, ...keys }] });
  const { problems: found } = checkConfig(text, 'f', openFiles('.'), { env: {}, now: 0 });
  return found.map(({ severity, path }) => `${severity} ${path.replace(/^apps\[0\]\./, '')}`);
}

const a = 'https://a.corp.example';
const b = 'https://b.corp.example';

const cases: readonly (readonly [what: string, keys: object, found: readonly string[]])[] = [
  ['nothing', {}, []],
  ['sites that read', { cors: { origins: [a] } }, []],
  ['every site', { cors: { origins: '*' } }, []],
  ['no site', { cors: { origins: [] } }, ['error cors.origins']],
  ['nobody is named', { cors: {} }, ['error cors.origins']],
  ['a star among sites', { cors: { origins: ['*'] } }, ['error cors.origins[0]']],
  ['a site with a path', { cors: { origins: [`${a}/x`] } }, ['error cors.origins[0]']],
  ['null', { cors: { origins: ['null'] } }, ['error cors.origins[0]']],
  ['every site with credentials', { cors: { origins: '*', credentials: true } }, ['error cors.credentials']],
  ['a method in small letters', { cors: { origins: [a], methods: ['get'] } }, ['error cors.methods[0]']],
  ['a star for headers', { cors: { origins: [a], headers: ['*'] } }, ['error cors.headers[0]']],
  ['a line end in a header', { cors: { origins: [a], expose: ['X-A\r\nX-B'] } }, ['error cors.expose[0]']],
  ['one list', { cors: { origins: [a], credentials: true } }, []],
  ['the same list twice', { cors: { origins: [a], credentials: true }, allowed_origins: [a] }, []],
  [
    'somebody who acts and may not read',
    { cors: { origins: [a], credentials: true }, allowed_origins: [a, b] },
    ['warning allowed_origins[1]'],
  ],
  [
    'somebody who acts with the sign-in and reads without it',
    { cors: { origins: [a] }, allowed_origins: [b, a] },
    ['warning allowed_origins[1]'],
  ],
  ['everybody reads, one acts', { cors: { origins: '*' }, allowed_origins: [a] }, ['warning allowed_origins[0]']],
  [
    'plain HTTP with credentials',
    { cors: { origins: ['http://a.corp.example', 'http://localhost:3000'], credentials: true } },
    ['warning cors.origins[0]'],
  ],
  ['plain HTTP without', { cors: { origins: ['http://a.corp.example'] } }, []],
];
for (const [what, keys, found] of cases)
  test(`cors: the check finds what is to be found: ${what}`, () => assert.deepEqual(problems(keys), found));

const headers = (given: object): readonly string[] => problems({ response_headers: given });

for (const [what, given, found] of [
  ['nothing', {}, []],
  [
    'the usual',
    { security: 'missing', set: { 'X-A': 'b' }, add: { 'X-B': 'c', 'X-C': false }, remove: ['Server'] },
    [],
  ],
  ['an unknown word', { security: 'strict' }, ['error response_headers.security']],
  ['a line end in a value', { set: { 'X-A': 'a\r\nSet-Cookie: b' } }, ['error response_headers.set.X-A']],
  ['a line feed in a value', { add: { 'X-A': 'a\nb' } }, ['error response_headers.add.X-A']],
  ['a zero byte', { set: { 'X-A': 'a\u0000' } }, ['error response_headers.set.X-A']],
  ['a letter that is no ASCII', { set: { 'X-A': 'ü' } }, ['error response_headers.set.X-A']],
  ['an empty value', { set: { 'X-A': '' } }, ['error response_headers.set.X-A']],
  ['a line end in a name', { set: { 'X-A: b\r\nX-B': 'c' } }, 1],
  ['a blank in a name', { remove: ['X A'] }, ['error response_headers.remove[0]']],
  ['a cookie', { set: { 'Set-Cookie': '__Host-cardea=x' } }, ['error response_headers.set.Set-Cookie']],
  ['the length', { set: { 'content-length': '0' } }, ['error response_headers.set.content-length']],
  ['framing', { remove: ['Transfer-Encoding'] }, ['error response_headers.remove[0]']],
  ['what cors is for', { set: { 'Access-Control-Allow-Origin': '*' } }, 1],
  ['what cors is for, taken away', { remove: ['Access-Control-Allow-Origin'] }, []],
  ['one name twice', { set: { 'X-A': 'a' }, add: { 'x-a': 'b' } }, ['error response_headers.add.x-a']],
  ['one name in two spellings', { set: { 'X-A': 'a', 'x-a': 'b' } }, ['error response_headers.set.x-a']],
  ['set and removed', { set: { 'X-A': 'a' }, remove: ['X-A'] }, ['error response_headers.remove[0]']],
] as const)
  test(`response_headers: the check finds what is to be found: ${what}`, () => {
    const all = headers(given);
    if (typeof found === 'number') assert.equal(all.length, found);
    else assert.deepEqual(all, found);
  });
