/**
 * What a serving thread runs: a data plane of its own, on the same port as the others.
 * The main thread starts it (`supervisor.ts`) and answers what it asks.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { pino } from 'pino';
import { loadedFrom, type Snapshot } from '../config/snapshot.ts';
import { countConnections, createMetrics, threadRegistry } from '../server/metrics.ts';
import { keyFileLook } from '../stores/key-file.ts';
import { AddressCounts, type SharedCounts } from '../threads/address-counts.ts';
import { Channel } from '../threads/channel.ts';
import { KeyRing, type MasterKey } from '../tokens/key-ring.ts';
import type { SigningKey } from '../tokens/signing-key.ts';
import { SigningRing } from '../tokens/signing-ring.ts';
import { Closers } from './closers.ts';
import { logContract, type ServingThread, servingContract, sharedOver } from './contracts.ts';
import { type DataPlane, startDataPlane } from './data-plane.ts';
import { engineLimits } from './listeners.ts';
import { logFormat, troubleLog } from './log.ts';

/** What the main thread gives to a serving thread. */
export interface ThreadData {
  /** Counted from 0. */
  readonly place: number;
  readonly snapshot: Snapshot;
  readonly keys: readonly MasterKey[];
  /** The issuer's; `undefined` where there is no issuer. */
  readonly signingKeys: readonly SigningKey[] | undefined;
  readonly addresses: SharedCounts;
  /** Streams of people. */
  readonly people: SharedCounts;
  /** The ports that others listen on already, in the order of the listeners; `undefined` for the first thread. */
  readonly ports: readonly number[] | undefined;
}

if (parentPort === null) throw new Error('This module is for threads: start it by supervisor.ts');
const { place, snapshot, keys, signingKeys, addresses, people, ports }: ThreadData = workerData;
const name = String(place + 1);
const loaded = loadedFrom(snapshot);
const { config } = loaded;
const channel = new Channel(parentPort);

const desk = channel.use(logContract);
// When the main thread is gone there is nobody to tell, and this thread is about to end as well.
const log = pino(
  { ...logFormat(config.log.level), base: { thread: name } },
  { write: (line: string) => void desk.take(line).catch(() => {}) },
);
const onTrouble = troubleLog(log);
const closers = new Closers();
const ring = new KeyRing(keys, keyFileLook(config.state, onTrouble));
const signing = signingKeys && new SigningRing(signingKeys);
const metrics = createMetrics(threadRegistry(name));

const shared = sharedOver(channel, onTrouble);
closers.add(() => shared.audit.close());
closers.add(() => shared.usage.close());

const limit = engineLimits(config).connectionsPerAddress ?? Number.POSITIVE_INFINITY;
const counts = new AddressCounts(addresses, place, limit);
let plane: DataPlane | undefined;
countConnections(metrics.registry, () => plane?.connections().open ?? 0, name);

const serving: ServingThread = {
  async start() {
    plane = await startDataPlane(
      {
        loaded,
        shared,
        ring,
        signing,
        metrics,
        people: new AddressCounts(people, place, Number.POSITIVE_INFINITY),
        now: Date.now,
        log,
        engineOptions: (i) => {
          const port = ports?.[i];
          return { reusePort: true, addresses: counts, ...(port === undefined ? {} : { port }) };
        },
      },
      closers,
    );
    return plane.addresses;
  },
  connections: () => plane?.connections() ?? { open: 0, tunnels: 0, upstreamBusy: 0 },
  metrics: () => metrics.registry.getMetricsAsJSON(),
  revocations: () => plane?.revocations() ?? 'unknown',
  look: async () => plane?.look(),
  useKeys(changed, changedSigningKeys) {
    ring.replace(changed);
    if (changedSigningKeys !== undefined) signing?.replace(changedSigningKeys);
  },
  revoked: (entries, unwritten) => plane?.revoked(entries, unwritten),
  outdated: (subject, at) => plane?.outdated(subject, at),
  async finish(graceMs) {
    await plane?.drain(graceMs);
    await closers.closeAll();
  },
};
channel.offer(servingContract, serving);
