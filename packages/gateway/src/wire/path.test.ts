import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalTarget } from './path.ts';

const accepted = [
  ['leaves a plain target as it is', '/api/items?x=1', '/api/items?x=1'],
  ['decodes percent-encoded unreserved characters', '/%61dmin/%7Eme', '/admin/~me'],
  ['writes the digits of other escapes in upper case', '/caf%c3%a9', '/caf%C3%A9'],
  ['keeps reserved characters in the spelling they came in', '/a:b@c;d=e,f%40g%2Ch', '/a:b@c;d=e,f%40g%2Ch'],
  ['keeps the brackets that browsers do not encode', '/pages/[id]', '/pages/[id]'],
  ['keeps a percent sign that stands for itself', '/100%25', '/100%25'],
  ['keeps a trailing slash', '/risk/', '/risk/'],
  ['accepts names of dots that are no dot segment', '/.well-known/a..b/...', '/.well-known/a..b/...'],
  ['leaves the query untouched', '/?a=%2F..%2f|^{"}\\`<>&b=%zz?', '/?a=%2F..%2f|^{"}\\`<>&b=%zz?'],
  ['keeps an empty query', '/x?', '/x?'],
] as const;

for (const [what, target, canonical] of accepted) {
  test(`canonicalTarget() ${what}`, () => {
    const result = canonicalTarget(target);
    assert.equal(result.kind === 'ok' && result.target, canonical);
  });
}

const refused = [
  ['absolute form', 'http://other.example/', 'target-not-origin-form'],
  ['authority form', 'desk.corp.example:443', 'target-not-origin-form'],
  ['asterisk form', '*', 'target-not-origin-form'],
  ['an empty target', '', 'target-not-origin-form'],
  ['a fragment', '/a#b', 'target-has-fragment'],
  ['a fragment behind the query', '/a?b#/public', 'target-has-fragment'],
  ['a target beyond 16 KiB', `/${'a'.repeat(16 * 1024)}`, 'target-too-long'],
  ['a space', '/a b', 'target-forbidden-character'],
  ['a raw byte above 0x7f', '/caf\u00c3\u00a9', 'target-forbidden-character'],
  ['a line break in the query', '/?a\r\nX: y', 'target-forbidden-character'],
  ['a backslash', '/a\\..\\admin', 'target-forbidden-character'],
  ['a quote in the path', '/"', 'target-forbidden-character'],
  ['a bar in the path', '/a|b', 'target-forbidden-character'],
  ['an encoded slash', '/public%2fadmin', 'target-encoded-separator'],
  ['an encoded slash behind dots', '/public/..%2Fadmin', 'target-encoded-separator'],
  ['an encoded backslash', '/public/..%5cadmin', 'target-encoded-separator'],
  ['an encoded null', '/admin%00.png', 'target-encoded-control'],
  ['an encoded line break', '/a%0d%0aX:y', 'target-encoded-control'],
  ['an encoded delete character', '/a%7f', 'target-encoded-control'],
  ['an encoded C1 control character', '/a%C2%85', 'target-encoded-control'],
  ['a percent sign with nothing behind it', '/a%', 'target-bad-percent-encoding'],
  ['a percent sign with letters behind it', '/a%zz', 'target-bad-percent-encoding'],
  ['a percent sign that eats an escape', '/a%2%66', 'target-bad-percent-encoding'],
  ['an overlong slash', '/a%c0%afb', 'target-not-utf-8'],
  ['an encoded surrogate', '/a%ED%A0%80', 'target-not-utf-8'],
  ['a stray byte', '/a%ff', 'target-not-utf-8'],
  ['a double encoding', '/a/%252e%252e/admin', 'target-double-encoding'],
  ['a double encoding of an ordinary letter', '/%2561dmin', 'target-double-encoding'],
  ['a double encoding that appears by decoding', '/%25%36%31dmin', 'target-double-encoding'],
  ['a dot segment', '/public/../admin', 'target-dot-segment'],
  ['a dot segment at the end', '/public/..', 'target-dot-segment'],
  ['a single dot', '/./admin', 'target-dot-segment'],
  ['dots and a blank', '/public/..%20/admin', 'target-dot-segment'],
  ['a blank and dots', '/public/%20..%20', 'target-dot-segment'],
  ['encoded dots', '/public/%2e%2E/admin', 'target-dot-segment'],
  ['half-encoded dots', '/public/.%2e/admin', 'target-dot-segment'],
  ['dots with a parameter', '/public/..;x=1/admin', 'target-dot-segment'],
  ['dots with an encoded parameter', '/public/..%3bx/admin', 'target-dot-segment'],
  ['an empty segment', '/public//admin', 'target-empty-segment'],
  ['a network path', '//evil.example/', 'target-empty-segment'],
  ['a segment that is a parameter alone', '/;x/admin', 'target-empty-segment'],
] as const;

for (const [what, target, reason] of refused) {
  test(`canonicalTarget() refuses ${what}`, () => {
    assert.deepEqual(canonicalTarget(target), { kind: 'refused', reason });
  });
}

// Built of the parts that matter, so that many of the targets are accepted and many just not.
const piece = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('/', '/', 'a', 'admin', '.', '..', ';', '%', '%25', '%2', '?', '[', '@', '~'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('%2e', '%2F', '%5c', '%41', '%3b', '%c3%a9', '%C0%AF', '%00', '\\', '#', '|'),
  },
  { weight: 2, arbitrary: fc.nat(255).map((byte) => `%${byte.toString(16).padStart(2, '0')}`) },
  { weight: 1, arbitrary: fc.string({ maxLength: 3 }) },
);
const target = fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join('')}`);

test('canonicalTarget() gives a form that is its own canonical form', () => {
  fc.assert(
    fc.property(target, (text) => {
      const first = canonicalTarget(text);
      if (first.kind === 'ok') assert.deepEqual(canonicalTarget(first.target), first);
    }),
    { numRuns: 5000 },
  );
});

test('canonicalTarget() accepts only paths that the URL standard reads the same way', () => {
  fc.assert(
    fc.property(target, (text) => {
      const result = canonicalTarget(text);
      if (result.kind === 'ok') assert.equal(new URL(result.target, 'http://h.example').pathname, result.path);
    }),
    { numRuns: 5000 },
  );
});

test('canonicalTarget() accepts no path that decodes to a traversal, once or twice', () => {
  fc.assert(
    fc.property(target, (text) => {
      const result = canonicalTarget(text);
      if (result.kind === 'refused') return;
      const once = decodeURIComponent(result.path);
      assert.doesNotMatch(once, /\/\.{1,2}(?:[/;]|$)|\/\/|[\\\0]/);
      assert.equal(once.split('/').length, result.path.split('/').length);
      assert.doesNotMatch(once, /%[0-9a-f]{2}/i);
    }),
    { numRuns: 5000 },
  );
});

test('canonicalTarget() never changes what a path decodes to', () => {
  fc.assert(
    fc.property(target, (text) => {
      const result = canonicalTarget(text);
      if (result.kind === 'ok')
        assert.equal(decodeURIComponent(text.split('?')[0] ?? ''), decodeURIComponent(result.path));
    }),
    { numRuns: 2000 },
  );
});
