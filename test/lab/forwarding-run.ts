/**
 * The engine between bytes of a client and an upstream that keeps every byte: what is forwarded, and what is answered.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { canonicalHost } from '../../packages/gateway/src/wire/host.ts';
import { type Gate, rawUpstream, startGate, upstreamAt, type Wire } from '../../packages/http1/src/engine-testing.ts';
import type { RequestHead } from '../../packages/http1/src/exchange.ts';
import { type Fields, fieldValues } from '../../packages/http1/src/fields.ts';
import { RecordingUpstream, type Seen, type SeenRequest } from '../../packages/http1/test/recording-upstream.ts';

/** What the upstream got, for one input after the other. */
export interface Forwarded {
  /** By connection: the bytes, and what an independent reader finds in them. */
  readonly streams: readonly { readonly bytes: Buffer; readonly seen: Seen }[];
  /** Whole requests that were forwarded of each input. */
  readonly ofInput: readonly (readonly SeenRequest[])[];
}

/** Not forwarded, as by a gateway: what has no path or no host is nobody's. TRACE is answered by nginx itself. */
const ownAnswer = ({ method, target, fields }: RequestHead): boolean =>
  !target.startsWith('/') || method === 'TRACE' || !hasHost(fields);

/** There is a `Host` that the gateway takes for one. */
export const hasHost = (fields: Fields): boolean =>
  canonicalHost(fieldValues(fields, 'host')[0] ?? '').kind !== 'refused';

const refused = { kind: 'reply', reply: { status: 403, fields: [], body: '' } } as const;

/** Sends each input on a connection of its own; the upstream's connections are used for all of them. */
export async function forwardAll(inputs: readonly Buffer[]): Promise<Forwarded> {
  const upstream = new RecordingUpstream(
    ({ line }) => `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${line.startsWith('HEAD') ? '' : 'ok'}`,
  );
  const gate = await startGate({
    upstream: upstreamAt(await upstream.listen()),
    decide: (head, _client, forward) => (ownAnswer(head) ? refused : forward()),
  });
  const ofInput: SeenRequest[][] = [];
  for (const bytes of inputs) {
    const before = upstream.arrived.length;
    const client = await gate.connect();
    client.socket.write(bytes);
    await quiet(gate, client);
    client.socket.destroy();
    while (gate.engine.connections().open > 0) await turn();
    ofInput.push(upstream.arrived.slice(before));
  }
  assert.deepEqual(gate.errors, []);
  await gate.close();
  const { seen } = upstream;
  const streams = upstream.streams.map((text, i) => ({
    bytes: Buffer.from(text, 'latin1'),
    seen: seen[i] ?? { requests: [], doubt: undefined },
  }));
  await upstream.close();
  return { streams, ofInput };
}

/** What a client got. */
export interface Answered {
  readonly bytes: Buffer;
  /** The engine has ended the connection. */
  readonly closed: boolean;
}

/** Answers one request with this method by these bytes of an upstream, which then closes its connection. */
export async function answerAll(
  inputs: readonly { readonly bytes: Buffer; readonly method: string }[],
): Promise<readonly Answered[]> {
  const upstream = await rawUpstream();
  const gate = await startGate({ upstream: upstreamAt(upstream.origin) });
  const answers: Answered[] = [];
  for (const { bytes, method } of inputs) {
    const client = await gate.connect();
    client.head(`${method} / HTTP/1.1`, 'Host: a');
    const server = await upstream.next();
    await server.until('\r\n\r\n');
    server.socket.end(bytes);
    await gate.completion(answers.length + 1);
    await quiet(gate, client);
    answers.push({ bytes: Buffer.from(client.received, 'latin1'), closed: client.ended || client.closed });
    client.socket.destroy();
    server.socket.destroy();
  }
  assert.deepEqual(gate.errors, []);
  await gate.close();
  await upstream.close();
  return answers;
}

/**
 * Waits until the engine has done what can be done with what it was sent. It is in this process, and so is all it talks
 * to: when nothing moves for some turns of the event loop, it waits for more.
 */
async function quiet(gate: Gate, { socket }: Wire): Promise<void> {
  let before = '';
  for (let still = 0; still < 12 && !socket.readableEnded && !socket.destroyed; still++) {
    await turn();
    const { busy } = gate.engine.upstreamConnections();
    const now = [socket.bytesRead, socket.writableLength, busy, gate.heads.length, gate.completions.length].join();
    if (now !== before) still = 0;
    before = now;
  }
}
