import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionsThatFit, parseOpenFiles, parseResident, residentBytes } from './memory.ts';

test('parseResident() reads VmRSS and not its neighbours', () =>
  assert.equal(parseResident('VmHWM:\t    9000 kB\nVmRSS:\t    1234 kB\nRssAnon:\t     700 kB\n'), 1234 * 1024));

test('parseResident() throws for a process without memory, such as a zombie', () =>
  assert.throws(() => parseResident('Name:\tnginx\nState:\tZ (zombie)\n'), RangeError));

test('residentBytes() agrees with what this process knows of itself', { skip: process.platform !== 'linux' }, () => {
  const ratio = residentBytes(process.pid) / process.memoryUsage.rss();
  assert.ok(ratio > 0.9 && ratio < 1.1, `${ratio}`);
});

const limits = (soft: string, hard: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units     \nMax open files            ${soft}                ${hard}                files     \n`;

for (const [soft, hard, expected] of [
  ['1024', '20000', 20_000],
  ['1024', '1048576', 65_536],
  ['unlimited', 'unlimited', 65_536],
] as const)
  test(`parseOpenFiles() makes ${expected} of ${soft} and ${hard}`, () =>
    assert.equal(parseOpenFiles(limits(soft, hard)), expected));

test('connectionsThatFit() leaves room for the sockets of each and for the program', () => {
  assert.equal(connectionsThatFit(20_000, 2), 9_700);
  assert.equal(connectionsThatFit(20_000, 1), 19_400);
  assert.equal(connectionsThatFit(1_024, 2), 200);
});
