/** docs/browser-policy.md: its configuration is right, and its table is that of the code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFiles } from '../src/config/files.ts';
import { checkConfig } from '../src/config/load.ts';
import { securityFields } from '../src/server/edge.ts';

const text = readFileSync(join(import.meta.dirname, '../../../docs/browser-policy.md'), 'utf8');

test('the configuration in docs/browser-policy.md has no problem', () => {
  const [, block = ''] = /```yaml\n([\s\S]*?)```/.exec(text) ?? [];
  const whole = `sign_in: [{ development: { account: "CORP\\\\alice" } }]\nlisten: { address: 127.0.0.1:0 }\n${block}`;
  const { problems } = checkConfig(whole, 'text', openFiles('.'), { env: {}, now: 0, withFiles: false });
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['sign_in[0].development'],
  );
});

test('the table of security headers in docs/browser-policy.md is that of the code', () => {
  const rows = [...text.matchAll(/^\| `([A-Z][A-Za-z-]+)` \| `([^`]+)`.*\|$/gm)].map(([, name, value]) => [
    name,
    value,
  ]);
  assert.deepEqual(rows, Object.entries(securityFields));
});
