/**
 * Golden files for `cardea check`: each directory of `check/` is a configuration and what the real command says
 * about it, with its exit status. `UPDATE_GOLDEN=1` writes what it says now; read the difference before it is kept.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';

const golden = join(import.meta.dirname, 'check');
const command = join(import.meta.dirname, '../bin/cardea.mjs');
const names = readdirSync(golden).filter((name) => existsSync(join(golden, name, 'cardea.yaml')));

suite('cardea check', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-check-'));
  after(() => rmSync(folder, { recursive: true }));

  for (const name of names) {
    test(`cardea check says what is expected of ${name}`, () => {
      const place = join(folder, name);
      cpSync(join(golden, name), place, { recursive: true });
      cpSync(join(golden, 'files'), join(place, 'files'), { recursive: true });
      // A checkout makes files readable for everybody, which would be a warning of its own.
      for (const file of readdirSync(place, { recursive: true, withFileTypes: true }))
        if (file.isFile()) chmodSync(join(file.parentPath, file.name), 0o600);

      const options = existsSync(join(place, 'options.txt'))
        ? readFileSync(join(place, 'options.txt'), 'utf8').trim()
        : '';
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        [command, 'check', ...options.split(' ').filter((option) => option !== '')],
        {
          cwd: place,
          encoding: 'utf8',
          env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(folder, 'compiled') },
        },
      );
      const said = `${stdout}exit status ${status}\n`;
      const expected = join(golden, name, 'expected.txt');
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(expected, said);
      assert.equal(stderr, '');
      assert.equal(said, readFileSync(expected, 'utf8'));
      assert.doesNotMatch(said, /hunter2|battery/);
    });
  }

  test('cardea check has golden files for at least ten wrong configurations', () => {
    const wrong = names.filter((name) =>
      /^exit status 1$/m.test(readFileSync(join(golden, name, 'expected.txt'), 'utf8')),
    );
    assert.ok(wrong.length >= 10);
  });
});
