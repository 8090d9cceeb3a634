/**
 * What flows for hours: messages of event streams and of WebSockets, many connections at a steady rate.
 *
 * @module
 */
import { compare } from './compare.ts';
import { nginxPath } from './nginx.ts';
import { missingPrograms } from './programs.ts';
import { cookieOf, type ProxyKind, remarksOnMissing, startProxies } from './proxies.ts';
import { startRelay } from './relay-process.ts';
import type { Comparison } from './report.ts';
import type { Part, Surroundings } from './surroundings.ts';

const kinds: readonly ProxyKind[] = ['nginx', 'haproxy', 'cardea'];

interface Case {
  readonly kind: 'events' | 'websocket';
  readonly title: string;
  readonly count: number;
  /** Over all connections. A message of a WebSocket is answered, so the proxy relays twice as many. */
  readonly perSecond: number;
  readonly relayedEach: number;
  readonly remark: string;
}

const events: Case = {
  kind: 'events',
  title: '500 event streams, 10,000 chunks of 103 bytes per second',
  count: 500,
  perSecond: 10_000,
  relayedEach: 1,
  remark: 'Latency is from the write of the upstream to the arrival at the client.',
};

const webSockets: Case = {
  kind: 'websocket',
  title: '200 WebSockets, 5,000 messages of 103 bytes per second each way',
  count: 200,
  perSecond: 5_000,
  relayedEach: 2,
  remark: 'Latency is there and back. Nobody looks into the messages; Cardea follows the frames, to close between two.',
};

export const streamsPart: Part = {
  name: 'streams',
  summary: 'Event streams through the proxy, beside nginx and HAProxy',
  missing: () => missingPrograms(nginxPath),
  run: async (surroundings) => [await relayed(events, surroundings)],
};

export const messagesPart: Part = {
  name: 'messages',
  summary: 'WebSocket messages through the proxy, beside nginx and HAProxy',
  missing: () => missingPrograms(nginxPath),
  run: async (surroundings) => [await relayed(webSockets, surroundings)],
};

async function relayed(
  { kind, title, count, perSecond, relayedEach, remark }: Case,
  surroundings: Surroundings,
): Promise<Comparison> {
  const relay = await surroundings.started(startRelay());
  const proxies = await startProxies(kinds, { upstreamPort: relay.port, relays: true }, surroundings);
  const cookie = await cookieOf(proxies);
  for (const { port } of proxies) await relay.open({ kind, port, cookie, count });
  const seconds = surroundings.quick ? 2 : 3;
  const contenders = proxies.map(({ what, pid, port }) => ({
    what,
    pid,
    load: async () => {
      const load = await relay.run({ kind, port, perSecond, seconds });
      return { ...load, requests: load.requests * relayedEach };
    },
  }));
  const figures = await compare(contenders, surroundings);
  await relay.stop(); // before the proxies, which would wait for these connections to end
  return {
    title,
    unit: 'CPU µs per message',
    figures,
    remarks: [
      `The connections stay open for all rounds of ${seconds} s; the rate is the same for everybody.`,
      remark,
      'nginx: proxy_buffering off; HAProxy: option http-no-delay. One core for the proxy; upstream and clients share the other.',
      ...remarksOnMissing(kinds),
    ],
  };
}
