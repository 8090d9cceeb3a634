import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { layerProblems, packageProblems } from './check-layers.ts';

const file = join('policy', 'decide.ts');

test('layerProblems() lets a layer import the layers below it and itself', () => {
  assert.deepEqual(layerProblems(file, `import { a } from '../core/a.ts';\nimport { b } from './b.ts';`), []);
});

test('layerProblems() reports an import from a higher layer, also of types only', () => {
  assert.equal(layerProblems(file, `import type { A } from '../server/a.ts';`).length, 1);
});

test('layerProblems() reports an import from a folder of the same layer', () => {
  assert.equal(layerProblems(file, `export { a } from '../ports/a.ts';`).length, 1);
});

test('layerProblems() reports an import from the composition root', () => {
  assert.equal(layerProblems(file, `import { a } from '../app/gateway.ts';`).length, 1);
  assert.equal(layerProblems(file, `import { a } from '../main.ts';`).length, 1);
});

test('layerProblems() reports an import that is spread over several lines', () => {
  assert.equal(layerProblems(file, `import {\n  a,\n  b,\n} from '../server/a.ts';`).length, 1);
});

test('layerProblems() reports a folder that nobody gave a place', () => {
  assert.equal(layerProblems(join('misc', 'a.ts'), '').length, 1);
});

test('layerProblems() reports dynamic imports, which it could not judge', () => {
  assert.equal(layerProblems(file, `await import('../server/a.ts');`).length, 1);
});

test('packageProblems() keeps libraries out of the kerberos package', () => {
  assert.equal(packageProblems('kerberos', 'der.ts', `import { z } from 'zod';`).length, 1);
  assert.deepEqual(packageProblems('kerberos', 'key.ts', `import { createHmac } from 'node:crypto';`), []);
});

test('layerProblems() does not take quoted text after another export for an import', () => {
  assert.deepEqual(layerProblems(file, `export const a = (x: string) => x === '../server/a.ts';`), []);
  assert.deepEqual(layerProblems(file, `export function f() {}\nconst from = '../server/a.ts';`), []);
});

test('layerProblems() sees every form of an import', () => {
  for (const form of [
    `import a from`,
    `import * as a from`,
    `import a, { b } from`,
    `import`,
    `export * from`,
    `export { a } from`,
    `import type { A } from`,
  ])
    assert.equal(layerProblems(file, `${form} '../server/a.ts';`).length, 1, form);
});
