import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { watchReplacement, Watches } from './watches.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-watches-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

/** A watched file in which every word but `bad` is good, and what came of it. */
function watched(first = 'one') {
  const file = join(folder, `file-${files++}`);
  writeFileSync(file, first);
  const log: string[] = [];
  const write =
    (level: string) =>
    (...words: unknown[]) =>
      void log.push(`${level} ${JSON.stringify(words)}`);
  let current = first;
  const watch = watchReplacement({
    what: 'list of words',
    file,
    inUse: Buffer.from(first),
    log: { info: write('info'), error: write('error') },
    everyMs: 3_600_000,
    take(contents) {
      const word = Buffer.from(contents).toString();
      if (word === 'bad') return ['it is bad'];
      if (word === 'worse') throw new Error('a bug');
      current = word;
      return [];
    },
  });
  return { watch, file, log, current: () => current };
}

test('watchReplacement() takes a changed file into use, and says so', async () => {
  const { watch, file, log, current } = watched();
  writeFileSync(file, 'two');
  await watch.look();
  watch.close();
  assert.equal(current(), 'two');
  assert.equal(log.length, 1);
  assert.match(log[0] ?? '', /^info .*The changed list of words is in use from now on/);
});

test('watchReplacement() keeps what it has, and says so once, until the file is good again', async () => {
  const { watch, file, log, current } = watched();
  writeFileSync(file, 'bad');
  for (let i = 0; i < 3; i++) await watch.look();
  assert.equal(current(), 'one');
  assert.equal(log.length, 1);
  assert.match(log[0] ?? '', /^error .*it is bad.*the one before it goes on/);
  writeFileSync(file, 'three');
  await watch.look();
  watch.close();
  assert.equal(current(), 'three');
});

test('watchReplacement() keeps what it has when the file is gone, or when taking it fails', async () => {
  const { watch, file, log, current } = watched();
  rmSync(file);
  await watch.look();
  writeFileSync(file, 'worse');
  await watch.look();
  watch.close();
  assert.equal(current(), 'one');
  assert.match(log.join('\n'), /^error .*ENOENT.*\nerror .*Cannot take over a changed file/);
});

test('Watches look at all of theirs, and no more once they are closed', async () => {
  const watches = new Watches();
  const both = [watched(), watched()];
  for (const { watch } of both) watches.add(watch);
  for (const { file } of both) writeFileSync(file, 'two');
  await watches.look();
  assert.deepEqual(
    both.map(({ current }) => current()),
    ['two', 'two'],
  );
  watches.close();
  for (const { file } of both) writeFileSync(file, 'three');
  await watches.look();
  assert.deepEqual(
    both.map(({ current }) => current()),
    ['two', 'two'],
  );
});
