/**
 * The real curl, signed in to the lab's domain.
 *
 * As a command: `node lab/curl.ts USER URL [more curl arguments]`.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { users } from './domain.ts';
import { environment } from './files.ts';
import { startLab } from './lab.ts';
import { run } from './processes.ts';
import { kinit } from './tokens.ts';

export interface CurlRequest {
  readonly url: string;
  /** Credential cache of `kinit`; without one, curl has no ticket. */
  readonly ccache?: string;
  /** Where every host name of the lab is: the server's address. */
  readonly connectTo?: string;
  readonly headers?: readonly string[];
  /** Further arguments, such as `--data-binary @file`. */
  readonly args?: readonly string[];
}

export interface CurlResponse {
  readonly status: number;
  /** Of the last response; names in lower case, several values in the order that they came in. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** One request by `curl --negotiate`. The host name in the URL is resolved to `connectTo` (127.0.0.1). */
export async function curl(request: CurlRequest): Promise<CurlResponse> {
  // Not %{header_json}: curl 7.88 leaves out whatever stands between two fields of one name.
  const args = [
    '-sS',
    '--max-time',
    '30',
    ...resolve(request.url, request.connectTo),
    '-D',
    '-',
    '-w',
    '\n%{size_header}',
  ];
  const headers = (request.headers ?? []).flatMap((header) => ['-H', header]);
  const all = [...args, ...negotiate, ...headers, ...(request.args ?? []), request.url];
  const env = { KRB5CCNAME: `FILE:${request.ccache ?? '/nonexistent'}` };
  const output = Buffer.from(await run('/usr/bin/curl', all, { env }));
  const end = output.lastIndexOf('\n');
  const headEnd = Number(output.subarray(end + 1));
  return { ...readHeads(output.toString('utf8', 0, headEnd)), body: output.toString('utf8', headEnd, end) };
}

/** The last of the response heads: before it come those of `100 Continue` and of 401s that curl has answered. */
function readHeads(text: string): Omit<CurlResponse, 'body'> {
  const [statusLine = '', ...lines] = text.trimEnd().split('\r\n\r\n').at(-1)?.split('\r\n') ?? [];
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase();
    const values = headers.get(name) ?? [];
    headers.set(name, [...values, line.slice(name.length + 1).trim()]);
  }
  return { status: Number(statusLine.split(' ')[1]), headers };
}

const negotiate: readonly string[] = ['--negotiate', '-u', ':'];

/** Arguments that send curl to the server's address, whatever name the URL has. */
function resolve(url: string, address = '127.0.0.1'): readonly string[] {
  const { hostname, port, protocol } = new URL(url);
  return ['--resolve', `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}:${address}`];
}

/** `node lab/curl.ts USER URL [more curl arguments]`: curl as a person of the domain, straight to the terminal. */
async function main([user, url, ...more]: readonly string[]): Promise<number> {
  if (user === undefined || url === undefined || !URL.canParse(url)) {
    console.error(`Usage: node lab/curl.ts USER URL [more curl arguments]
USER is one of ${users.map(({ name }) => name).join(', ')}, or "-" for nobody.`);
    return 2;
  }
  await startLab((line) => console.error(`[lab] ${line}`));
  const ccache = user === '-' ? undefined : await kinit(user);
  try {
    const env = environment({ KRB5CCNAME: `FILE:${ccache ?? '/nonexistent'}` });
    const args = ['-sS', '-i', '--max-time', '30', ...resolve(url), ...negotiate, ...more, url];
    const child = spawn('/usr/bin/curl', args, { env, stdio: 'inherit' });
    const [status]: (number | null)[] = await once(child, 'exit');
    return status ?? 1;
  } finally {
    if (ccache !== undefined) rmSync(ccache, { force: true });
  }
}

if (import.meta.main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
