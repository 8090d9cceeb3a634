/**
 * Resident memory of a server, and how many connections the limit of open files leaves room for.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { processTree } from './cpu.ts';

/** Bytes of `VmRSS` in the text of `/proc/<pid>/status` (proc_pid_status(5)). */
export function parseResident(text: string): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  if (kibibytes === undefined) throw new RangeError('Cannot read /proc/<pid>/status: it has no VmRSS');
  return Number(kibibytes) * 1024;
}

/** Bytes of memory that a process and its descendants have in use. Pages that they share count for each of them. */
export function residentBytes(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + parseResident(readFileSync(`/proc/${each}/status`, 'latin1')), 0);
}

/** The hard limit in the text of `/proc/<pid>/limits`, at most what nginx makes of an unlimited one. */
export function parseOpenFiles(text: string): number {
  const hard = /^Max open files\s+\S+\s+(\d+|unlimited)\s/m.exec(text)?.[1];
  if (hard === undefined) throw new RangeError('Cannot read /proc/<pid>/limits: it has no "Max open files"');
  return Math.min(hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard), 65_536);
}

/** How many files and sockets a program that is started here may have open. */
export const openFilesLimit = (): number => parseOpenFiles(readFileSync('/proc/self/limits', 'latin1'));

/** How many connections a proxy can have with so many open files and so many sockets for each; some are for itself. */
export const connectionsThatFit = (openFiles: number, socketsEach: 1 | 2): number =>
  Math.floor((openFiles - 600) / socketsEach / 100) * 100;
