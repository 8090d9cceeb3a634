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
import { type Server, startProgram } from './programs.ts';
import type { ProxyOptions } from './proxy-options.ts';

const cardea = join(import.meta.dirname, '../packages/gateway/bin/cardea.mjs');

/**
 * `cardea serve` in a process of its own, with the sign-in methods and apps of this configuration. As in production,
 * but for the log of audit events on standard output, which only the database gets.
 */
export async function startCardea(
  folder: string,
  config: string,
  options: Pick<ProxyOptions, 'tls' | 'threads' | 'side'> = {},
): Promise<Server & { readonly grpc: number | undefined }> {
  const file = join(folder, 'cardea.yaml');
  writeFileSync(file, serverConfig(options) + config);
  const program = startProgram(process.execPath, [...profiling(), cardea, 'serve', file], {
    side: options.side ?? 'measured',
  });
  const said: string[] = [];
  const both = new PassThrough();
  program.child.stdout?.pipe(both, { end: false });
  program.child.stderr?.pipe(both, { end: false });
  void once(program.child, 'close').then(() => both.end());
  const lines = createInterface({ input: both });
  const [http = 0, grpc] = await new Promise<readonly number[]>((resolve, reject) => {
    lines.on('line', (line) => {
      if (said.length < 50) said.push(line);
      const found = /"addresses":\["([^\]]+)"\]/.exec(line)?.[1];
      if (found !== undefined) resolve(found.split('","').map((address) => Number(address.split(':').at(-1))));
    });
    lines.on('close', () => reject(new Error(`Cannot start Cardea:\n${said.join('\n')}`)));
  });
  return { ...program, port: http, grpc };
}

/** The sections of the configuration that say how Cardea runs, and nothing about people and apps. */
export function serverConfig({ tls, threads = 1 }: Pick<ProxyOptions, 'tls' | 'threads'> = {}): string {
  const secured = tls === undefined ? '' : `, tls: { cert: ${tls.cert}, key: ${tls.key} }`;
  return [
    `listen: { address: "127.0.0.1:0"${secured} }`,
    'admin: false',
    'state: ./state',
    'audit: { stdout: false }',
    `threads: ${threads}`,
    '',
  ].join('\n');
}

/** `CARDEA_BENCH_PROFILE=directory` writes V8's CPU profiles of the measured Node processes there. */
export function profiling(): readonly string[] {
  const directory = process.env['CARDEA_BENCH_PROFILE'];
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`];
}

/** A server of this folder in a process of its own, whose argument is the upstream's port. It prints its own port. */
export async function startBareNode(
  script: 'bare-node.ts' | 'bare-fetch.ts' | 'bare-sink.ts',
  { upstreamPort, side = 'measured' }: Partial<Pick<ProxyOptions, 'upstreamPort' | 'side'>> = {},
): Promise<Server> {
  const file = join(import.meta.dirname, script);
  const profile = side === 'measured' ? profiling() : [];
  const args = [...profile, file, ...(upstreamPort === undefined ? [] : [String(upstreamPort)])];
  const program = startProgram(process.execPath, args, { side });
  let complaints = '';
  program.child.stderr?.on('data', (chunk) => (complaints += String(chunk)));
  const port = await new Promise<number>((resolve, reject) => {
    program.child.stdout?.once('data', (chunk) => resolve(Number(String(chunk))));
    program.child.once('exit', () => reject(new Error(`Cannot start ${script}:\n${complaints}`)));
  });
  return { ...program, port };
}
