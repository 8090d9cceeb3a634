import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileCache } from './file-cache.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-cache-'));
after(() => rmSync(root, { recursive: true }));

const token = { value: 'secret-token', receivedAt: 1, expiresAt: 2 };
let count = 0;
const place = () => {
  const folder = join(root, `${++count}`);
  const file = (): string => join(folder, readdirSync(folder)[0] ?? assert.fail('there is no file'));
  return { folder, file, cache: fileCache({ folder, env: {} }) };
};

test('fileCache() gives back what was kept, in a file and a folder for its user alone', async () => {
  const { folder, file, cache } = place();
  assert.equal(await cache.read('a'), undefined);
  await cache.write('a', token);
  assert.deepEqual(await fileCache({ folder, env: {} }).read('a'), token);
  assert.deepEqual([statSync(folder).mode & 0o777, statSync(file()).mode & 0o777], [0o700, 0o600]);
  assert.deepEqual(readdirSync(folder).length, 1);
});

test('fileCache() keeps each key apart, and the tickets of another cache of tickets', async () => {
  const { folder, cache } = place();
  await cache.write('a', token);
  assert.equal(await cache.read('b'), undefined);
  assert.equal(await fileCache({ folder, env: { KRB5CCNAME: 'FILE:/tmp/other' } }).read('a'), undefined);
});

test('fileCache() forgets', async () => {
  const { folder, cache } = place();
  await cache.write('a', token);
  await cache.write('a', undefined);
  assert.deepEqual([await cache.read('a'), readdirSync(folder)], [undefined, []]);
});

test('fileCache() uses no file that others could read', async () => {
  const { file, cache } = place();
  await cache.write('a', token);
  chmodSync(file(), 0o640);
  await assert.rejects(cache.read('a'), { code: 'unsafe-cache' });
});

test('fileCache() uses no folder that others could change, neither to read nor to write', async () => {
  const { folder, cache } = place();
  await cache.write('a', token);
  chmodSync(folder, 0o720);
  await assert.rejects(cache.read('a'), { code: 'unsafe-cache' });
  await assert.rejects(cache.write('a', token), { code: 'unsafe-cache' });
});

test('fileCache() follows no link', async () => {
  const { folder, file, cache } = place();
  await cache.write('a', token);
  const [name, elsewhere] = [file(), `${folder}-elsewhere`];
  renameSync(name, elsewhere);
  symlinkSync(elsewhere, name);
  await assert.rejects(cache.read('a'), { code: 'unsafe-cache' });
});

for (const text of ['', '{', 'null', '{"value":1,"receivedAt":1,"expiresAt":2}', '{"value":"x"}'])
  test(`fileCache() takes a file with ${JSON.stringify(text)} for none, and writes it anew`, async () => {
    const { file, cache } = place();
    await cache.write('a', token);
    writeFileSync(file(), text);
    assert.equal(await cache.read('a'), undefined);
    await cache.write('a', token);
    assert.deepEqual(JSON.parse(readFileSync(file(), 'utf8')), token);
  });

test('fileCache() lies in the cache folder of the user', async () => {
  const home = join(root, 'home');
  await fileCache({ env: { XDG_CACHE_HOME: home } }).write('a', token);
  assert.equal(readdirSync(join(home, 'cardea')).length, 1);
});
