/**
 * Where and with what was measured.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  /** Programs that ran during the last minute, on average; of others, when nothing was measured before. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

const programs: readonly (readonly [name: string, program: string, ...args: string[]])[] = [
  ['nginx', '/usr/sbin/nginx', '-v'],
  ['HAProxy', '/usr/sbin/haproxy', '-v'],
  ['Caddy', '/usr/bin/caddy', 'version'],
  ['Apache', '/usr/sbin/apache2', '-v'],
  ['wrk', '/usr/bin/wrk', '-v'],
  ['MIT Kerberos', '/usr/bin/klist', '-V'],
  ['Linux', '/usr/bin/uname', '-r'],
];

/** Looks at the machine and asks the programs for their versions. */
export function describeMachine(now: Date): Machine {
  const versions: Record<string, string> = { Node: process.versions.node };
  for (const [name, program, ...args] of programs) {
    const { stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 5_000 });
    const version = /\d+(?:\.\d+)+/.exec(`${stdout}${stderr}`)?.[0];
    if (error === undefined && version !== undefined) versions[name] = version;
  }
  const [load = Number.NaN] = loadavg();
  const [{ model: cpu } = { model: 'unknown' }, ...others] = cpus();
  return { date: now.toISOString().slice(0, 10), cpu: cpu.trim(), cores: others.length + 1, load, versions };
}

/** One paragraph for people. */
export function formatMachine({ date, cpu, cores, load, versions }: Machine): string {
  const with_ = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const lines = [`${date}, ${cpu}, ${cores} cores, load ${load.toFixed(2)} at the start`, with_.join(', ')];
  if (load > 0.5)
    lines.push('Other programs are running: CPU times then are higher, and rates and latencies say little.');
  return `${lines.join('\n')}\n`;
}
