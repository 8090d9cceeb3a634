import { afterFailure, type Candidate, choose, type Health, WELL, whileTrying } from './balance.ts';
import type { Upstream } from './exchange.ts';
import { Turn } from './turn.ts';
import type { Call, CallEvents, CallOptions } from './upstream.ts';
import { type Address, addressesOf } from './upstream-address.ts';
import { type Route, UpstreamCall } from './upstream-call.ts';
import { type Home, type Patience, UpstreamConnection } from './upstream-connection.ts';
import { UpstreamError } from './upstream-failure.ts';

/** Kept per address; what is beyond was opened for a peak. */
const MAX_IDLE = 256;

const SWEEP_MS = 250;

/** The connections to the upstreams of one engine. */
export class UpstreamPools {
  readonly #byUpstream = new WeakMap<Upstream, UpstreamPool>();
  /** Pools that have connections. */
  readonly #active = new Set<UpstreamPool>();
  readonly #sweepMs: number;
  readonly #turn: Turn;
  #timer: NodeJS.Timeout | undefined;

  /** Timeouts are kept to within `sweepMs`: late by so much at most, never early. */
  constructor({ sweepMs = SWEEP_MS, turn = new Turn() }: { readonly sweepMs?: number; readonly turn?: Turn } = {}) {
    this.#sweepMs = sweepMs;
    this.#turn = turn;
  }

  /**
   * Sends a request. `head` is the whole head, the empty line included, as latin1; that it is well-formed and says what
   * `options` say is the caller's duty. Throws on an origin that cannot be one.
   */
  call(upstream: Upstream, head: string, options: CallOptions, events: CallEvents): Call {
    let pool = this.#byUpstream.get(upstream);
    if (pool === undefined) {
      pool = new UpstreamPool(upstream, this.#turn);
      this.#byUpstream.set(upstream, pool);
    }
    this.#watch(pool);
    const call = new UpstreamCall(pool, head, options, events);
    call.start();
    return call;
  }

  /** Connections that are open now; those taken over by a tunnel do not count. */
  stats(): { readonly busy: number; readonly idle: number } {
    let busy = 0;
    let idle = 0;
    for (const pool of this.#active) {
      for (const home of pool.homes) {
        busy += home.busy;
        idle += home.idle;
      }
    }
    return { busy, idle };
  }

  /** Closes all connections; requests that are on them fail. */
  close(): void {
    for (const pool of this.#active) pool.close();
    this.#active.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #watch(pool: UpstreamPool): void {
    this.#active.add(pool);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#sweep(), this.#sweepMs);
    // Sockets keep a process alive; looking at them does not.
    this.#timer.unref();
  }

  #sweep(): void {
    const now = performance.now();
    for (const pool of this.#active) {
      pool.check(now);
      if (pool.empty) this.#active.delete(pool);
    }
    if (this.#active.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** The addresses of one upstream. */
class UpstreamPool implements Route {
  readonly homes: readonly AddressPool[];
  /** Which address is looked at first, so that equals take turns. */
  #turn = 0;
  /** What fails now is not tried again elsewhere. */
  #closing = false;

  constructor(upstream: Upstream, turn: Turn) {
    this.homes = addressesOf(upstream).map((address) => new AddressPool(address, upstream, turn));
  }

  get empty(): boolean {
    return this.homes.every(({ busy, idle }) => busy + idle === 0);
  }

  connection({ kept, upgrade, tried }: Parameters<Route['connection']>[0]): UpstreamConnection | undefined {
    if (this.#closing) return undefined;
    const now = performance.now();
    const [only] = this.homes;
    if (this.homes.length === 1 && tried.size === 0) return only?.take(kept, upgrade, now);
    const index = choose(this.homes, now, this.#turn++ % this.homes.length, tried);
    return index === undefined ? undefined : this.homes[index]?.take(kept, upgrade, now);
  }

  check(now: number): void {
    for (const home of this.homes) home.check(now);
  }

  close(): void {
    this.#closing = true;
    for (const home of this.homes) home.close();
    this.#closing = false;
  }
}

/** The connections to one address. */
class AddressPool implements Home, Candidate {
  readonly address: Address;
  readonly patience: Patience;
  readonly turn: Turn;
  health: Health = WELL;
  session: Buffer | undefined;
  busy = 0;
  /** Those that wait for the next request of the client that they are bound to. */
  #resting = 0;
  readonly #all = new Set<UpstreamConnection>();
  /** The last one used comes last, and is used first: the others may grow old and go. */
  readonly #idle: UpstreamConnection[] = [];

  constructor(address: Address, patience: Patience, turn: Turn) {
    this.address = address;
    this.patience = patience;
    this.turn = turn;
  }

  get idle(): number {
    return this.#idle.length + this.#resting;
  }

  take(kept: boolean, upgrade: boolean, now: number): UpstreamConnection {
    this.health = whileTrying(this.health, now, this.patience.connectTimeoutMs);
    const connection = (kept ? this.#idle.pop() : undefined) ?? new UpstreamConnection(this, upgrade, now);
    this.#all.add(connection);
    this.busy++;
    return connection;
  }

  opened(): void {
    this.health = WELL;
  }

  unreachable(): void {
    this.health = afterFailure(this.health, performance.now());
  }

  release(connection: UpstreamConnection): void {
    this.busy--;
    this.#idle.push(connection);
    if (this.#idle.length > MAX_IDLE) this.#idle[0]?.close();
  }

  rest(_connection: UpstreamConnection): void {
    this.busy--;
    this.#resting++;
  }

  resume(_connection: UpstreamConnection): void {
    this.busy++;
    this.#resting--;
  }

  gone(connection: UpstreamConnection, busy: boolean): void {
    this.#all.delete(connection);
    if (busy) this.busy--;
    else {
      const at = this.#idle.indexOf(connection);
      if (at !== -1) this.#idle.splice(at, 1);
      else this.#resting--;
    }
  }

  check(now: number): void {
    for (const connection of this.#all) connection.check(now);
  }

  close(): void {
    for (const connection of this.#all) connection.fail(new UpstreamError('reset', 'closed on our side'));
  }
}
