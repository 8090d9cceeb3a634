/**
 * A real PostgreSQL for tests, in a directory of its own: a cluster that is made for the test and removed after it. It syncs nothing to disk: it
 * survives its own crash but no power cut. Debian's own cluster is left alone.
 *
 * @module
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from './ports.ts';

/** The newest that is installed. */
const programs = globSync('/usr/lib/postgresql/*/bin/postgres')
  .map((path) => join(path, '..'))
  .toSorted((a, b) => Number(a.split('/')[4]) - Number(b.split('/')[4]))
  .at(-1);

/** For `skip`: false, or the reason with what to do about it. */
export const noPostgres: string | false =
  (programs === undefined || !existsSync(join(programs, 'initdb'))) &&
  'PostgreSQL is not installed: run "npm run lab:install" on Debian 12 as root';

export interface LabPostgres {
  /** Where its socket is. The superuser `postgres` needs no password there. */
  readonly folder: string;
  /** On 127.0.0.1, where everybody needs one. It stays the same over restarts. */
  readonly port: number;
  /** Runs statements as the superuser, one or several at a time. */
  sql(statements: string, database?: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Makes an empty database that belongs to the role `cardea`, whose password is `cardea-password`. */
  freshDatabase(options?: string): Promise<string>;
  /** Ends it: at once, as a crash does, or such that what is under way is cancelled. */
  stop(how?: 'crash' | 'fast'): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
  /** Ends it and removes its directory. */
  close(): Promise<void>;
}

export interface LabPostgresOptions {
  /** PEM. With it, it speaks TLS, and plain text as well. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

const settings = [
  'fsync=off',
  'full_page_writes=off',
  'wal_level=minimal',
  'max_wal_senders=0',
  'autovacuum=off',
  'shared_buffers=16MB',
  'max_connections=40',
  'listen_addresses=127.0.0.1',
];

/** Makes one and starts it; it takes about two seconds. */
export async function startPostgres({ tls }: LabPostgresOptions = {}): Promise<LabPostgres> {
  if (programs === undefined) throw new Error('Cannot start PostgreSQL: it is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'cardea-postgres-'));
  const data = join(folder, 'data');
  const owner = ownerOf(folder);
  let child: ChildProcess | undefined;
  let port = 0;
  let databases = 0;

  function launch(
    program: string,
    args: readonly string[],
  ): { readonly child: ChildProcess; readonly said: () => string } {
    const launched = spawn(join(programs ?? '', program), args, {
      ...owner,
      cwd: folder,
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const output of [launched.stdout, launched.stderr])
      output?.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-4_000)));
    return { child: launched, said: () => said };
  }

  async function build(): Promise<void> {
    const form = ['-D', data, '--no-sync', '--no-instructions', '--encoding=UTF8', '--locale=C.UTF-8'];
    const auth = ['--auth-local=trust', '--auth-host=scram-sha-256', '--username=postgres'];
    const { child: made, said } = launch('initdb', [...form, ...auth]);
    const [status]: unknown[] = await once(made, 'close');
    if (status !== 0) throw new Error(`Cannot make a PostgreSQL cluster: ${said()}`);
    if (tls === undefined) return;
    for (const [name, text] of [['server.crt', tls.cert] as const, ['server.key', tls.key] as const]) {
      const path = join(data, name);
      writeFileSync(path, text, { mode: 0o600 });
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
    }
  }

  async function start(): Promise<void> {
    const wanted = [...settings, `port=${port}`, `unix_socket_directories=${folder}`];
    if (tls !== undefined) wanted.push('ssl=on');
    const { child: started, said } = launch('postgres', ['-D', data, ...wanted.flatMap((one) => ['-c', one])]);
    child = started;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    started.stderr?.on('data', () => {
      if (said().includes('database system is ready to accept connections')) resolve();
    });
    started.on('exit', () => reject(new Error(`Cannot start PostgreSQL: ${said()}`)));
    await promise;
  }

  async function stop(how: 'crash' | 'fast' = 'fast'): Promise<void> {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill(how === 'crash' ? 'SIGQUIT' : 'SIGINT');
    await ended;
  }

  async function sql(statements: string, database = 'postgres'): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const client = new Client({ host: folder, port, database, user: 'postgres', ssl: false });
    await client.connect();
    try {
      return (await client.query<Readonly<Record<string, unknown>>>(statements)).rows;
    } finally {
      await client.end();
    }
  }

  await build();
  for (let left = 3; child === undefined; left--) {
    port = await freePort();
    try {
      await start();
    } catch (error) {
      child = undefined;
      if (left === 0) throw error; // else somebody has taken the port meanwhile
    }
  }
  process.once('exit', () => child?.kill('SIGQUIT'));
  await sql(`CREATE ROLE cardea LOGIN PASSWORD 'cardea-password'`);
  return {
    folder,
    port,
    sql,
    async freshDatabase(options = '') {
      const name = `usage_${++databases}`;
      await sql(`CREATE DATABASE ${name} OWNER cardea ${options}`);
      return name;
    },
    stop,
    start,
    async close() {
      await stop('crash');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** It refuses to run as root: then it runs as Debian's user `postgres`, to whom the folder is given. */
function ownerOf(folder: string): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':').map(Number) ?? [];
  if (uid === undefined || gid === undefined) throw new Error('Cannot start PostgreSQL: there is no user postgres');
  chownSync(folder, uid, gid);
  chmodSync(folder, 0o700);
  return { uid, gid };
}
