import http from 'node:http';
import type { Fields } from '../wire/fields.ts';
import type { Upstream } from '../wire/http.ts';
import { type Address, addressOf, connect, poolAgent } from './connect.ts';

/**
 * How long an unused connection is kept. Below the five seconds after which uvicorn and Node close theirs, so that a
 * request seldom meets a connection that is just being closed.
 */
const IDLE_MS = 4_000;

/** As much as we take from a client. More than Node's default, since apps answer with many cookies. */
const MAX_HEAD_BYTES = 64 * 1024;

/** The connections to one upstream. */
export class UpstreamPool {
  readonly origin: string;
  readonly responseTimeoutMs: number;
  readonly #address: Address;
  readonly #agent: http.Agent;

  constructor(upstream: Upstream) {
    this.origin = upstream.origin;
    this.responseTimeoutMs = upstream.responseTimeoutMs;
    this.#address = addressOf(upstream);
    this.#agent = poolAgent(this.#address, IDLE_MS);
  }

  /** Starts one request, on a kept connection if there is one, or with `fresh` on a new one that is not kept. */
  open(method: string, target: string, fields: Fields, fresh: boolean): http.ClientRequest {
    const address = this.#address;
    const common = {
      method,
      path: target,
      host: address.host,
      port: address.port,
      headers: fields,
      maxHeaderSize: MAX_HEAD_BYTES,
      insecureHTTPParser: false,
    };
    return fresh
      ? http.request({ ...common, createConnection: () => connect(address) })
      : http.request({ ...common, protocol: address.secure ? 'https:' : 'http:', agent: this.#agent });
  }

  /** Connections that are open now, busy and idle; those taken over by a tunnel do not count. */
  connections(): { readonly busy: number; readonly idle: number } {
    return { busy: count(this.#agent.sockets), idle: count(this.#agent.freeSockets) };
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The pools of one engine. */
export class UpstreamPools {
  readonly #byUpstream = new Map<Upstream, UpstreamPool>();

  /** The pool of this upstream, by the object's identity: no key has to be built per request. */
  of(upstream: Upstream): UpstreamPool {
    const known = this.#byUpstream.get(upstream);
    if (known !== undefined) return known;
    const pool = new UpstreamPool(upstream);
    this.#byUpstream.set(upstream, pool);
    return pool;
  }

  connections(): { readonly busy: number; readonly idle: number } {
    let busy = 0;
    let idle = 0;
    for (const pool of this.#byUpstream.values()) {
      const open = pool.connections();
      busy += open.busy;
      idle += open.idle;
    }
    return { busy, idle };
  }

  close(): void {
    for (const pool of this.#byUpstream.values()) pool.close();
    this.#byUpstream.clear();
  }
}

const count = (sockets: NodeJS.ReadOnlyDict<readonly unknown[]>): number =>
  Object.values(sockets).reduce((sum, list) => sum + (list?.length ?? 0), 0);
