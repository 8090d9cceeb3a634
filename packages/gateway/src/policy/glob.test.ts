import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalTarget } from '../wire/path.ts';
import { matchesGlob, parseGlob, pathSegments } from './glob.ts';

const matches = (glob: string, path: string): boolean => {
  const parsed = parseGlob(glob);
  const segments = pathSegments(path);
  assert.ok(parsed.kind === 'ok' && segments !== undefined);
  return matchesGlob(parsed.glob, segments);
};

const cases = [
  ['/risk', '/risk', true],
  ['/risk', '/risk/', false],
  ['/risk', '/risk/a', false],
  ['/risk', '/Risk', false],
  ['/risk', '/riskier', false],
  ['/risk/', '/risk/', true],
  ['/risk/', '/risk', false],
  ['/risk/**', '/risk', true],
  ['/risk/**', '/risk/', true],
  ['/risk/**', '/risk/a', true],
  ['/risk/**', '/risk/a/b/', true],
  ['/risk/**', '/riskier', false],
  ['/risk/**', '/', false],
  ['/**', '/', true],
  ['/**', '/a/b', true],
  ['/', '/', true],
  ['/', '/a', false],
  ['/*', '/a', true],
  ['/*', '/', false],
  ['/*', '/a/', false],
  ['/*', '/a/b', false],
  ['/risk/*', '/risk/', false],
  ['/*/edit', '/a/edit', true],
  ['/*/edit', '/a/b/edit', false],
  ['/**/edit', '/edit', true],
  ['/**/edit', '/a/b/edit', true],
  ['/**/edit', '/a/edit/b', false],
  ['/a/**/b/**/c', '/a/b/c', true],
  ['/a/**/b/**/c', '/a/x/b/y/z/c', true],
  ['/a/**/b/**/c', '/a/x/c', false],
  ['/a/**/b/**/b', '/a/b', false],
  ['/a/**/x*/y/**', '/a/x1/x2/y', true],
  ['/**/**', '/a', true],
  ['/**/', '/a/', true],
  ['/**/', '/a', false],
  ['/static/*.js', '/static/app.js', true],
  ['/static/*.js', '/static/.js', true],
  ['/static/*.js', '/static/app.js/x', false],
  ['/static/*.js', '/static/app.css', false],
  ['/a*b*c', '/abc', true],
  ['/a*b*c', '/aXbYbZc', true],
  ['/a*b*c', '/acb', false],
  ['/ab*ba', '/aba', false],
  ['/a*b*bc', '/abc', false],
  ['/a*', '/a', true],
  ['/café/**', '/caf%C3%A9/x', true],
  ['/caf%c3%a9', '/caf%C3%A9', true],
  ['/new page', '/new%20page', true],
  ['/@admin', '/%40admin', true],
  ['/%40admin', '/@admin', true],
  ['/100%25', '/100%25', true],
  ['/a%2A', '/a*', true],
  ['/a%2A', '/ab', false],
  ['/a.b', '/aXb', false],
  ['/(a|b)+', '/(a%7Cb)+', true],
] as const;

for (const [glob, path, expected] of cases) {
  test(`matchesGlob() finds that ${glob} ${expected ? 'fits' : 'does not fit'} ${path}`, () => {
    assert.equal(matches(glob, path), expected);
  });
}

const wrong = [
  ['', 'glob-without-slash'],
  ['risk/**', 'glob-without-slash'],
  ['/risk?x=1', 'glob-with-query'],
  ['/risk#x', 'glob-with-query'],
  ['/risk/a**', 'glob-double-star-inside-segment'],
  ['/***', 'glob-double-star-inside-segment'],
  ['/a/../b', 'target-dot-segment'],
  ['//a', 'target-empty-segment'],
  ['/a\\b', 'target-encoded-separator'],
  ['/a%2fb', 'target-encoded-separator'],
  ['/100%', 'target-bad-percent-encoding'],
  [`/${'a'.repeat(1024)}`, 'glob-too-long'],
] as const;

for (const [glob, reason] of wrong) {
  test(`parseGlob() refuses "${glob.slice(0, 20)}" as ${reason}`, () => {
    assert.deepEqual(parseGlob(glob), { kind: 'wrong', reason });
  });
}

test('pathSegments() knows no segments of what is not a canonical path', () => {
  assert.equal(pathSegments('risk'), undefined);
  assert.equal(pathSegments('/%ff'), undefined);
});

/** The same meaning by another way: an expression over the decoded path. Good for short texts only. */
function reference(glob: string): RegExp {
  const source = glob
    .split('/')
    .slice(1)
    .map((segment) => {
      if (segment === '**') return '(?:/[^/]*)*';
      return `/${segment === '*' ? '[^/]+' : `${segment.includes('*') ? '(?=[^/])' : ''}${segment.replaceAll('*', '[^/]*')}`}`;
    })
    .join('');
  return new RegExp(`^${source}$`);
}

test('matchesGlob() agrees with a regular expression of the same meaning', () => {
  const glob = fc.array(fc.constantFrom('a', 'b', 'ab', '*', '**', 'a*', '*b', 'a*b', '*a*'), {
    minLength: 1,
    maxLength: 5,
  });
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'ba', 'aab', 'bab'), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(glob, path, fc.boolean(), (globSegments, pathParts, slash) => {
      const text = `/${pathParts.join('/')}${slash ? '/' : ''}`;
      const pattern = `/${globSegments.join('/')}`;
      assert.equal(matches(pattern, text), reference(pattern).test(text), `${pattern} ${text}`);
    }),
    { numRuns: 5000 },
  );
});

test('parseGlob() makes of every canonical path without a star a rule for just this path', () => {
  const part = fc.string({
    unit: fc.constantFrom('a', 'B', '~', '%', '@', ';', ' ', 'é', '.', '+', '|'),
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const target = canonicalTarget(`/${parts.map(encodeURIComponent).join('/')}`);
      if (target.kind === 'refused') return;
      assert.equal(matches(target.path, target.path), true);
      assert.equal(matches(target.path, `${target.path}x`), false);
    }),
  );
});

test('matchesGlob() stays quick on the longest path and a rule made to be slow', () => {
  const path = `/${'a/'.repeat(8000)}`;
  const started = performance.now();
  assert.equal(matches(`${'/**/*a*a*'.repeat(20)}/b`, path), false);
  assert.equal(matches(`/${'*a'.repeat(200)}b`, `/${'a'.repeat(16000)}`), false);
  assert.ok(performance.now() - started < 500);
});
