/**
 * CPU time of a server as the operating system counts it: user and system, of all its threads and of the processes it
 * has started.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';

/** One line of `/proc/<pid>/stat` (proc_pid_stat(5)), as far as it matters here. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time in clock ticks, of the process and of those children of its that have ended. */
  readonly ticks: number;
}

/** Linux counts in hundredths of a second here, on every architecture that we run on. */
const microsecondsPerTick = 10_000;

/** Reads the text of `/proc/<pid>/stat`. The name in it is in brackets and may contain anything, brackets too. */
export function parseStat(text: string): ProcessStat {
  const open = text.indexOf(' (');
  const close = text.lastIndexOf(') ');
  const fields = text
    .slice(close + 2)
    .trim()
    .split(' ')
    .map(Number);
  // After the name come: state, ppid, ... with utime, stime, cutime and cstime at 11 to 14.
  const [, parent = Number.NaN] = fields;
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + field, 0);
  const pid = Number(text.slice(0, open));
  if (open < 0 || close < open || fields.length < 15 || !Number.isFinite(pid + parent + ticks))
    throw new RangeError('Cannot read /proc/<pid>/stat: not in the form of proc_pid_stat(5)');
  return { pid, parent, ticks };
}

/** A process and everything that descends from it. Throws when the process is not there. */
export function descent(processes: readonly ProcessStat[], root: number): readonly ProcessStat[] {
  const own = processes.find(({ pid }) => pid === root);
  if (own === undefined) throw new RangeError(`Cannot measure process ${root}: it has ended`);
  const children = processes.filter(({ parent }) => parent === root);
  return [own, ...children.flatMap(({ pid }) => descent(processes, pid))];
}

/** The numbers of a process and of everything that descends from it. */
export function processTree(pid: number): readonly number[] {
  return descent(runningProcesses(), pid).map((each) => each.pid);
}

/** Microseconds of CPU that a process and its descendants have used so far, to a hundredth of a second. */
export function cpuMicroseconds(pid: number): number {
  return descent(runningProcesses(), pid).reduce((sum, { ticks }) => sum + ticks, 0) * microsecondsPerTick;
}

function runningProcesses(): readonly ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [parseStat(readFileSync(`/proc/${name}/stat`, 'latin1'))];
      } catch (error) {
        if (error instanceof RangeError) throw error;
        return []; // it has just ended
      }
    });
}
