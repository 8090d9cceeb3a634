import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import type { Secret } from '../core/secret.ts';
import { openFiles } from './files.ts';
import { readSecret } from './secrets.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-secrets-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'plain'), 'hunter2');
writeFileSync(join(folder, 'newline'), 'hunter2\n');
writeFileSync(join(folder, 'windows'), 'hunter2\r\n');
writeFileSync(join(folder, 'two'), 'hunter2\n\n');
writeFileSync(join(folder, 'empty'), '\n');

const read = (text: string, inline = new Set<Secret>()) =>
  readSecret(text, { env: { PASSWORD: 'hunter2', EMPTY: '' }, files: openFiles(folder), inline });

const good: readonly (readonly [text: string, value: string])[] = [
  ['${env:PASSWORD}', 'hunter2'],
  ['${file:plain}', 'hunter2'],
  [`\${file:${join(folder, 'plain')}}`, 'hunter2'],
  ['${file:newline}', 'hunter2'],
  ['${file:windows}', 'hunter2'],
  ['${file:two}', 'hunter2\n'],
  ['hunter2', 'hunter2'],
  ['$ecret{', '$ecret{'],
];

for (const [text, value] of good)
  test(`readSecret() reads ${JSON.stringify(text.replace(folder, ''))}`, () => {
    const secret = read(text);
    assert.equal(secret.kind, 'ok');
    assert.equal(secret.value.reveal(), value);
  });

const bad = [
  '',
  '${env:NOBODY}',
  '${env:EMPTY}',
  '${env:}',
  '${env:a b}',
  '${file:}',
  '${file:nobody}',
  '${file:empty}',
  '${file:.}',
  'x${env:PASSWORD}',
  '${env:PASSWORD} ',
  '${env:PASSWORD}${env:PASSWORD}',
  '${vault:x}',
  '${PASSWORD}',
];

for (const text of bad)
  test(`readSecret() refuses ${JSON.stringify(text)} and says what to do`, () => {
    const secret = read(text);
    assert.equal(secret.kind, 'wrong');
    assert.match(secret.fix, /\S/);
  });

test('readSecret() notes a secret that stands in the text itself, and no other', () => {
  const inline = new Set<Secret>();
  read('${env:PASSWORD}', inline);
  read('hunter2', inline);
  assert.equal(inline.size, 1);
});

test('readSecret() shows no secret in what it gives, however it is printed', () => {
  for (const text of [
    'hunter2',
    '${env:PASSWORD}',
    '${file:plain}',
    'hunter2${env:PASSWORD}',
    '${hunter2}',
    '${env:hunter2!}',
  ]) {
    const secret = read(text);
    assert.doesNotMatch(inspect(secret, { depth: 9, showHidden: true }) + JSON.stringify(secret), /hunter2/);
  }
});
