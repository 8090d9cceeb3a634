/**
 * A light load generator in a process of its own: sends each token of a file once, as `Authorization: Negotiate`, over
 * connections that are kept, and comes back with the cookie as often as it is told. Reads a `TokenLoad` as JSON from
 * standard input, writes a `Load`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { KeptConnection } from './kept-connection.ts';
import { type Load, loadOf } from './load.ts';
import { runProgram } from './programs.ts';
import { cookiesOf } from './response.ts';

export interface TokenLoad {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  /** Default: GET. A POST has no body. */
  readonly method?: 'GET' | 'POST';
  readonly connections: number;
  /** Base64, one in each line. */
  readonly file: string;
  /** Which lines. */
  readonly from: number;
  readonly count: number;
  /** Further requests after each token: with the cookies that the answer has set, on the same connection. */
  readonly returns: number;
  /** Any other status is a failure. */
  readonly status: number;
}

/** Runs the generator. */
export async function sendTokens(load: TokenLoad): Promise<Load> {
  const input = JSON.stringify(load);
  return JSON.parse(
    await runProgram(process.execPath, [import.meta.filename], { side: 'around', input, timeoutMs: 120_000 }),
  );
}

async function generate({ port, host, path, connections, file, from, count, ...load }: TokenLoad): Promise<Load> {
  const { method = 'GET' } = load;
  const length = method === 'POST' ? 'Content-Length: 0\r\n' : '';
  const tokens = readFileSync(file, 'latin1')
    .trim()
    .split('\n')
    .slice(from, from + count);
  const request = (field: string): Buffer =>
    Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${length}${field}\r\n`, 'latin1');
  const wanted = `HTTP/1.1 ${load.status} `;
  const latencies: number[] = [];
  let failures = 0;
  let next = 0;

  const one = async (): Promise<void> => {
    const connection = await KeptConnection.open({ port });
    const ask = async (message: Buffer): Promise<string> => {
      const sentAt = performance.now();
      const answer = await connection.ask(message);
      latencies.push(performance.now() - sentAt);
      if (!answer.startsWith(wanted)) failures++;
      return answer;
    };
    for (let token = tokens[next++]; token !== undefined; token = tokens[next++]) {
      const cookies = cookiesOf(await ask(request(`Authorization: Negotiate ${token}\r\n`)));
      // Apache sets none: to it, the connection is the session.
      const again = request(cookies === '' ? '' : `Cookie: ${cookies}\r\n`);
      for (let i = 0; i < load.returns; i++) await ask(again);
    }
    connection.close();
  };

  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, one));
  return loadOf(latencies, (performance.now() - startedAt) / 1_000, failures);
}

if (import.meta.main) console.log(JSON.stringify(await generate(JSON.parse(await text(process.stdin)))));
