import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

test('index.ts reaches nothing of Node, so that bundlers for other places can take it', () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(join(import.meta.dirname, file), 'utf8');
    assert.doesNotMatch(text, /\bprocess\.[a-z]|\bBuffer\.|\brequire\(/, file);
    for (const [, from = ''] of text.matchAll(/from '([^']+)'/g)) {
      assert.match(from, /^\.\//, `${file} imports ${from}`);
      visit(from);
    }
  };
  visit('./index.ts');
  assert.ok(seen.size > 5);
});
