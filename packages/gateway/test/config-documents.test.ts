/**
 * What is written about the configuration is right: the examples and the reference page pass the check themselves.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFiles } from '../src/config/files.ts';
import { checkConfig } from '../src/config/load.ts';
import { readUsers } from '../src/config/users-file.ts';

const root = join(import.meta.dirname, '../../..');
const problemsOf = (text: string) =>
  checkConfig(text, 'text', openFiles('.'), { env: {}, now: Date.now(), withFiles: false }).problems;

/** What is not for production says so, and nothing else. */
const warnings: Readonly<Record<string, readonly string[]>> = { 'development.yaml': ['sign_in[0].development'] };

const recipes = readdirSync(join(root, 'examples/recipes'), { withFileTypes: true }).filter((entry) =>
  entry.isDirectory(),
);
const examples = [
  ...readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.yaml')),
  ...recipes.map(({ name }) => `recipes/${name}/cardea.yaml`),
];
for (const name of examples)
  test(`examples/${name} has no error, and no warning that it is not meant to have`, () => {
    const problems = problemsOf(readFileSync(join(root, 'examples', name), 'utf8'));
    assert.deepEqual(
      problems.map(({ severity, path }) => [severity, path]),
      (warnings[name] ?? []).map((path) => ['warning', path]),
    );
  });

test('docs/sign-in.md shows of the configuration what stands in the examples, and names them all', () => {
  const text = readFileSync(join(root, 'docs/sign-in.md'), 'utf8');
  const all = examples.map((name) => readFileSync(join(root, 'examples', name), 'utf8'));
  for (const [, block = ''] of text.matchAll(/```yaml\n([\s\S]*?)```/g))
    assert.ok(
      all.some((example) => example.includes(block)),
      `in no example: ${block}`,
    );
  const ofSignIn = ['kerberos', 'passwords-ldap', 'minimal', 'oidc', 'entra', 'api-keys', 'bearer', 'stream-tokens'];
  const others = ['approvals', 'iis-header', 'hybrid', 'hybrid-entra', 'client-certificates', 'development', 'redis'];
  for (const name of [...ofSignIn, ...others]) assert.ok(text.includes(`](../examples/${name}.yaml)`), name);
});

const reference = readFileSync(join(root, 'docs/config.md'), 'utf8');
const blocks = [...reference.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);

test('docs/config.md has a complete example without an error', () => {
  assert.deepEqual(problemsOf(blocks[0] ?? ''), []);
});

test('docs/config.md has an example of the users file that is right but for its hash', () => {
  const { problems } = readUsers(blocks.at(-1) ?? '', 'users.yaml');
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['users[0].password_hash'],
  );
});

test('docs/cardea.schema.json knows every section of the reference', () => {
  const schema: unknown = JSON.parse(readFileSync(join(root, 'docs/cardea.schema.json'), 'utf8'));
  const sections = [...reference.matchAll(/^## ([a-z_]+)$/gm)].map(([, name]) => name);
  assert.deepEqual(Object.keys((schema as { properties: object }).properties), sections);
});
