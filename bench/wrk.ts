import { join } from 'node:path';
import type { Side } from './cores.ts';
import { type Load, parseWrk } from './load.ts';
import { runProgram } from './programs.ts';

export const wrkPath = '/usr/bin/wrk';

export interface WrkOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly headers?: readonly string[];
  /** Posts a body of so many bytes; without it, requests are `GET`. */
  readonly upload?: number | undefined;
  /** Posts this JSON. */
  readonly json?: string;
  /** Each request asks about another target, as `wrk-questions.lua` has it. */
  readonly questions?: boolean;
  readonly threads?: number;
  readonly side?: Side;
}

/** Full load by wrk, over connections that are kept. */
export async function wrk(options: WrkOptions): Promise<Load> {
  const { url, connections, seconds, headers = [], upload, json, questions, threads = 1, side = 'around' } = options;
  const kind =
    questions === true ? 'questions' : json !== undefined ? 'json' : upload === undefined ? 'report' : 'upload';
  const argument = json ?? upload;
  const script = join(import.meta.dirname, `wrk-${kind}.lua`);
  const fields = headers.flatMap((header) => ['-H', header]);
  const shape = [`-t${threads}`, `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script];
  const args = [...shape, ...fields, url, ...(argument === undefined ? [] : ['--', String(argument)])];
  return parseWrk(await runProgram(wrkPath, args, { side, timeoutMs: (seconds + 20) * 1_000 }));
}
