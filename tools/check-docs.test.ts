import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenLinks, machinePaths, undocumentedExports } from './check-docs.ts';

test('brokenLinks() reports a relative link to a file that is not there', () => {
  assert.equal(brokenLinks('docs/a.md', 'see [b](b.md)', () => false).length, 1);
});

test('brokenLinks() resolves links from the folder of the document and ignores fragments', () => {
  assert.deepEqual(
    brokenLinks(
      'docs/a.md',
      '[b](../README.md#start) [c](https://example.org) [d](#here)',
      (path) => path === 'README.md',
    ),
    [],
  );
});

test('undocumentedExports() reports an exported function without a comment', () => {
  assert.equal(undocumentedExports('a.ts', 'const x = 1;\nexport function f(): void {}').length, 1);
  assert.deepEqual(undocumentedExports('a.ts', '/** Does it. */\nexport function f(): void {}'), []);
});

test('machinePaths() reports the path of a home directory', () => {
  assert.equal(machinePaths('a.md', 'run /home/ada/cardea').length, 1);
  assert.deepEqual(machinePaths('a.md', 'run /etc/cardea/cardea.yaml'), []);
});
