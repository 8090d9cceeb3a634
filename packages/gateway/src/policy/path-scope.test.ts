import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalPath } from '../wire/path.ts';
import { pathScope } from './path-scope.ts';

const scope = pathScope(['/api/jobs/**', '/Status', '/docs/', '/files/*b']);

for (const path of [
  '/api/jobs',
  '/api/jobs/',
  '/api/jobs/1',
  '/api/jobs/1/log',
  '/Status',
  '/docs/',
  '/files/ab',
  '/api/jobs/A;v=1/x',
])
  test(`pathScope() allows ${path}`, () => assert.equal(scope.allows(path), true));

const outside = [
  ['another path', '/api/users'],
  ['a path that begins like it', '/api/jobs2'],
  ['a path above it', '/api'],
  ['another case', '/API/jobs/1'],
  ['another case of a single path', '/status'],
  ['a slash more', '/Status/'],
  ['a slash less', '/docs'],
  ['parameters that hide another path', '/files/admin;b'],
  ['encoded parameters that hide another path', '/files/admin%3Bb'],
  ['parameters in front', '/api;x/jobs/1'],
  ['a path that is not canonical', '/api/jobs/%ff'],
  ['dots with a space behind them', '/api/jobs/..%20'],
  ['dots with a space behind them, before parameters', '/api/jobs/..%20;x/y'],
  ['no path', 'api/jobs'],
] as const;

for (const [what, path] of outside)
  test(`pathScope() does not allow ${what}: ${path}`, () => assert.equal(scope.allows(path), false));

test('pathScope() does not allow what a server reads as another path that drops dots at the end of a name', () => {
  assert.equal(pathScope(['/*./x']).allows('/admin./x'), false);
  assert.equal(pathScope(['/*/x']).allows('/admin./x'), true);
});

for (const [path, all] of [
  ['/api/jobs/7', true],
  ['/api/jobs', true],
  ['/Status', false],
  ['/files/ab', false],
  ['/api', false],
] as const)
  test(`pathScope() ${all ? 'allows' : 'does not allow'} everything below ${path}`, () => {
    assert.equal(scope.allowsAllBelow(path), all);
  });

test('pathScope() wants the path without parameters within the scope as it is written, not in some other case', () => {
  const mixed = pathScope(['/files/*b', '/FILES/admin']);
  assert.equal(mixed.allows('/files/admin;b'), false);
  assert.equal(mixed.allows('/FILES/admin'), true);
});

test('pathScope() without any path allows none', () => assert.equal(pathScope([]).allows('/'), false));

test('pathScope() throws for a path that no request can have', () => {
  assert.throws(() => pathScope(['api/**']), TypeError);
  assert.throws(() => pathScope(['/a/../b']), TypeError);
});

test('pathScope() allows nothing that an application would read as a path beyond the scope', () => {
  const piece = fc.constantFrom(
    '/',
    'a',
    'in',
    'IN',
    'out',
    ';',
    '%3b',
    '.',
    '..',
    '%2e',
    '%2f',
    '%5c',
    '%20',
    '%41',
    '%',
    '~',
  );
  const inside = pathScope(['/in/**']);
  let allowed = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const canonical = canonicalPath(`/in/${pieces.join('')}`);
      if (canonical.kind === 'refused' || !inside.allows(canonical.path)) return;
      allowed++;
      const decoded = decodeURIComponent(canonical.path);
      for (const text of [decoded, decoded.replace(/;[^/]*/g, '')])
        assert.match(new URL(text.replaceAll('\\', '/').replace(/\/+/g, '/'), 'http://h').pathname, /^\/in(?:\/|$)/i);
    }),
    { numRuns: 3000 },
  );
  assert.ok(allowed > 50);
});
