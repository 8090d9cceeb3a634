/**
 * Requests over TLS that each come on a connection of their own, with a full handshake, in a process of its own. Reads
 * a `ReconnectLoad` as JSON from standard input, writes a `Load`.
 *
 * @module
 */
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { type Load, loadOf } from './load.ts';
import { runProgram } from './programs.ts';

export interface ReconnectLoad {
  readonly port: number;
  readonly path: string;
  readonly cookie: string;
  /** At the same time. */
  readonly connections: number;
  readonly seconds: number;
}

/** Runs the generator. */
export async function reconnect(load: ReconnectLoad): Promise<Load> {
  const input = JSON.stringify(load);
  const timeoutMs = (load.seconds + 30) * 1_000;
  return JSON.parse(await runProgram(process.execPath, [import.meta.filename], { side: 'around', input, timeoutMs }));
}

async function generate({ port, path, cookie, connections, seconds }: ReconnectLoad): Promise<Load> {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`;
  const latencies: number[] = [];
  let failures = 0;

  const one = async (): Promise<void> => {
    const beganAt = performance.now();
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    await once(socket, 'secureConnect');
    if (socket.isSessionReused() || socket.getProtocol() !== 'TLSv1.3')
      throw new Error(`Cannot measure: not a full handshake of TLS 1.3 but ${socket.getProtocol()}`);
    socket.write(request);
    await once(socket, 'close');
    latencies.push(performance.now() - beganAt);
    if (!received.startsWith('HTTP/1.1 200 ')) failures++;
  };
  const startedAt = performance.now();
  const until = async (end: number): Promise<void> => {
    while (performance.now() < end) await one();
  };
  await Promise.all(Array.from({ length: connections }, () => until(startedAt + seconds * 1_000)));
  return loadOf(latencies, (performance.now() - startedAt) / 1_000, failures);
}

if (import.meta.main) console.log(JSON.stringify(await generate(JSON.parse(await text(process.stdin)))));
