import { join } from 'node:path';
import { type Load, parseWrk } from './load.ts';
import { runProgram } from './programs.ts';

export const wrkPath = '/usr/bin/wrk';

export interface WrkOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly headers?: readonly string[];
}

/** Full load by wrk with one thread, over connections that are kept. */
export async function wrk({ url, connections, seconds, headers = [] }: WrkOptions): Promise<Load> {
  const report = join(import.meta.dirname, 'wrk-report.lua');
  const fields = headers.flatMap((header) => ['-H', header]);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', report, ...fields, url];
  return parseWrk(await runProgram(wrkPath, args, { side: 'around', timeoutMs: (seconds + 20) * 1_000 }));
}
