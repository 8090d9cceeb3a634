/**
 * `cardea serve` where its state directory cannot be used: it says why in one line, and ends.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test, type TestContext } from 'node:test';
import { openKeys } from '../src/stores/key-file.ts';
import { startCardea } from './cardea-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-state-'));
const mounted: string[] = [];
after(() => {
  for (const path of mounted) execFileSync('umount', [path]);
  rmSync(folder, { recursive: true });
});

/** A file system of its own; `undefined` where this user may make none. */
function fileSystem(name: string, size: string): string | undefined {
  const path = join(folder, name);
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  mounted.push(path);
  return path;
}

const config = (state: string, threads: number): string => `listen: { address: "127.0.0.1:0" }
admin: false
state: ${JSON.stringify(state)}
threads: ${threads}
sign_in: [{ development: { account: 'DEV\\me' } }]
apps: [{ name: desk, host: localhost, upstream: "http://127.0.0.1:9", rules: [{ path: /**, signed_in: true }] }]
`;

/** What `cardea serve` says last, when it ends by itself with status 1. */
async function refusal(t: TestContext, state: string, threads = 1): Promise<string> {
  const process = await startCardea(config(state, threads));
  t.after(() => process.remove());
  assert.doesNotMatch(process.log(), /is listening/);
  assert.equal(await process.ended, 1);
  return process.log().trimEnd().split('\n').at(-1) ?? '';
}

const onLinux = process.platform === 'linux' ? false : 'this is not Linux';

for (const threads of [1, 2])
  test(`cardea serve ends where no directory can be made, with ${threads} thread(s)`, { skip: onLinux }, async (t) => {
    assert.equal(
      await refusal(t, '/proc/nope', threads),
      'cardea serve: Cannot use directory "/proc/nope": nothing can be made there (ENOENT); see "state"',
    );
  });

test('cardea serve ends where a file is in the place of its state directory', async (t) => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  assert.equal(
    await refusal(t, file),
    `cardea serve: Cannot use directory "${file}": something else than a directory is there (EEXIST); see "state"`,
  );
});

const disk = fileSystem('disk', '64k');
suite('file systems of their own', { skip: disk === undefined ? 'this user may not mount' : false }, () => {
  test('cardea serve ends where the disk is full, and leaves no keys by halves', async (t) => {
    assert.match(
      await refusal(t, join(disk ?? '', 'state')),
      /^cardea serve: Cannot open database ".*": database or disk is full$/,
    );
    assert.deepEqual(
      readdirSync(join(disk ?? '', 'state')).filter((name) => name.startsWith('keys')),
      [],
    );
  });

  test('cardea serve starts where the disk was full, once there is room', async (t) => {
    execFileSync('mount', ['-o', 'remount,size=8m', disk ?? '']);
    const process = await startCardea(config(join(disk ?? '', 'state'), 1));
    t.after(() => process.remove());
    assert.match(process.origin, /^http:/);
  });

  test('openKeys() leaves no key by halves on a full disk, and says so', () => {
    const path = fileSystem('keys', '64k') ?? '';
    writeFileSync(join(path, 'filler'), Buffer.alloc(64 * 1024));
    assert.throws(
      () => openKeys(path, 0),
      /^KeyFileError: Cannot write key file ".*keys\.json": the disk is full \(ENOSPC\)$/,
    );
    assert.deepEqual(readdirSync(path), ['filler']);
  });

  for (const [what, below] of [
    ['its state directory', ''],
    ['what is above it', 'deep/state'],
  ] as const)
    test(`cardea serve ends where ${what} can only be read`, async (t) => {
      const path = fileSystem(`read-only-${below.length}`, '64k') ?? '';
      execFileSync('mount', ['-o', 'remount,ro', path]);
      const state = join(path, below);
      assert.equal(
        await refusal(t, state),
        `cardea serve: Cannot use directory "${state}": the file system is read-only (EROFS); see "state"`,
      );
    });
});
