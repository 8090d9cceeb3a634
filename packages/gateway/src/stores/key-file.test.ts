import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { rotated } from '../tokens/key-ring.ts';
import { KeyFileError, keyFileLook, openKeys, saveKeys } from './key-file.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-keys-'));
after(() => rmSync(root, { recursive: true }));
const fresh = (): string => join(mkdtempSync(join(root, 'case-')), 'state');

test('openKeys() makes a key at the first start and finds it at the second', () => {
  const state = fresh();
  const [first] = openKeys(state, 1_000);
  const [second] = openKeys(state, 2_000);
  assert.equal(first?.createdAt, 1_000);
  assert.equal(second?.id, first?.id);
  assert.deepEqual(new Uint8Array(second?.secret ?? []), new Uint8Array(first?.secret ?? [0]));
});

test('openKeys() makes a file and a directory that only their owner can read', () => {
  const state = fresh();
  openKeys(state, 0);
  assert.equal(statSync(join(state, 'keys.json')).mode & 0o777, 0o600);
  assert.equal(statSync(state).mode & 0o777, 0o700);
});

for (const mode of [0o644, 0o640, 0o604, 0o602]) {
  test(`openKeys() refuses a file of mode ${mode.toString(8)} and says what to do`, () => {
    const state = fresh();
    openKeys(state, 0);
    chmodSync(join(state, 'keys.json'), mode);
    assert.throws(
      () => openKeys(state, 0),
      (error) =>
        error instanceof KeyFileError &&
        error.message.includes('chmod 600') &&
        error.message.includes(mode.toString(8)),
    );
  });
}

test('saveKeys() replaces the keys and leaves no draft behind', () => {
  const state = fresh();
  const keys = rotated(openKeys(state, 0), 1_000, 10_000);
  saveKeys(state, keys);
  assert.deepEqual(
    openKeys(state, 0).map(({ id }) => id),
    keys.map(({ id }) => id),
  );
  assert.deepEqual(readdirSync(state), ['keys.json']);
});

test('openKeys() refuses a damaged file without quoting it', () => {
  const state = fresh();
  openKeys(state, 0);
  const path = join(state, 'keys.json');
  const text = readFileSync(path, 'utf8');
  for (const damaged of ['', '{', '[]', '{"keys":[]}', text.slice(0, -20), text.replace('"secret": "', '"secret": ')]) {
    writeFileSync(path, damaged);
    assert.throws(
      () => openKeys(state, 0),
      (error) =>
        error instanceof KeyFileError &&
        error.message.includes(path) &&
        !/[A-Za-z0-9_-]{30}/.test(error.message.replace(path, '')),
    );
  }
});

test('openKeys() gives processes that start together the same keys', async () => {
  const state = fresh();
  const script = `import { openKeys } from ${JSON.stringify(join(import.meta.dirname, 'key-file.ts'))}; console.log(openKeys(${JSON.stringify(state)}, 0)[0].id)`;
  const start = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  const ids = await Promise.all([start(), start(), start()]);
  assert.equal(new Set(ids.map(({ stdout }) => stdout.trim())).size, 1);
});

const ids = (keys: ReturnType<typeof openKeys> | undefined): readonly string[] | undefined => keys?.map(({ id }) => id);

test('keyFileLook() gives the keys once for each time that the file has changed', () => {
  const state = fresh();
  const keys = openKeys(state, 0);
  const look = keyFileLook(state, () => assert.fail());
  assert.deepEqual(ids(look()), ids(keys));
  assert.equal(look(), undefined);
  const more = rotated(keys, 1_000, 10_000);
  saveKeys(state, more);
  assert.deepEqual(ids(look()), ids(more));
  assert.equal(look(), undefined);
});

test('keyFileLook() reports a file that cannot be used once, and takes it when it can be again', () => {
  const state = fresh();
  const keys = openKeys(state, 0);
  const troubles: string[] = [];
  const look = keyFileLook(state, (message) => troubles.push(message));
  const path = join(state, 'keys.json');
  chmodSync(path, 0o644);
  assert.deepEqual([look(), look(), troubles.length], [undefined, undefined, 1]);
  chmodSync(path, 0o600);
  assert.deepEqual(ids(look()), ids(keys));
  rmSync(path);
  assert.deepEqual([look(), troubles.length], [undefined, 1]);
});

test('saveKeys() says why keys cannot be written, and names the file', () => {
  const state = fresh();
  const keys = openKeys(state, 0);
  assert.throws(
    () => saveKeys(join(state, 'nowhere'), keys),
    /^KeyFileError: Cannot write key file ".*": nothing can be made there \(ENOENT\)$/,
  );
});
