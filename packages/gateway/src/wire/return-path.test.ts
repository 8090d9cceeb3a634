import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { returnPath } from './return-path.ts';

const cases = [
  ['keeps a path with query and fragment', '/reports/7?year=2026&x=%20#top', '/reports/7?year=2026&x=%20#top'],
  ['turns an absent value into the root', undefined, '/'],
  ['refuses another site', 'https://evil.example/', '/'],
  ['refuses a network path', '//evil.example/', '/'],
  ['refuses a network path behind a dot segment', '/.//evil.example', '/'],
  ['refuses a network path behind a parent segment', '/a/..//evil.example', '/'],
  ['refuses a backslash, which browsers read as a slash', '/\\evil.example', '/'],
  ['refuses a tab, which browsers drop', '/\t/evil.example', '/'],
  ['refuses a script', 'javascript:alert(1)', '/'],
  ['refuses an overlong value', `/${'a'.repeat(2048)}`, '/'],
] as const;

for (const [name, value, expected] of cases) {
  test(`returnPath() ${name}`, () => assert.equal(returnPath(value), expected));
}

const payloads = new URL('../../../../../shared/vectors/open-redirects.txt', import.meta.url);
test('returnPath() leads to another site for none of the published payloads', {
  skip: existsSync(payloads) ? false : 'the shared vectors are not here',
}, () => {
  for (const payload of readFileSync(payloads, 'utf8').split('\n')) {
    const target = new URL(returnPath(payload), 'https://app.corp.example/auth/login');
    assert.equal(target.origin, 'https://app.corp.example', payload);
  }
});
