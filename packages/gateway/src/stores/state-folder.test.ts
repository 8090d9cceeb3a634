import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeStateFolder, StateError, stateFault } from './state-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-state-folder-'));
after(() => rmSync(root, { recursive: true }));

const textOf = (state: string): string => {
  try {
    makeStateFolder(state);
  } catch (error) {
    assert.ok(error instanceof StateError);
    return error.message;
  }
  return 'made';
};

test('makeStateFolder() makes all that is missing of the path, for its owner alone', () => {
  const state = join(root, 'a/b/c');
  makeStateFolder(state);
  for (const path of ['a', 'a/b', 'a/b/c']) assert.equal(statSync(join(root, path)).mode & 0o777, 0o700, path);
});

test('makeStateFolder() leaves a directory as it is', () => {
  const state = mkdtempSync(join(root, 'there-'));
  makeStateFolder(state);
  makeStateFolder(`${state}/`);
});

test('makeStateFolder() follows a link to a directory', () => {
  const link = join(root, 'link');
  symlinkSync(mkdtempSync(join(root, 'linked-')), link);
  assert.equal(textOf(link), 'made');
});

const file = join(root, 'file');
writeFileSync(file, '');
const nowhere = join(root, 'nowhere');
symlinkSync(join(root, 'not/there'), nowhere);
const circle = join(root, 'circle');
symlinkSync(circle, circle);

const refused: readonly (readonly [state: string, why: string])[] = [
  [file, 'something else than a directory is there (EEXIST)'],
  [join(file, 'state'), 'a part of this path is a file (ENOTDIR)'],
  [nowhere, 'something else than a directory is there (EEXIST)'],
  [join(circle, 'state'), 'its links lead in a circle (ELOOP)'],
];
for (const [state, why] of refused)
  test(`makeStateFolder() says that ${why.replace(/ \(.*/, '')}: ${state.slice(root.length)}`, () => {
    assert.equal(textOf(state), `Cannot use directory "${state}": ${why}; see "state"`);
  });

test('makeStateFolder() gives up in a file system that takes no directories', {
  skip: process.platform !== 'linux',
}, () => {
  // A recursive mkdir of Node 26 goes round and round here.
  assert.match(textOf('/proc/nope/state'), /^Cannot use directory "\/proc\/nope\/state": nothing can be made there/);
});

test('stateFault() keeps the word of the system where it has none of its own', () => {
  assert.equal(stateFault(Object.assign(new Error('EIO: i/o error, open'), { code: 'EIO' })), 'EIO');
  assert.equal(stateFault(undefined), 'unknown error');
});
