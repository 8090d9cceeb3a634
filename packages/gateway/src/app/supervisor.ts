/**
 * Several threads that serve (`thread.ts`), and the main thread that looks after them: it
 * starts them, starts them again when they die, answers what they ask, and ends them in order.
 *
 * @module
 */
import { getHeapStatistics } from 'node:v8';
import type { Logger } from 'pino';
import { Counter, Gauge } from 'prom-client';
import { snapshotOf } from '../config/snapshot.ts';
import type { Loaded } from '../config/load.ts';
import type { Revocation, Revocations } from '../ports/revocations.ts';
import type { RevocationsState } from '../server/admin.ts';
import { processRegistry } from '../server/metrics.ts';
import { ThreadMetrics } from '../server/thread-metrics.ts';
import { forgetThread, sharedCounts } from '../threads/address-counts.ts';
import type { Remote } from '../threads/channel.ts';
import { Crew, type Member } from '../threads/crew.ts';
import { type RestartPolicy, usualRestarts } from '../threads/restarts.ts';
import { startThread, type Thread } from '../threads/thread.ts';
import { usualWatch, watch, type WatchdogTimes } from '../threads/watchdog.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import type { SigningRing } from '../tokens/signing-ring.ts';
import { logContract, offerShared, type ServingThread, servingContract } from './contracts.ts';
import type { Connections } from './data-plane.ts';
import { replayLine } from './log.ts';
import type { Shared } from './process-parts.ts';
import { tryListen } from './shared-port.ts';
import type { ThreadData } from './thread.ts';

export interface SupervisorParts {
  readonly loaded: Loaded;
  readonly threads: number;
  readonly shared: Shared;
  readonly ring: KeyRing;
  /** The issuer's keys, where there is an issuer. */
  readonly signing?: SigningRing | undefined;
  readonly log: Logger;
  /** Threads cannot be started any more: the process should end. */
  readonly onGivenUp: () => void;
  readonly tuning?: ThreadTuning | undefined;
}

/** For tests. */
export interface ThreadTuning {
  /** The module that threads run. */
  readonly entry?: URL;
  readonly heapMb?: number;
  readonly policy?: RestartPolicy;
  readonly watch?: WatchdogTimes;
  /** How long a thread that should have finished may still take. */
  readonly lateMs?: number;
}

/** A thread that serves. */
interface Server extends Member {
  readonly thread: Thread;
  readonly addresses: readonly string[];
  /** For questions that have to be answered soon. */
  readonly ask: Remote<ServingThread>;
}

/** For numbers, which a thread gives between two requests. */
const ANSWER_MS = 2_000;
/** Loading its modules takes a thread half a second; on a machine that is swamped, some more. */
const START_MS = 60_000;
/** After the grace: time to write what is buffered. */
const LATE_MS = 5_000;
/** A thread needs no less than this, however many there are. */
const LEAST_HEAP_MB = 512;

const entryModule = new URL('./thread.ts', import.meta.url);

