/**
 * The HTTP engine: listens, reads requests strictly, asks a `Handler` for a verdict,
 * carries it out and reports how it ended.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type AddressCounter, AddressLimits } from './address-limits.ts';
import { dateLines } from './date-line.ts';
import { Deadlines } from './deadlines.ts';
import { type EngineContext, type EngineLimits, guarded, type OpenTunnel } from './engine-context.ts';
import type { Handler } from './exchange.ts';
import { ContentRoom } from './held-content.ts';
import { type ProxyRefusal, readProxiedAddress } from './proxied-address.ts';
import { ClientConnection } from './server-connection.ts';
import { type Certificate, Certificates } from './tls.ts';
import { Turn } from './turn.ts';
import { UpstreamPools } from './upstream-pool.ts';

export interface EngineOptions {
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Several: by the name that a client asks for; the first one is for all others. Without any: plain HTTP. */
  readonly tls?: Certificate | readonly Certificate[] | undefined;
  /** PEM of the authorities for clients: each client is asked for a certificate, and may go without. Only with `tls`. */
  readonly clientCa?: string | undefined;
  readonly limits: EngineLimits;
  /**
   * Who may connect, when that are load balancers alone: each of their connections must begin with a PROXY protocol
   * header, in which the client's address is. All others are closed: nobody can tell whom they speak for.
   */
  readonly proxyProtocol?: ((address: string) => boolean) | undefined;
  /** Told when a connection was closed because of `proxyProtocol`: its peer, and why. */
  readonly onProxyRefused?: ((address: string, reason: ProxyRefusal) => void) | undefined;
  /** Addresses to which `connectionsPerAddress` does not apply: many clients share them. */
  readonly uncounted?: ((address: string) => boolean) | undefined;
  /** Counts connections per address together with other engines; default: this engine counts its own. */
  readonly addresses?: AddressCounter | undefined;
  /** Several processes or threads may listen on the same port. */
  readonly reusePort?: boolean | undefined;
  /** For the log: a bug here or in the handler. Never what a client or an upstream can cause. */
  readonly onError: (detail: string, cause?: unknown) => void;
}

export interface Engine {
  readonly address: string;
  readonly port: number;
  connections(): { readonly open: number; readonly tunnels: number };
  /** Connections to the upstreams that are kept for requests; those of tunnels do not count. */
  upstreamConnections(): { readonly busy: number; readonly idle: number };
  /**
   * Stops: takes no more connections, closes unused ones, lets requests in progress finish with `Connection: close`.
   * Tunnels and whatever else is left after `graceMs` end by `shutdown`; both ends of a WebSocket are told with 1001, also
   * when there is no grace. Resolves when everything is closed.
   */
  drain(graceMs: number): Promise<void>;
  /**
   * New connections get these; those that are open keep theirs. `clientCa` takes the place of the one before, where clients are asked
   * for a certificate. Throws when one is unusable, and nothing changes.
   */
  replaceCertificate(certificate: Certificate | readonly Certificate[], clientCa?: string): void;
}

/** Idle time after which the operating system asks whether the other side is still there. */
const PROBE_MS = 30_000;
/** How long the two sides of a WebSocket may take to answer our Close. */
const CLOSING_MS = 1_000;
/** The same where there is no grace: long enough for the Close to leave, and for a peer that is awake to answer. */
const HASTY_CLOSING_MS = 100;

/** The code of a WebSocket Close (RFC 6455, 7.4.1). */
const GOING_AWAY = 1001;

/** Starts to listen. Rejects when the address cannot be had. */
export async function startEngine(options: EngineOptions, handler: Handler): Promise<Engine> {
  const engine = new HttpEngine(options, handler);
  try {
    await engine.listen();
  } catch (error) {
    engine.abandon();
    throw error;
  }
  return engine;
}

class HttpEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #context: EngineContext;
  readonly #server: Server;
  readonly #certificates: Certificates | undefined;
  readonly #deadlines: Deadlines;
  readonly #addresses: AddressCounter;
  /** With the address that counts it, once that is known and if one does. */
  readonly #sockets = new Map<Socket, string | undefined>();
  readonly #connections = new Set<ClientConnection>();
  #drained: Promise<void> | undefined;

  constructor(options: EngineOptions, handler: Handler) {
    const { limits, tls, clientCa, onError } = options;
    this.#options = options;
    this.#certificates = tls === undefined ? undefined : new Certificates(listed(tls), clientCa);
    this.#deadlines = new Deadlines(shortest(limits), () => performance.now());
    this.#addresses = options.addresses ?? new AddressLimits(limits.connectionsPerAddress ?? Number.POSITIVE_INFINITY);
    const turn = new Turn();
    this.#context = {
      handler: guarded(handler, onError),
      limits,
      pools: new UpstreamPools({ turn }),
      turn,
      contentRoom: new ContentRoom(limits.heldBytes ?? Number.POSITIVE_INFINITY),
      tunnels: new Set<OpenTunnel>(),
      dateLine: dateLines(() => Date.now()),
      draining: false,
      stopping: false,
      onError,
    };
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_MS },
      (socket) => this.#onConnection(socket),
    );
  }

  get address(): string {
    const bound = this.#server.address();
    return bound === null || typeof bound === 'string' ? '' : bound.address;
  }

  get port(): number {
    const bound = this.#server.address();
    return bound === null || typeof bound === 'string' ? 0 : bound.port;
  }

  listen(): Promise<void> {
    const { address: host, port, reusePort = false } = this.#options;
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      // The default of 511 connections waiting to be accepted is little for a burst of reconnecting clients.
      server.listen({ host, port, reusePort, backlog: 4_096 }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#context.onError('The listener failed', error));
        resolve();
      });
    });
  }

  /** Listening has failed. */
  abandon(): void {
    this.#deadlines.close();
    this.#context.pools.close();
  }

  connections(): { readonly open: number; readonly tunnels: number } {
    return { open: this.#sockets.size, tunnels: this.#context.tunnels.size };
  }

  upstreamConnections(): { readonly busy: number; readonly idle: number } {
    return this.#context.pools.stats();
  }

  drain(graceMs: number): Promise<void> {
    this.#drained ??= this.#drain(graceMs);
    return this.#drained;
  }

  replaceCertificate(certificate: Certificate | readonly Certificate[], clientCa?: string): void {
    if (this.#certificates === undefined) throw new TypeError('Cannot replace certificate: the listener has none');
    this.#certificates.replace(listed(certificate), clientCa);
  }

  async #drain(graceMs: number): Promise<void> {
    const context = this.#context;
    context.draining = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections) if (connection.idle) connection.cancel();
    let end: NodeJS.Timeout | undefined;
    const grace = setTimeout(() => {
      context.stopping = true;
      for (const connection of this.#connections) connection.cancel();
      if (context.tunnels.size === 0) return this.#cutAll();
      for (const tunnel of context.tunnels) tunnel.close(GOING_AWAY, 'shutdown');
      end = setTimeout(() => this.#cutAll(), graceMs > 0 ? CLOSING_MS : HASTY_CLOSING_MS);
    }, graceMs);
    await closed;
    clearTimeout(grace);
    clearTimeout(end);
    // The listener is closed a moment before its last connections say so.
    for (const socket of this.#sockets.keys()) await once(socket, 'close');
    this.#cutAll();
    this.#deadlines.close();
    context.pools.close();
  }

  #cutAll(): void {
    for (const tunnel of this.#context.tunnels) tunnel.destroy('shutdown');
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #onConnection(socket: Socket): void {
    // Without a listener an error would end the process.
    socket.on('error', ignore);
    // Reset before it was accepted, as load balancers do that only look whether the port is open.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const peer = plainAddress(socket.remoteAddress);
    this.#sockets.set(socket, undefined);
    socket.on('close', () => this.#closed(socket));
    const { proxyProtocol, onProxyRefused } = this.#options;
    if (proxyProtocol === undefined) return this.#admit(socket, peer);
    const refused = (reason: ProxyRefusal): void => {
      socket.destroy();
      onProxyRefused?.(peer, reason);
    };
    if (!proxyProtocol(peer)) return refused('peer-not-named');
    readProxiedAddress({
      socket,
      deadlines: this.#deadlines,
      limitMs: this.#context.limits.headTimeoutMs,
      refused,
      admit: (address = peer) => this.#admit(socket, address),
    });
  }

  #closed(socket: Socket): void {
    const address = this.#sockets.get(socket);
    this.#sockets.delete(socket);
    if (address !== undefined) this.#addresses.leave(address);
  }

  /** The client's address is known. */
  #admit(socket: Socket, remoteAddress: string): void {
    if (this.#options.uncounted?.(remoteAddress) !== true) {
      if (!this.#addresses.enter(remoteAddress)) return void socket.destroy();
      this.#sockets.set(socket, remoteAddress);
    }
    const certificates = this.#certificates;
    if (certificates === undefined) return this.#serve(socket, remoteAddress);
    const late = { check: (now: number): unknown => now >= deadline && socket.destroy() };
    const deadline = this.#deadlines.after(this.#context.limits.headTimeoutMs);
    this.#deadlines.timed.add(late);
    const known = (): boolean => this.#deadlines.timed.delete(late);
    socket.once('close', known);
    certificates.accept(socket, (secure) => {
      known();
      this.#serve(secure, remoteAddress);
    });
  }

  #serve(socket: Socket, remoteAddress: string): void {
    const connection = new ClientConnection(socket, {
      context: this.#context,
      connections: this.#connections,
      deadlines: this.#deadlines,
      remoteAddress,
      certificateHash: (secure) => this.#certificates?.hashOf(secure),
    });
    this.#connections.add(connection);
    // Reading was stopped behind a PROXY protocol header.
    if (socket.isPaused()) socket.resume();
  }
}

const ignore = (): void => {};

const listed = (tls: Certificate | readonly Certificate[]): readonly Certificate[] => ('cert' in tls ? [tls] : tls);

const shortest = ({ headTimeoutMs, idleTimeoutMs, bodyTimeoutMs, writeTimeoutMs }: EngineLimits): number =>
  Math.min(headTimeoutMs, idleTimeoutMs, bodyTimeoutMs ?? idleTimeoutMs, writeTimeoutMs ?? idleTimeoutMs);

/** An IPv4 address as such, also when an IPv6 socket took the connection (RFC 4291, 2.5.5.2). */
function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address);
  return mapped?.[1] ?? address;
}
