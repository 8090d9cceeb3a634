/**
 * A light load generator in a process of its own: questions over gRPC as Envoy asks them, each about another target, so many
 * under way at a time on a few connections. Reads a `CheckLoad` as JSON from standard input, writes a `Load`.
 *
 * @module
 */
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { serviceIn } from '../packages/gateway/src/server/grpc-library.ts';
import { type Load, loadOf } from './load.ts';
import { runProgram } from './programs.ts';

export interface CheckLoad {
  readonly port: number;
  readonly host: string;
  /** `Name: value`, in lower case. */
  readonly headers: readonly string[];
  readonly connections: number;
  readonly underWay: number;
  readonly seconds: number;
}

/** Runs the generator. */
export async function sendChecks(load: CheckLoad): Promise<Load> {
  const input = JSON.stringify(load);
  const timeoutMs = (load.seconds + 20) * 1_000;
  return JSON.parse(await runProgram(process.execPath, [import.meta.filename], { side: 'around', input, timeoutMs }));
}

const { Check: check } = serviceIn('ext_authz.proto', 'envoy.service.auth.v3.Authorization');

async function generate({ port, host, headers, connections, underWay, seconds }: CheckLoad): Promise<Load> {
  if (check === undefined) throw new TypeError('There is no Check');
  const fields = headers.map((line) => {
    const colon = line.indexOf(':');
    return { key: line.slice(0, colon).toLowerCase(), rawValue: Buffer.from(line.slice(colon + 1).trim(), 'latin1') };
  });
  const framed = (path: string): Buffer => {
    const pseudo = { ':method': 'GET', ':path': path, ':authority': host, ':scheme': 'http' };
    const own = Object.entries(pseudo).map(([key, value]) => ({ key, rawValue: Buffer.from(value) }));
    const http = { method: 'GET', path, host, headerMap: { headers: [...own, ...fields] } };
    const message = check.requestSerialize({ attributes: { request: { http } } });
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    return Buffer.concat([head, message]);
  };
  const latencies: number[] = [];
  let failures = 0;
  let next = 0;
  const endsAt = performance.now() + seconds * 1_000;

  const ask = (session: ClientHttp2Session): Promise<void> =>
    new Promise((resolve) => {
      const sentAt = performance.now();
      const stream = session.request({
        ':method': 'POST',
        ':path': check.path,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let received = Buffer.alloc(0);
      let status: unknown;
      stream.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
      stream.on('trailers', (trailers) => (status = trailers['grpc-status']));
      stream.on('error', () => {});
      stream.on('close', () => {
        latencies.push(performance.now() - sentAt);
        if (status !== '0' || !isYes(received)) failures++;
        resolve();
      });
      stream.end(framed(`/reports/${++next}?page=${next}`));
    });
  const isYes = (answer: Buffer): boolean => {
    const message: object = check.responseDeserialize(answer.subarray(5));
    return 'okResponse' in message;
  };

  const sessions = await Promise.all(
    Array.from({ length: connections }, async () => {
      const session = connect(`http://127.0.0.1:${port}`);
      await once(session, 'connect');
      return session;
    }),
  );
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: underWay }, async (_, i) => {
      const session = sessions[i % sessions.length];
      if (session === undefined) return;
      while (performance.now() < endsAt) await ask(session);
    }),
  );
  const took = (performance.now() - startedAt) / 1_000;
  for (const session of sessions) session.close();
  return loadOf(latencies, took, failures);
}

if (import.meta.main) console.log(JSON.stringify(await generate(JSON.parse(await text(process.stdin)))));
