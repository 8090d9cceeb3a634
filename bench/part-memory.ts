/**
 * What a connection costs in memory that nothing happens on: kept by a client, or a WebSocket.
 *
 * @module
 */
import type { Memory } from './gateway-process.ts';
import { connectionsThatFit, openFilesLimit, residentBytes } from './memory.ts';
import { nginxPath } from './nginx.ts';
import { missingPrograms } from './programs.ts';
import { missingKinds, type ProxyKind, remarksOnMissing, startProxies } from './proxies.ts';
import type { RelayKind } from './relay-clients.ts';
import { startRelay } from './relay-process.ts';
import type { Comparison, Figure } from './report.ts';
import { sampleOf } from './sample.ts';
import { sessionCookie } from './session-gateway.ts';
import type { Part, Surroundings } from './surroundings.ts';
import { startWeighedGateway } from './weighed-gateway.ts';

/** Others whose memory is looked at. */
const kinds: readonly ProxyKind[] = ['nginx', 'haproxy'];
/** Opened before the first look: they pay for code, and for what is made once. */
const first = 200;

export const memoryPart: Part = {
  name: 'memory',
  summary: 'Memory of idle connections and WebSockets, beside nginx and HAProxy',
  missing: () => missingPrograms(nginxPath),
  run: async (surroundings) => [
    await weighed('kept', 'Idle connection after one request', surroundings),
    await weighed('websocket', 'Idle WebSocket after one message each way', surroundings),
  ],
};

/** Something that connections are opened through, and how much memory it has in use. */
interface Weighed {
  readonly what: string;
  readonly port: number;
  readonly cookie: string;
  readonly memory: () => Promise<Partial<Memory> & Pick<Memory, 'rss'>>;
  readonly stop: () => Promise<void>;
}

const parts = [
  ['rss', ''],
  ['heapUsed', ', JavaScript heap of that'],
] as const;

async function weighed(kind: RelayKind, title: string, surroundings: Surroundings): Promise<Comparison> {
  const { quick, say } = surroundings;
  const rounds = Math.min(surroundings.rounds, 3);
  const count = Math.min(quick ? 2_000 : 10_000, connectionsThatFit(openFilesLimit(), kind === 'kept' ? 1 : 2) - first);
  const measured = new Map<string, number[]>();
  for (let round = 1; round <= rounds; round++) {
    // In processes of their own: together they would have too many open files.
    const clients = await surroundings.started(startRelay());
    const upstream = await surroundings.started(startRelay());
    for (const start of starts(upstream.port, surroundings)) {
      const { what, port, cookie, memory, stop } = await start();
      await clients.open({ kind, port, cookie, count: first });
      const before = await memory();
      await clients.open({ kind, port, cookie, count });
      const after = await memory();
      await stop();
      for (const [key, name] of parts) {
        const [from, to] = [before[key], after[key]];
        if (from === undefined || to === undefined) continue;
        const each = (to - from) / count / 1024;
        say(`round ${round}: ${kind}: ${what}${name}: ${each.toFixed(1)} KiB`);
        measured.set(what + name, [...(measured.get(what + name) ?? []), each]);
      }
    }
    await clients.stop();
    await upstream.stop();
  }
  const figures: Figure[] = [...measured].map(([what, values]) => ({ what, cost: sampleOf(values) }));
  return {
    title: `${title}: memory of each of ${count}`,
    unit: 'KiB each',
    figures,
    remarks: [
      `Growth of resident memory from ${first} open ones to ${count} more; Cardea after a full collection. Each round is a process of its own. Socket buffers of the kernel are not in it.`,
      ...(count < 10_000 && !quick
        ? [`Not 10,000: each takes two of the ${openFilesLimit()} open files that a process may have here.`]
        : []),
      'nginx sets memory aside for every connection that it may ever have (worker_connections) when it starts; that is not in its figure.',
      ...remarksOnMissing(kinds),
    ],
  };
}

/** How each is started, one after the other: all at once would not have enough open files and ports. */
function starts(upstreamPort: number, surroundings: Surroundings): readonly (() => Promise<Weighed>)[] {
  const missing = missingKinds(kinds);
  const others = kinds
    .filter((kind) => !missing.includes(kind))
    .map((kind) => async () => {
      const [proxy] = await startProxies([kind], { upstreamPort, relays: true }, surroundings);
      if (proxy === undefined) throw new Error(`Cannot start ${kind}`);
      return { ...proxy, cookie: '', memory: async () => ({ rss: residentBytes(proxy.pid) }) };
    });
  const cardea = async (): Promise<Weighed> => {
    const gateway = await surroundings.started(startWeighedGateway(surroundings.folder(), upstreamPort));
    const cookie = await sessionCookie(`http://127.0.0.1:${gateway.port}`);
    return { ...gateway, what: 'Cardea, with a session', cookie };
  };
  return [...others, cardea];
}
