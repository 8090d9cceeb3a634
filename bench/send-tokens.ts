/**
 * A light load generator in a process of its own: sends each token of a file once, as `Authorization: Negotiate`, over
 * connections that are kept. Reads a `TokenLoad` as JSON from standard input, writes a `Load`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Load } from './load.ts';
import { runProgram } from './programs.ts';
import { endOfResponse } from './response-end.ts';
import { quantile } from './sample.ts';

export interface TokenLoad {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly connections: number;
  /** Base64, one in each line. */
  readonly file: string;
  /** Which lines. */
  readonly from: number;
  readonly count: number;
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

async function generate({ port, host, path, connections, file, from, count, status }: TokenLoad): Promise<Load> {
  const tokens = readFileSync(file, 'latin1')
    .trim()
    .split('\n')
    .slice(from, from + count);
  const requests = tokens.map((token) =>
    Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Negotiate ${token}\r\n\r\n`, 'latin1'),
  );
  const latencies: number[] = [];
  let failures = 0;
  let next = 0;
  const wanted = `HTTP/1.1 ${status} `;

  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      let received = '';
      let sentAt = 0;
      const send = (): void => {
        const request = requests[next++];
        if (request === undefined) {
          socket.off('close', lost);
          socket.destroy();
          return resolve();
        }
        received = '';
        sentAt = performance.now();
        socket.write(request);
      };
      const lost = (): void => reject(new Error('The server closed a connection that was to be kept'));
      socket.on('error', reject).on('close', lost).on('connect', send);
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        if (endOfResponse(received) === undefined) return;
        latencies.push(performance.now() - sentAt);
        if (!received.startsWith(wanted)) failures++;
        send();
      });
    });

  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, one));
  const seconds = (performance.now() - startedAt) / 1_000;
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    requests: latencies.length,
    seconds,
    failures,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}

if (import.meta.main) console.log(JSON.stringify(await generate(JSON.parse(await text(process.stdin)))));
