/**
 * The real `cardea serve` as a process of its own, for tests of signals and exit statuses.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { until } from './harness.ts';

const command = join(import.meta.dirname, '../bin/cardea.mjs');
/** Kept from run to run: loading is most of what a short test waits for. */
const compiled = join(import.meta.dirname, '../../../node_modules/.cache/cardea-tests');

export interface CardeaProcess {
  readonly origin: string;
  readonly admin: string;
  readonly folder: string;
  /** Everything on standard error: the log. */
  readonly log: () => string;
  /** Everything on standard output: audit events. */
  readonly output: () => string;
  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGKILL' | 'SIGHUP'): void;
  /** The exit status, once it has ended. */
  readonly ended: Promise<number | null>;
  /** File descriptors and bytes of memory in use, and milliseconds of CPU time so far. Linux only. */
  usage(): { readonly files: number; readonly memory: number; readonly cpuMs: number };
  /** Ends it, whatever it is doing, and removes its files. */
  remove(): Promise<void>;
}

/**
 * Starts it with this configuration (`listen`, `admin` and `state` are added), and waits until it listens or has ended.
 * `folder`: that of one that has ended, to start on its state again.
 */
export async function startCardea(
  config: string,
  files: Readonly<Record<string, string>> = {},
  adminPort = 0,
  folder = mkdtempSync(join(tmpdir(), 'cardea-process-')),
): Promise<CardeaProcess> {
  const head = `listen: { address: "127.0.0.1:0" }\nadmin: { address: "127.0.0.1:${adminPort}" }\nstate: ./state\n`;
  writeFileSync(join(folder, 'cardea.yaml'), config.startsWith('listen:') ? config : head + config);
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, name), contents, { mode: 0o600 });
  }
  const child = spawn(process.execPath, [command, 'serve', 'cardea.yaml'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compiled },
  });
  const log = collect(child, 'stderr');
  const output = collect(child, 'stdout');
  const ended = once(child, 'exit').then(([status]: unknown[]) => (typeof status === 'number' ? status : null));
  let over = false;
  void ended.then(() => (over = true));
  const listening = (): { readonly addresses: readonly string[]; readonly admin?: string } | undefined => {
    const line = log()
      .split('\n')
      .find((one) => one.includes('"Cardea is listening"'));
    return line === undefined ? undefined : JSON.parse(line);
  };
  const listened = (): NonNullable<ReturnType<typeof listening>> => {
    const found = listening();
    if (found === undefined) throw new Error(`cardea has ended before it listened:\n${log()}`);
    return found;
  };
  await until(() => over || listening() !== undefined, 'cardea to listen', 30_000);
  const { pid } = child;
  return {
    get origin() {
      return `http://${listened().addresses[0]}`;
    },
    get admin() {
      return `http://${listened().admin}`;
    },
    folder,
    log,
    output,
    signal: (name) => void child.kill(name),
    ended,
    usage: () => ({
      files: readdirSync(`/proc/${pid}/fd`).length,
      memory: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024,
      cpuMs: cpuMsIn(readFileSync(`/proc/${pid}/stat`, 'latin1')),
    }),
    remove: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** utime and stime of proc(5), in hundredths of a second, counted behind the name, which may have spaces. */
function cpuMsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function collect(child: ChildProcess, name: 'stdout' | 'stderr'): () => string {
  let text = '';
  child[name]?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}
