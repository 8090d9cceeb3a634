/**
 * The Node servers that are measured, each in a process of its own.
 *
 * @module
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { type Program, startProgram } from './programs.ts';

const script = join(import.meta.dirname, '../packages/gateway/bin/cardea.mjs');

export interface MeasuredServer extends Program {
  readonly port: number;
}

/**
 * `cardea serve` in a process of its own, with the sign-in methods and apps of this configuration. As in production,
 * but for the log of audit events on standard output, which only the database gets.
 */
export async function startCardea(folder: string, config: string): Promise<MeasuredServer> {
  const file = join(folder, 'cardea.yaml');
  const common = 'listen: { address: "127.0.0.1:0" }\nadmin: false\nstate: ./state\naudit: { stdout: false }\n';
  writeFileSync(file, common + config);
  const program = startProgram(process.execPath, [...profiling(), script, 'serve', file], { side: 'measured' });
  const said: string[] = [];
  const both = new PassThrough();
  program.child.stdout?.pipe(both, { end: false });
  program.child.stderr?.pipe(both, { end: false });
  void once(program.child, 'close').then(() => both.end());
  const lines = createInterface({ input: both });
  const port = await new Promise<number>((resolve, reject) => {
    lines.on('line', (line) => {
      if (said.length < 50) said.push(line);
      const found = /"addresses":\["127\.0\.0\.1:(\d+)"\]/.exec(line)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    lines.on('close', () => reject(new Error(`Cannot start Cardea:\n${said.join('\n')}`)));
  });
  return { ...program, port };
}

/** `CARDEA_BENCH_PROFILE=directory` writes V8's CPU profiles of the measured Node processes there. */
export function profiling(): readonly string[] {
  const directory = process.env['CARDEA_BENCH_PROFILE'];
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`];
}

/** `bare-node.ts` in a process of its own: a proxy to that port, or without one a server. */
export async function startBareNode(upstreamPort?: number): Promise<MeasuredServer> {
  const bare = join(import.meta.dirname, 'bare-node.ts');
  const args = [...profiling(), bare, ...(upstreamPort === undefined ? [] : [String(upstreamPort)])];
  const program = startProgram(process.execPath, args, { side: 'measured' });
  let complaints = '';
  program.child.stderr?.on('data', (chunk) => (complaints += String(chunk)));
  const port = await new Promise<number>((resolve, reject) => {
    program.child.stdout?.once('data', (chunk) => resolve(Number(String(chunk))));
    program.child.once('exit', () => reject(new Error(`Cannot start a bare node:http server:\n${complaints}`)));
  });
  return { ...program, port };
}
