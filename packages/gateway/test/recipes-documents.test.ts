/** What docs/recipes.md says about the recipes stands in them. That they work is shown by test/lab/recipe-*.test.ts. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../../..');
const recipes = join(root, 'examples/recipes');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const document = read('docs/recipes.md');
const installed = read('lab/recipes/python.txt').split('\n');

test('docs/recipes.md shows code that is in the recipes', () => {
  const lines = globSync('**/*.{py,js}', { cwd: recipes })
    .flatMap((path) => readFileSync(join(recipes, path), 'utf8').split('\n'))
    .map((line) => line.trim());
  const shown = [...document.matchAll(/```(?:python|js)\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
    block.split('\n'),
  );
  assert.ok(shown.length > 10);
  for (const line of shown) assert.ok(lines.includes(line.replace(/ {2}# .*$/, '').trim()), `in no recipe: ${line}`);
});

for (const path of globSync('*/requirements.txt', { cwd: recipes }))
  test(`examples/recipes/${path} names what the tests install`, () => {
    for (const line of readFileSync(join(recipes, path), 'utf8').trim().split('\n'))
      assert.ok(installed.includes(line.replace(/\[.*\]/, '')), line);
  });

test('docs/recipes.md names the versions that the tests install', () => {
  const { dependencies } = JSON.parse(read('examples/recipes/socketio/package.json'));
  const versions = new Map<string, unknown>([
    ...installed.map((line) => line.toLowerCase().split('==') as [string, string]),
    ['socket.io', dependencies['socket.io']],
    ['jose', dependencies['jose']],
  ]);
  const named = [...document.matchAll(/\b([A-Za-z][\w.]*) (\d+\.\d+\.\d+)(?![.\d])/g)];
  assert.equal(named.length, 7);
  for (const [, name = '', version] of named) assert.equal(version, versions.get(name.toLowerCase()), name);
});

test('every recipe is in docs/recipes.md', () => {
  for (const path of globSync('*/cardea.yaml', { cwd: recipes }))
    assert.ok(document.includes(`](../examples/recipes/${path.replace('/cardea.yaml', '')})`), path);
});
