import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Readable, Writable } from 'node:stream';
import { stateTables } from '../server/state-tables.ts';
import { openDatabase } from '../stores/database.ts';
import type { Terminal } from './command.ts';
import { runCli } from './run.ts';

/** A stream for tests that keeps what is written to it. */
export class Screen extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** What a command has said, and its exit status. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this folder, at a terminal that has nothing to say unless `world` says otherwise. */
export async function runIn(folder: string, argv: readonly string[], world: Partial<Terminal> = {}): Promise<Ran> {
  const [stdout, stderr] = [new Screen(), new Screen()];
  const stdin: Terminal['stdin'] = Readable.from([]);
  const terminal = { stdin, stdout, stderr, env: {}, cwd: folder, version: '1.2.3', now: Date.now, ...world };
  const status = await runCli(argv, { serve: async () => {}, terminal });
  return { status, stdout: stdout.text, stderr: stderr.text };
}

/** A folder with a configuration, and the database of a gateway that has run with it. */
export interface Place {
  readonly folder: string;
  readonly database: DatabaseSync;
  /** The audit events so far. */
  readonly audit: () => readonly Readonly<Record<string, unknown>>[];
}

/** Makes one below `root`; with `redisUrl`, the configuration has that Redis. */
export function makePlace(root: string, redisUrl?: string): Place {
  const folder = mkdtempSync(join(root, 'case-'));
  const redis = redisUrl === undefined ? {} : { redis: { url: redisUrl } };
  const app = { name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:3000', rules: [{ path: '/**', public: true }] };
  writeFileSync(join(folder, 'cardea.yaml'), JSON.stringify({ state: './state', apps: [app], ...redis }));
  const database = openDatabase(join(folder, 'state'), stateTables);
  return {
    folder,
    database,
    audit: () =>
      database
        .prepare('SELECT event FROM audit ORDER BY id')
        .all()
        .map(({ event }) => JSON.parse(String(event))),
  };
}
