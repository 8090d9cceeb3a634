import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import type { FileResult } from './test-record.ts';
import { runFiles } from './test-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-test-run-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs files with this content, each named by its key, and says what became of them, in the order of their ends. */
async function runOf(
  sources: Readonly<Record<string, string>>,
  options: { readonly alone?: boolean; readonly silenceMs?: number; readonly patienceMs?: number } = {},
): Promise<readonly FileResult[]> {
  const files = Object.entries(sources).map(([name, source]) => {
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, `import { after, before, beforeEach, describe, test } from 'node:test';\n${source}`);
    return file;
  });
  const results: FileResult[] = [];
  const { alone = false, ...rest } = options;
  await runFiles(files, { processes: 1, isAlone: () => alone, timeoutMs: 5_000, ...rest }, (it) => results.push(it));
  return results;
}

const brief = ({ file, passed, tests, failed }: FileResult): string =>
  `${basename(file, '.mjs')}: ${passed} of ${tests}, ${failed} failed`;
const told = (result: FileResult | undefined): string =>
  (result?.failures ?? []).map(({ name, text }) => `${name}: ${text}`).join('\n');

test('runFiles() counts what is in each file, in suites and in tests as well', async () => {
  const results = await runOf({
    plain: `test('a', () => {}); test('b', async () => { await new Promise((resolve) => setTimeout(resolve, 20)); });`,
    nested: `describe('s', () => { test('c', () => {}); test('d', (t) => t.test('e', () => {})); });`,
    other: `test('f', { skip: 'no key' }, () => {}); test('g', { todo: true }, () => { throw new Error('not yet'); });`,
    late: `await new Promise((resolve) => setTimeout(resolve, 20)); test('h', () => {});`,
  });
  assert.deepEqual(results.map(brief), [
    'plain: 2 of 2, 0 failed',
    'nested: 3 of 3, 0 failed',
    'other: 0 of 2, 0 failed',
    'late: 1 of 1, 0 failed',
  ]);
  assert.deepEqual(results[2]?.skipped, ['f: no key']);
});

test('runFiles() tells what failed: a test, a file that cannot be loaded, a hook, an error between the tests', async () => {
  const results = await runOf({
    failing: `test('a', () => {}); test('b', () => { throw new Error('b is bad'); });`,
    broken: `test('c', () => {}); throw new Error('cannot be loaded');`,
    syntax: `test('c', () => {`,
    hook: `test('d', () => {}); after(() => { throw new Error('the hook is bad'); });`,
    suite: `describe('s', () => { before(() => { throw new Error('the suite is bad'); }); test('e', () => {}); });`,
    between: `setTimeout(() => { throw new Error('nobody caught it'); }); test('f', () => new Promise((r) => setTimeout(r, 50)));`,
    good: `test('g', () => {});`,
  });
  const of = (name: string): FileResult | undefined => results.find(({ file }) => basename(file) === `${name}.mjs`);
  assert.match(told(of('failing')), /^b: Error: b is bad\n.*failing\.mjs:2/);
  assert.match(told(of('broken')), /the file: Error: cannot be loaded\n.*broken\.mjs:2/);
  assert.match(told(of('syntax')), /the file: .*SyntaxError/s);
  assert.match(told(of('hook')), /^the file: failed running after hook\nError: the hook is bad\n.*hook\.mjs:2/);
  assert.match(told(of('suite')), /the suite is bad/);
  assert.match(told(of('between')), /Error: nobody caught it\n.*between\.mjs:2/);
  assert.deepEqual(
    results.map(({ failed }) => failed > 0),
    [true, true, true, true, true, true, false],
  );
});

test('runFiles() keeps the hooks and the output of one file from the next', async () => {
  const results = await runOf({
    one: `let n = 0; beforeEach(() => { n += 1; if (n > 1) throw new Error('again'); }); test('a', () => console.log('one'));`,
    two: `test('b', () => console.error('two'));`,
  });
  assert.deepEqual(results.map(brief), ['one: 1 of 1, 0 failed', 'two: 1 of 1, 0 failed']);
  assert.deepEqual(
    results.map(({ printed }) => printed),
    ['one\n', 'two\n'],
  );
});

test('runFiles() tells of an error that comes after the test, with its stack, at the file that it is from', async () => {
  const late = `test('a', () => { setTimeout(() => { throw new Error('too late'); }, 50); });`;
  const slow = `test('b', () => new Promise((resolve) => setTimeout(resolve, 200)));`;
  const [one, two, again] = await runOf({ late, slow });
  assert.deepEqual(
    [one, two].map((it) => it && brief(it)),
    ['late: 1 of 1, 0 failed', 'late: 0 of 0, 1 failed'],
  );
  assert.match(told(two), /^after the test: Error: Test "a" .*\nError: too late\n.*late\.mjs:2/s);
  assert.equal(again && brief(again), 'slow: 1 of 1, 0 failed');

  const [alone, ...more] = await runOf({ late }, { alone: true });
  assert.equal(alone && brief(alone), 'late: 1 of 1, 1 failed');
  assert.match(told(alone), /Error: too late\n.*late\.mjs:2/);
  assert.equal(more.length, 0);
});

test('runFiles() tells of such an error at the file that ran, if it does not say where it is from', async () => {
  const bare = `test('a', () => { setTimeout(() => Promise.reject('bare'), 50); });`;
  const results = await runOf({ bare, slow: `test('b', () => new Promise((resolve) => setTimeout(resolve, 200)));` });
  assert.equal(results.flatMap(({ failures }) => failures).length, 1);
  assert.match(results.map(told).join(''), /"bare"/);
});

test('runFiles() goes on in another process when one ends, and says how that was', async () => {
  const results = await runOf({
    exits: `test('a', () => process.exit(7));`,
    killed: `test('b', () => process.kill(process.pid, 'SIGKILL'));`,
    good: `test('c', () => {});`,
    code: `test('d', () => { process.exitCode = 3; });`,
  });
  assert.deepEqual(results.map(brief), [
    'exits: 0 of 0, 1 failed',
    'killed: 0 of 0, 1 failed',
    'good: 1 of 1, 0 failed',
    'code: 1 of 1, 1 failed',
  ]);
  assert.equal(told(results[0]), 'its process: ended with exit code 7');
  assert.equal(told(results[1]), 'its process: was ended by SIGKILL');
  assert.match(
    told(results[3]),
    /^its process: ended with exit code 3, though no test failed\n.*before it:\n.*good\.mjs$/,
  );
});

test('runFiles() stops a process that says nothing any more', async () => {
  const [hangs] = await runOf({ hangs: `test('a', () => { for (;;); });` }, { silenceMs: 300 });
  assert.equal(told(hangs), 'its process: said nothing for 0.3 s');
});

test('runFiles() names the file that left something open, and what that is', async () => {
  const results = await runOf(
    {
      good: `test('a', () => {});`,
      server: `import { createServer } from 'node:net';
        test('b', () => new Promise((resolve) => createServer().listen(0, '127.0.0.1', resolve)));`,
      last: `test('c', () => {});`,
    },
    { patienceMs: 200 },
  );
  assert.deepEqual(results.map(brief), [
    'good: 1 of 1, 0 failed',
    'server: 1 of 1, 0 failed',
    'server: 0 of 0, 1 failed',
    'last: 1 of 1, 0 failed',
  ]);
  assert.match(told(results[2]), /^its process: does not end; .*: TCPServerWrap$/);
});
