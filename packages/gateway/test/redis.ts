/**
 * A real redis-server for tests, on a socket in a directory of its own, keeping nothing on disk.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = ['/usr/bin/redis-server', '/usr/bin/valkey-server', '/usr/local/bin/redis-server'].find((path) =>
  existsSync(path),
);

/** For `skip`: false, or the reason with what to do about it. */
export const noRedis: string | false =
  program === undefined && 'redis-server is not installed: run "npm run lab:install" on Debian 12 as root';

export interface TestRedis {
  /** For `RedisOptions.url`. It stays the same over restarts. */
  readonly url: string;
  /** Kills it; what it knew is gone, unless `args` make it keep that. */
  kill(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
  /** While it is not running: takes away what it has kept. */
  empty(): void;
  /** Makes it hang, and lets it go on. */
  pause(): void;
  resume(): void;
  /** Kills it and removes its directory. */
  close(): Promise<void>;
}

/** Starts one. `args` are further arguments for `redis-server`; with `url`, they make it listen there too. */
export async function startRedis(args: readonly string[] = [], url?: string): Promise<TestRedis> {
  if (program === undefined) throw new Error('Cannot start Redis: it is not installed');
  const path = program;
  const folder = mkdtempSync(join(tmpdir(), 'cardea-redis-'));
  const socket = join(folder, 'redis.sock');
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = spawn(path, ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const started = child;
    let said = '';
    for (const output of [started.stdout, started.stderr])
      output?.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-1_000)));
    const end = Date.now() + 10_000;
    while (!(await accepts(socket))) {
      if (started.exitCode !== null || Date.now() > end) throw new Error(`Cannot start Redis: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 5)); // another program's socket: there is no event to wait for
    }
  }

  async function kill(): Promise<void> {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await ended;
    rmSync(socket, { force: true });
  }

  await start();
  process.once('exit', () => child?.kill('SIGKILL'));
  return {
    url: url ?? `unix:${socket}`,
    kill,
    start,
    empty: () => rmSync(join(folder, 'appendonlydir'), { recursive: true, force: true }),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    close: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