/** Starts the threads and keeps them going. */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #crew: Crew<Server>;
  readonly #data: Omit<ThreadData, 'place' | 'keys' | 'signingKeys' | 'ports'>;
  readonly #metrics = new ThreadMetrics();
  readonly #registry = processRegistry();
  readonly #deaths: Counter;
  readonly #starting = new Set<Thread>();
  #addresses: readonly string[] | undefined;
  #stopping = false;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#data = {
      snapshot: snapshotOf(parts.loaded),
      addresses: sharedCounts(parts.threads),
      people: sharedCounts(parts.threads),
    };
    this.#crew = new Crew<Server>({
      size: parts.threads,
      start: (place) => this.#startServer(place),
      onDeath: (place, cause) => this.#onDeath(place, cause),
      onRestart: (place) => parts.log.info({ thread: String(place + 1) }, 'A thread serves again'),
      onFailedStart: (place, err) => parts.log.error({ thread: String(place + 1), err }, 'Cannot start a thread again'),
      onGivenUp: () => {
        parts.log.error('Threads cannot be started any more: Cardea ends, so that whoever runs it hears of it');
        parts.onGivenUp();
      },
      policy: parts.tuning?.policy ?? usualRestarts,
    });
    const registers = [this.#registry];
    const help = 'Threads that died and were started again';
    this.#deaths = new Counter({ name: 'cardea_thread_deaths_total', help, registers });
    const crew = this.#crew;
    const running = new Gauge({
      name: 'cardea_threads',
      help: 'Threads that serve requests',
      registers: [],
      collect() {
        this.set(crew.members().length);
      },
    });
    this.#registry.registerMetric(running);
  }

  /** Resolves with the addresses when all threads serve. Rejects, as `listen` does, when the ports cannot be had; then `stop`. */
  async start(): Promise<readonly string[]> {
    // Threads that share a port would share it with another Cardea as well.
    const { listen, forward_auth: askers } = this.#parts.loaded.config;
    for (const { address } of [...listen, ...askers.flatMap(({ grpc }) => grpc ?? [])])
      if (address.port !== 0) await tryListen({ host: address.host, port: address.port });
    await this.#crew.start();
    return this.#addresses ?? [];
  }

  running(): number {
    return this.#crew.members().length;
  }

  /** The sum over all threads; one that does not answer counts as nothing. */
  async connections(): Promise<Connections> {
    const answers = await this.#askAll((ask) => ask.connections());
    return answers.reduce(
      (sum, { answer }) => ({
        open: sum.open + answer.open,
        tunnels: sum.tunnels + answer.tunnels,
        upstreamBusy: sum.upstreamBusy + answer.upstreamBusy,
      }),
      { open: 0, tunnels: 0, upstreamBusy: 0 },
    );
  }

  /** The metrics of all threads as one; of a thread that does not answer, as they were when it last did. */
  async metrics(): Promise<{ readonly contentType: string; readonly text: string }> {
    for (const { place, answer } of await this.#askAll((ask) => ask.metrics())) this.#metrics.note(place, answer);
    return this.#metrics.with(this.#registry);
  }

  /** The worst of all threads that answer. */
  async revocations(): Promise<RevocationsState> {
    const found = new Set((await this.#askAll((ask) => ask.revocations())).map(({ answer }) => answer));
    return (['unknown', 'stale'] as const).find((state) => found.has(state)) ?? 'ok';
  }

  /** All threads look at the files that they have taken in. */
  async look(): Promise<void> {
    await this.#askAll((ask) => ask.look());
  }

  /** Tells all threads that the ring, or the issuer's, has other keys. */
  shareKeys(): void {
    for (const { member } of this.#crew.members()) this.#giveKeys(member);
  }

  /** Every thread finishes within `graceMs`; one that takes much longer is ended. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const stopped = this.#crew.stop();
    await Promise.all([...this.#starting].map((thread) => thread.terminate()));
    await stopped;
    await Promise.all(this.#crew.members().map(({ place, member }) => this.#finish(place, member, graceMs)));
  }

  async #startServer(place: number): Promise<Server> {
    const { shared, ring, signing, tuning, log, threads } = this.#parts;
    const ports = this.#addresses?.map(portOf);
    const data: ThreadData = { ...this.#data, place, keys: ring.keys, signingKeys: signing?.keys, ports };
    const heapMb = tuning?.heapMb ?? Math.max(LEAST_HEAP_MB, Math.floor(heapLimitMb() / threads));
    const entry = tuning?.entry ?? entryModule;
    const thread = startThread({ entry, data, name: `cardea-${place + 1}`, heapMb });
    const { channel, ended } = thread;
    const changes = { outdated: (subject: string, at: number) => this.#tellOutdated(subject, at) };
    offerShared(channel, { ...shared, revocations: this.#relayed(shared.revocations), changes });
    channel.offer(logContract, { take: (line) => replayLine(log, line) });
    this.#starting.add(thread);
    try {
      const addresses = await channel.use(servingContract, START_MS).start();
      if (this.#stopping) throw new Error('The gateway is stopping');
      this.#addresses ??= addresses;
      const server = { thread, ended, addresses, ask: channel.use(servingContract, ANSWER_MS) };
      this.#watch(thread);
      // They may have changed while it was starting.
      if (ring.keys !== data.keys || signing?.keys !== data.signingKeys) this.#giveKeys(server);
      return server;
    } catch (error) {
      await thread.terminate();
      throw error;
    } finally {
      this.#starting.delete(thread);
    }
  }

  #watch(thread: Thread): void {
    const times = this.#parts.tuning?.watch ?? usualWatch;
    const unwatch = watch(
      {
        ask: (limitMs) => thread.channel.use(servingContract, limitMs).connections(),
        onHang: () => void thread.terminate(`it has not answered for ${times.patienceMs} ms`),
      },
      times,
    );
    void thread.ended.then(unwatch);
  }

  #onDeath(place: number, cause: string): void {
    this.#parts.log.error({ thread: String(place + 1), cause }, 'A thread has died; it is started again');
    this.#deaths.inc();
    this.#metrics.depart(place);
    forgetThread(this.#data.addresses, place);
    forgetThread(this.#data.people, place);
  }

  /** As the shared list, and all threads know at once what one of them revokes, also while the store cannot be told. */
  #relayed(store: Revocations): Revocations {
    const tell = (entries: readonly Revocation[], unwritten: boolean): void => {
      // One that dies starts with the list as the store has it, and does not serve before.
      for (const { member } of this.#crew.members()) member.ask.revoked(entries, unwritten).catch(() => {});
    };
    return {
      changes: (cursor) => store.changes(cursor),
      async add(entries) {
        tell(entries, false);
        try {
          await store.add(entries);
        } catch (error) {
          tell(entries, true);
          throw error;
        }
      },
      close: () => store.close(),
    };
  }

  /** One that does not answer does not hold up the others; one that dies starts without any memory. */
  async #tellOutdated(subject: string, at: number): Promise<void> {
    await Promise.all(this.#crew.members().map(({ member }) => member.ask.outdated(subject, at).catch(() => {})));
  }

  #giveKeys({ ask }: Server): void {
    // One that is too busy to answer gets the message nevertheless; one that dies starts with the new keys.
    const { ring, signing } = this.#parts;
    ask.useKeys(ring.keys, signing?.keys).catch(() => {});
  }

  async #finish(place: number, { thread }: Server, graceMs: number): Promise<void> {
    const lateMs = this.#parts.tuning?.lateMs ?? LATE_MS;
    try {
      await thread.channel.use(servingContract, graceMs + lateMs).finish(graceMs);
    } catch (err) {
      this.#parts.log.error({ thread: String(place + 1), err }, 'A thread has not finished in order; it was ended');
    }
    await thread.terminate();
  }

  async #askAll<T>(
    question: (ask: Remote<ServingThread>) => Promise<T>,
  ): Promise<readonly { readonly place: number; readonly answer: T }[]> {
    const asked = this.#crew.members().map(async ({ place, member }) => {
      try {
        return [{ place, answer: await question(member.ask) }];
      } catch {
        return [];
      }
    });
    return (await Promise.all(asked)).flat();
  }
}

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

const heapLimitMb = (): number => getHeapStatistics().heap_size_limit / 1024 / 1024;
