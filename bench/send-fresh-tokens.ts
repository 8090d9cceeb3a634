/**
 * Programs that each ask for a token on a connection of their own, in a process of its own: sends each Kerberos token of a
 * file once. Reads a `FreshTokenLoad` as JSON from standard input, writes a `Load`. A latency is all that a program waits for:
 * the connection, the handshake with `tls`, the answer.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { KeptConnection } from './kept-connection.ts';
import { type Load, loadOf } from './load.ts';
import { atPace } from './pace.ts';
import { runProgram } from './programs.ts';

export interface FreshTokenLoad {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  /** A full handshake of TLS 1.3 for each. */
  readonly tls: boolean;
  /** Base64, one in each line. */
  readonly file: string;
  /** Which lines. */
  readonly from: number;
  readonly count: number;
  readonly rhythm: Rhythm;
}

export type Rhythm =
  /** So many each second, whatever the server makes of them. A latency counts from when the request was due. */
  | { readonly kind: 'steady'; readonly perSecond: number }
  /** So many at the same moment; when all have their answers, after a rest, the next ones. */
  | { readonly kind: 'at-once'; readonly clients: number }
  /** So many clients, each of which asks again when it has its answer. */
  | { readonly kind: 'without-pause'; readonly clients: number };

const restMs = 100;

/** Runs the generator. */
export async function sendFreshTokens(load: FreshTokenLoad): Promise<Load> {
  const input = JSON.stringify(load);
  return JSON.parse(
    await runProgram(process.execPath, [import.meta.filename], { side: 'around', input, timeoutMs: 120_000 }),
  );
}

async function generate({ port, host, path, file, from, count, rhythm, ...load }: FreshTokenLoad): Promise<Load> {
  const tokens = readFileSync(file, 'latin1')
    .trim()
    .split('\n')
    .slice(from, from + count);
  // Made once: reading the authorities of the system for each connection would cost more than the handshake.
  const secure = load.tls ? { secureContext: createSecureContext({ minVersion: 'TLSv1.3' }) } : {};
  const latencies: number[] = [];
  let failures = 0;

  const ask = async (token: string, dueAt = performance.now()): Promise<void> => {
    const connection = await KeptConnection.open({ port, ...secure });
    const field = `Authorization: Negotiate ${token}\r\n`;
    const answer = await connection.ask(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n${field}\r\n`);
    latencies.push(performance.now() - dueAt);
    if (!answer.startsWith('HTTP/1.1 200 ')) failures++;
    connection.close();
  };

  const startedAt = performance.now();
  switch (rhythm.kind) {
    case 'steady': {
      const running: Promise<void>[] = [];
      const waiting = tokens.values();
      await atPace(rhythm.perSecond, count / rhythm.perSecond, () => {
        const { value } = waiting.next();
        const dueAt = startedAt + ((running.length + 1) * 1_000) / rhythm.perSecond;
        if (value !== undefined) running.push(ask(value, dueAt));
      });
      await Promise.all(running);
      break;
    }
    case 'at-once':
      for (let i = 0; i < tokens.length; i += rhythm.clients) {
        await Promise.all(tokens.slice(i, i + rhythm.clients).map((token) => ask(token)));
        await wait(restMs);
      }
      break;
    case 'without-pause': {
      const waiting = tokens.values();
      const client = async (): Promise<void> => {
        for (const token of waiting) await ask(token);
      };
      await Promise.all(Array.from({ length: rhythm.clients }, client));
    }
  }
  return loadOf(latencies, (performance.now() - startedAt) / 1_000, failures);
}

if (import.meta.main) console.log(JSON.stringify(await generate(JSON.parse(await text(process.stdin)))));
