import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Secret } from '../core/secret.ts';
import { openFiles } from './files.ts';
import { checkConfig, type Loaded, loadConfig } from './load.ts';
import { loadedFrom, snapshotOf } from './snapshot.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-snapshot-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'cardea.yaml');
const ca = join(folder, 'ca.pem');
const authority = readFileSync(join(import.meta.dirname, '../../test/check/files/gateway.pem'), 'utf8');
writeFileSync(ca, authority);
writeFileSync(join(folder, 'password'), 'hunter2\n');
writeFileSync(
  file,
  `directory:
  ldap:
    url: ldaps://dc1.corp.example
    ca: ca.pem
    bind: { user: svc@corp.example, password: "\${file:password}" }
apps:
  - { name: a, host: a, upstream: http://127.0.0.1:3000, rules: [{ path: /**, public: true }] }
`,
);

function load(): Loaded {
  const result = loadConfig(file, { env: {}, now: Date.now() });
  assert.equal(result.kind, 'ok', JSON.stringify(result.problems));
  if (result.kind !== 'ok') throw new Error('unreachable');
  return result;
}

/** What arrives in another thread. */
const passedOn = (loaded: Loaded): Loaded => loadedFrom(structuredClone(snapshotOf(loaded)));

test('loadedFrom() gives the same configuration', () => {
  const loaded = load();
  assert.deepEqual(passedOn(loaded).config, loaded.config);
  assert.deepEqual(passedOn(loaded).users, loaded.users);
});

test('loadedFrom() gives secrets that work and do not print', () => {
  const password = passedOn(load()).config.directory.ldap?.bind.password;
  assert.ok(password instanceof Secret);
  assert.equal(password.reveal(), 'hunter2');
  assert.doesNotMatch(JSON.stringify(password), /hunter2/);
});

test('snapshotOf() takes every file along that the configuration names, as it was when it was first looked at', () => {
  const loaded = load();
  snapshotOf(loaded);
  writeFileSync(ca, 'another authority');
  const read = passedOn(loaded).files.read(ca);
  writeFileSync(ca, authority);
  assert.equal(read.kind === 'ok' && Buffer.from(read.value).toString(), authority);
});

test('loadedFrom() says of a file that was not there that it was not', () => {
  assert.equal(passedOn(load()).files.read(join(folder, 'nobody')).kind, 'wrong');
});

test('snapshotOf() can pack every section of the reference', () => {
  const reference = readFileSync(join(import.meta.dirname, '../../../../docs/config.md'), 'utf8');
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(reference) ?? [];
  const result = checkConfig(example, 'text', openFiles(folder), { env: {}, now: 0, withFiles: false });
  assert.equal(result.kind, 'ok', JSON.stringify(result.problems));
  if (result.kind === 'ok') assert.deepEqual(passedOn(result).config, result.config);
});
