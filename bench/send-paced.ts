/**
 * Requests at a steady rate, whatever the server makes of them (an open loop), in a process of its own. Reads a
 * `PacedLoad` as JSON from standard input, writes a `Load`.
 *
 * A request that is due while all connections are busy waits for one, and its latency counts from when it was due.
 *
 * @module
 */
import { text } from 'node:stream/consumers';
import { KeptConnection } from './kept-connection.ts';
import { type Load, loadOf } from './load.ts';
import { atPace } from './pace.ts';
import { runProgram } from './programs.ts';

export interface PacedLoad {
  readonly port: number;
  readonly path: string;
  readonly cookie: string;
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
}

/** Runs the generator. */
export async function sendPaced(load: PacedLoad): Promise<Load> {
  const input = JSON.stringify(load);
  const timeoutMs = (load.seconds + 30) * 1_000;
  return JSON.parse(await runProgram(process.execPath, [import.meta.filename], { side: 'around', input, timeoutMs }));
}

async function generate({ port, path, cookie, connections, perSecond, seconds }: PacedLoad): Promise<Load> {
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie}\r\n\r\n`, 'latin1');
  const free = await Promise.all(Array.from({ length: connections }, () => KeptConnection.open({ port })));
  const all = [...free];
  const latencies: number[] = [];
  const waiting: number[] = [];
  const running = new Set<Promise<void>>();
  let failures = 0;

  const ask = async (connection: KeptConnection, dueAt: number): Promise<void> => {
    const answer = await connection.ask(request);
    latencies.push(performance.now() - dueAt);
    if (!answer.startsWith('HTTP/1.1 200 ')) failures++;
    const next = waiting.shift();
    if (next === undefined) free.push(connection);
    else await ask(connection, next);
  };
  const startedAt = performance.now();
  await atPace(perSecond, seconds, () => {
    const dueAt = performance.now();
    // The one that rests longest is next, so that all of them are used.
    const connection = free.shift();
    if (connection === undefined) return void waiting.push(dueAt);
    const asking = ask(connection, dueAt).finally(() => running.delete(asking));
    running.add(asking);
  });
  await Promise.all(running);
  const load = loadOf(latencies, (performance.now() - startedAt) / 1_000, failures);
  for (const connection of all) connection.close();
  return load;
}

if (import.meta.main) console.log(JSON.stringify(await generate(JSON.parse(await text(process.stdin)))));
