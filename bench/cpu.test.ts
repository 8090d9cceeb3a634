import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMicroseconds, descent, parseStat } from './cpu.ts';

/** As the kernel writes it; 7, 5, 3 and 2 are utime, stime, cutime and cstime. */
const line = (name: string): string =>
  `4711 (${name}) S 42 4711 4711 0 -1 4194560 900 80 1 0 7 5 3 2 20 0 11 0 5000 1000000 2000 18446744073709551615 1 1 0\n`;

test('parseStat() adds up user and system time, with that of ended children', () =>
  assert.deepEqual(parseStat(line('node')), { pid: 4711, parent: 42, ticks: 17 }));

test('parseStat() is not misled by a name with brackets and numbers', () =>
  assert.deepEqual(parseStat(line('a) S 1 2 (3')), { pid: 4711, parent: 42, ticks: 17 }));

for (const text of ['', '4711 (node) S 42', 'node S 42', line('node').replace(' 7 5 ', ' x 5 ')])
  test(`parseStat() throws for ${JSON.stringify(text.slice(0, 20))}…`, () =>
    assert.throws(() => parseStat(text), RangeError));

test('descent() has descendants at any depth, and nobody else', () => {
  const processes = [
    { pid: 1, parent: 0, ticks: 1000 },
    { pid: 10, parent: 1, ticks: 1 },
    { pid: 11, parent: 10, ticks: 2 },
    { pid: 12, parent: 11, ticks: 4 },
    { pid: 20, parent: 1, ticks: 100 },
  ];
  assert.deepEqual(descent(processes, 10), processes.slice(1, 4));
});

test('descent() throws for a process that is not there', () => assert.throws(() => descent([], 10), RangeError));

test('cpuMicroseconds() agrees with what this process knows of itself', { skip: process.platform !== 'linux' }, () => {
  const { user, system } = process.cpuUsage();
  const seen = cpuMicroseconds(process.pid);
  // Ticks round down, and between the two looks a little time is used.
  assert.ok(seen > user + system - 30_000 && seen < user + system + 300_000, `${seen} against ${user + system}`);
});
