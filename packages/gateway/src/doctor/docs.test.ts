import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checks } from './registry.ts';

test('docs/doctor.md has every finding of the registry, from which side, and when it fails', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../../docs/doctor.md'), 'utf8');
  const rows = text.split('\n').filter((line) => /^\| `[a-z0-9-]+` \|/.test(line));
  const expected = checks.flatMap(({ sides, finds }) =>
    Object.entries(finds).map(([id, when]) => `| \`${id}\` | ${sides.join(', ')} | ${when} |`),
  );
  assert.deepEqual(rows, expected);
});
