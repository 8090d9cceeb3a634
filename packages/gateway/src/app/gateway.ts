/**
 * The composition root: the only folder that knows every adapter, reads the clock and
 * decides the order of starting and stopping.
 *
 * @module
 */
import { availableParallelism } from 'node:os';
import type { Writable } from 'node:stream';
import { startEngine } from '@cardea/http1';
import type { Logger } from 'pino';
import type { Loaded } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { AdminHandler, type AdminParts } from '../server/admin.ts';
import { countConnections, createMetrics, processRegistry } from '../server/metrics.ts';
import { adminExplain } from './admin-explain.ts';
import { Closers } from './closers.ts';
import { type Connections, startDataPlane } from './data-plane.ts';
import { openDirectory } from './directory.ts';
import { bindTo, engineLimits } from './listeners.ts';
import { standardLog, troubleLog } from './log.ts';
import { openProcessParts, type ProcessParts } from './process-parts.ts';
import { reader } from './read.ts';
import { canSharePorts } from './shared-port.ts';
import { Supervisor, type ThreadTuning } from './supervisor.ts';
import { adminUsage } from './usage.ts';

/** A gateway that is running. */
export interface Gateway {
  /** Where it listens, as `127.0.0.1:8080`, in the order of the configuration: for HTTP, then for gRPC. */
  readonly addresses: readonly string[];
  readonly adminAddress: string | undefined;
  /** Threads that serve. */
  readonly threads: number;
  connections(): Promise<Connections>;
  /** Looks now at the files that it takes anew while it runs (certificates, keytabs, the users file), on somebody's word that they are complete. */
  look(): Promise<void>;
  /** Resolves when it cannot go on serving, which the log explains; usually never. It is the caller's to `close` it then. */
  readonly failed: Promise<void>;
  /** Stops accepting, lets requests end within `graceMs`, ends sockets, writes what is buffered. Safe to call twice. */
  close(graceMs?: number): Promise<void>;
}

/** What a gateway gets from the process it runs in; tests bring their own. */
export interface Surroundings {
  /** A clock of one's own is for one thread: others could not read it. */
  readonly now?: () => number;
  /** Where audit events go as JSON lines, if the configuration asks for them. */
  readonly auditStream?: Writable;
  readonly log?: Logger;
  /** Default: tried out. */
  readonly canSharePorts?: (host: string) => Promise<boolean>;
  readonly threads?: ThreadTuning;
}

/** Starts everything that the configuration asks for. Whatever fails at the start is thrown, after the parts already started were closed. */
export async function startGateway(loaded: Loaded, surroundings: Surroundings = {}): Promise<Gateway> {
  const closers = new Closers();
  try {
    return await assemble(loaded, surroundings, closers);
  } catch (error) {
    // Why it could not start is what matters; that something could not be ended either would hide it.
    await closers.closeAll().catch(() => {});
    throw error;
  }
}

/** The part that serves, in one thread or in several. */
interface Serving {
  readonly addresses: readonly string[];
  readonly admin: Pick<AdminParts, 'metrics' | 'directory' | 'threads' | 'revocations'>;
  readonly failed: Promise<void>;
  connections(): Promise<Connections>;
  /** Looks now at the files that the threads have taken in. */
  look(): Promise<void>;
  /** Requests end within the grace. What is left ends by the closers. */
  drain(graceMs: number): Promise<void>;
}

/** What `startServing` and its two ways share. */
interface Start {
  readonly loaded: Loaded;
  readonly now: () => number;
  readonly log: Logger;
  readonly process: ProcessParts;
  readonly closers: Closers;
}

