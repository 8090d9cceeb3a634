import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, test } from 'node:test';
import { type FileWatch, type FileWatchOptions, watchFiles } from './file-watch.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-watch-'));
after(() => rmSync(root, { recursive: true }));

let count = 0;
let folder = '';
let watch: FileWatch | undefined;
/** What was told, as one line each: `offered a=1 b=2`, `again …`, `unreadable a ENOENT`, `trouble`. */
let told: string[] = [];
let wake: () => void = () => {};

beforeEach(() => {
  folder = join(root, String(++count));
  mkdirSync(folder);
  told = [];
});
afterEach(() => watch?.close());

const path = (name: string): string => join(folder, name);
const write = (name: string, text: string): void => writeFileSync(path(name), text);
const tell = (line: string): void => {
  told.push(line);
  wake();
};

/** Watches `a` and `b`; both have been read as 1. */
function start(options: Partial<FileWatchOptions> = {}): FileWatch {
  watch = watchFiles({
    inUse: new Map(['a', 'b'].map((name) => [path(name), Buffer.from('1')])),
    everyMs: 3_600_000,
    offer: (contents, again) => {
      const words = ['a', 'b'].map((name) => `${name}=${Buffer.from(contents.get(path(name)) ?? '?').toString()}`);
      tell(`${again ? 'again' : 'offered'} ${words.join(' ')}`);
      return true;
    },
    onUnreadable: (file, reason) => tell(`unreadable ${file.slice(folder.length + 1)} ${reason}`),
    onTrouble: () => tell('trouble'),
    ...options,
  });
  return watch;
}

/** Waits until so much was told. */
const lines = async (number: number): Promise<string[]> => {
  while (told.length < number) await new Promise<void>((resolve) => (wake = resolve));
  return told;
};

test('watchFiles() says nothing as long as the contents are the same, whatever happens to the files', async () => {
  write('a', '1');
  write('b', '1');
  const watching = start();
  await watching.look();
  write('a', '1');
  write('fresh', '1');
  renameSync(path('fresh'), path('b'));
  await watching.look();
  assert.deepEqual(told, []);
});

test('watchFiles() offers changed contents by itself', async () => {
  write('a', '1');
  write('b', '1');
  start({ everyMs: 5 });
  write('b', '2');
  assert.deepEqual(await lines(1), ['offered a=1 b=2']);
});

test('watchFiles() notices what changed between the reading and its own beginning', async () => {
  write('a', '0');
  write('b', '1');
  await start().look();
  assert.deepEqual(told, ['offered a=0 b=1']);
});

test('watchFiles() waits, when nobody asks it to look, until two looks in a row have found the same', async () => {
  write('a', '1');
  write('b', '2');
  // The first look is at the beginning, the second one 200 ms later.
  const started = performance.now();
  start({ everyMs: 200 });
  assert.deepEqual(await lines(1), ['offered a=1 b=2']);
  // A timer counts from the beginning of its turn of the event loop, which is before `started`.
  assert.ok(performance.now() - started > 150);
});

test('watchFiles() follows a file that is renamed into place, and a symbolic link that is turned', async () => {
  for (const name of ['old', 'new']) mkdirSync(path(name));
  write('old/b', '1');
  write('new/b', '2');
  write('a', '1');
  symlinkSync('old', path('data'));
  symlinkSync('data/b', path('b'));
  const watching = start();
  await watching.look();
  symlinkSync('new', path('data.next'));
  renameSync(path('data.next'), path('data'));
  await watching.look();
  write('a.next', '3');
  renameSync(path('a.next'), path('a'));
  await watching.look();
  assert.deepEqual(told, ['offered a=1 b=2', 'offered a=3 b=2']);
});

test('watchFiles() offers what was not taken again, and is quiet when the old contents are back', async () => {
  write('a', 'bad');
  write('b', '1');
  const offers: boolean[] = [];
  const watching = start({
    offer: (_contents, again) => {
      offers.push(again);
      return false;
    },
  });
  for (let i = 0; i < 3; i++) await watching.look();
  assert.deepEqual(offers, [false, true, true]);
  write('a', '1');
  await watching.look();
  assert.equal(offers.length, 3);
  write('a', 'bad');
  await watching.look();
  assert.deepEqual(offers.slice(3), [false]);
});

test('watchFiles() tells once that a file cannot be read, and offers it when it can be read and is another', async () => {
  write('a', '1');
  const watching = start();
  for (let i = 0; i < 3; i++) await watching.look();
  assert.deepEqual(told, ['unreadable b ENOENT']);
  write('b', '1');
  await watching.look();
  assert.equal(told.length, 1);
  unlinkSync(path('b'));
  mkdirSync(path('b'));
  await watching.look();
  rmSync(path('b'), { recursive: true });
  write('b', '2');
  await watching.look();
  assert.deepEqual(told.slice(1), ['unreadable b not a file', 'offered a=1 b=2']);
});

test('watchFiles() goes on after an offer that throws, and tells of it once', async () => {
  write('a', '2');
  write('b', '1');
  const watching = start({
    offer: () => {
      throw new Error('bug');
    },
  });
  for (let i = 0; i < 3; i++) await watching.look();
  assert.deepEqual(told, ['trouble']);
});

test('watchFiles() calls nobody after it was closed, also from a look that is under way', async () => {
  write('a', '2');
  write('b', '1');
  const watching = start();
  const looking = watching.look();
  watching.close();
  await looking;
  await watching.look();
  assert.deepEqual(told, []);
});

test('watchFiles() does not take contents for the same that are only cut at another place', async () => {
  write('a', '12');
  write('b', '3');
  const watching = start();
  await watching.look();
  write('a', '1');
  write('b', '23');
  await watching.look();
  assert.deepEqual(told, ['offered a=12 b=3', 'offered a=1 b=23']);
});