async function assemble(loaded: Loaded, surroundings: Surroundings, closers: Closers): Promise<Gateway> {
  const { config } = loaded;
  const { now = Date.now, log = standardLog(config.log.level), auditStream = process.stdout } = surroundings;
  const threads = await threadCount(config, surroundings, log);
  let onRotated = (): void => {};
  const parts = openProcessParts(loaded, { now, log, auditStream, onRotated: () => onRotated() }, closers);
  await parts.signing?.ready;
  const start: Start = { loaded, now, log, process: parts, closers };
  const serving =
    threads === 1
      ? await serveHere(start)
      : await serveInThreads(start, threads, surroundings.threads, (told) => (onRotated = told));

  let draining = false;
  const adminAddress = await startAdmin(start, {
    ...serving.admin,
    draining: () => draining,
    database: parts.database,
    explain: adminExplain(loaded, () => parts.users(), now),
    usage: adminUsage(loaded, parts.usage, now),
    ...(config.redis === false
      ? {}
      : { redis: { ping: () => parts.ping(), needed: config.session.store === 'redis' } }),
  });
  const { addresses, failed } = serving;
  log.info({ addresses, admin: adminAddress, threads }, 'Cardea is listening');

  async function close(graceMs: number): Promise<void> {
    draining = true;
    const counted = serving.connections();
    const drained = serving.drain(graceMs);
    log.info({ ...(await counted), graceMs }, 'Cardea is stopping; what is under way may finish');
    await drained;
    await closers.closeAll();
    log.info('Cardea has stopped');
  }
  let closing: Promise<void> | undefined;
  return {
    addresses,
    adminAddress,
    threads,
    failed,
    connections: () => serving.connections(),
    look: async () => {
      log.info(
        'Looks at certificates, keytabs and the users file; the configuration itself is read at the start alone',
      );
      await Promise.all([parts.watches.look(), serving.look()]);
    },
    close: (graceMs = 10_000) => (closing ??= close(graceMs)),
  };
}

/** How many threads serve: as configured, where threads can share a port. */
async function threadCount(config: Config, surroundings: Surroundings, log: Logger): Promise<number> {
  const wanted = config.threads === 'auto' ? availableParallelism() : config.threads;
  if (wanted === 1) return 1;
  if (surroundings.now !== undefined) throw new TypeError('A clock of its own needs a gateway with threads: 1');
  const shares = surroundings.canSharePorts ?? canSharePorts;
  const [listener] = config.listen;
  if (await shares(listener?.address.host ?? '127.0.0.1')) return wanted;
  // Whoever has left it to us gets what there is; whoever has asked for threads should know.
  const level = config.threads === 'auto' ? 'info' : 'warn';
  log[level]({ wanted }, 'Threads cannot share a port on this system: one thread serves');
  return 1;
}

async function serveHere({ loaded, now, log, process: { shared, ring, signing }, closers }: Start): Promise<Serving> {
  const metrics = createMetrics(processRegistry());
  const { registry } = metrics;
  const plane = await startDataPlane({ loaded, shared, ring, signing: signing?.ring, metrics, now, log }, closers);
  countConnections(registry, () => plane.connections().open);
  return {
    addresses: plane.addresses,
    admin: {
      metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
      directory: plane.directory,
      revocations: async () => plane.revocations(),
    },
    failed: new Promise(() => {}),
    connections: async () => plane.connections(),
    look: () => plane.look(),
    drain: (graceMs) => plane.drain(graceMs),
  };
}

async function serveInThreads(
  { loaded, now, log, process: { shared, ring, signing }, closers }: Start,
  threads: number,
  tuning: ThreadTuning | undefined,
  onRotated: (told: () => void) => void,
): Promise<Serving> {
  const { promise: failed, resolve: onGivenUp } = Promise.withResolvers<void>();
  const supervisor = new Supervisor({ loaded, threads, shared, ring, signing: signing?.ring, log, onGivenUp, tuning });
  closers.add(() => supervisor.stop(0));
  onRotated(() => supervisor.shareKeys());
  const addresses = await supervisor.start();
  // Of the main thread itself, for readiness checks only: its connection is made when it is first asked.
  const directory = openDirectory(loaded.config, reader(loaded), troubleLog(log), now);
  if (directory !== undefined) closers.add(() => directory.close());
  return {
    addresses,
    admin: {
      metrics: () => supervisor.metrics(),
      directory,
      threads: () => ({ running: supervisor.running(), wanted: threads }),
      revocations: () => supervisor.revocations(),
    },
    failed,
    connections: () => supervisor.connections(),
    look: () => supervisor.look(),
    drain: (graceMs) => supervisor.stop(graceMs),
  };
}

/** The second address, if there is to be one. */
async function startAdmin({ loaded, log, closers }: Start, parts: AdminParts): Promise<string | undefined> {
  const { config } = loaded;
  if (config.admin === false) return undefined;
  const options = { ...bindTo(config.admin.address), limits: engineLimits(config), onError: troubleLog(log) };
  const admin = await startEngine(options, new AdminHandler(parts));
  closers.add(() => admin.drain(0));
  return `${admin.address}:${admin.port}`;
}
