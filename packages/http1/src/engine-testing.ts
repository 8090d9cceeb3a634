/**
 * What the engine's tests share: an engine with a handler that forwards everything,
 * and clients and upstreams whose every byte is the test's own.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach } from 'node:test';
import tls from 'node:tls';
import type {
  Client,
  Completion,
  Forward,
  Handler,
  Reply,
  RequestHead,
  Upstream,
  UpstreamFailure,
  Verdict,
} from './exchange.ts';
import { type Engine, type EngineOptions, startEngine } from './server.ts';
import type { Certificate } from './tls.ts';
import type { EngineLimits } from './engine-context.ts';
import { passableTrailers } from './trailers.ts';

/** One end of a TCP connection that keeps all it receives, as latin1. */
export class Wire {
  readonly socket: net.Socket;
  readonly #changed = new Set<() => void>();
  received = '';
  ended = false;
  closed = false;
  /** The connection ended by a reset or another error. */
  error: (Error & { code?: string }) | undefined;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    const change = (): void => {
      for (const wake of this.#changed) wake();
    };
    socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
      change();
    });
    socket.on('end', () => {
      this.ended = true;
      change();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
      change();
    });
  }

  send(...lines: readonly string[]): this {
    this.socket.write(lines.join('\r\n'), 'latin1');
    return this;
  }

  /** Sends a request or response head; the empty line is added. */
  head(...lines: readonly string[]): this {
    return this.send(...lines, '', '');
  }

  /** Waits until all of these texts have come, in this order. Rejects when the other side ends before. */
  async until(...texts: readonly string[]): Promise<string> {
    await this.when(() => this.ended || this.closed || this.#contains(texts));
    if (!this.#contains(texts))
      throw new Error(`Closed without ${JSON.stringify(texts)}: ${JSON.stringify(this.received)}`);
    return this.received;
  }

  /** Waits until the other side has ended or cut the connection; gives all that came. */
  async end(): Promise<string> {
    await this.when(() => this.ended || this.closed);
    return this.received;
  }

  async when(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#changed.delete(wake);
          resolve();
        };
        this.#changed.add(wake);
      });
    }
  }

  #contains(texts: readonly string[]): boolean {
    let at = 0;
    for (const text of texts) {
      const found = this.received.indexOf(text, at);
      if (found < 0) return false;
      at = found + text.length;
    }
    return true;
  }
}

/** An upstream that says only what the test lets it say. */
export class RawUpstream {
  readonly connections: Wire[] = [];
  readonly #server: net.Server;
  readonly #arrived: ((wire: Wire) => void)[] = [];
  #taken = 0;

  constructor(server: net.Server) {
    this.#server = server;
    server.on('connection', (socket: net.Socket) => {
      const wire = new Wire(socket);
      this.connections.push(wire);
      this.#arrived.shift()?.(wire);
    });
  }

  get origin(): string {
    return `http://127.0.0.1:${portOf(this.#server)}`;
  }

  /** The next connection that is or will be made. */
  next(): Promise<Wire> {
    const wire = this.connections[this.#taken++];
    return wire === undefined ? new Promise((resolve) => this.#arrived.push(resolve)) : Promise.resolve(wire);
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** An upstream of bare sockets, for tests where the bytes matter. */
export async function rawUpstream(): Promise<RawUpstream> {
  const server = net.createServer({ allowHalfOpen: true });
  const upstream = new RawUpstream(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return upstream;
}

/** An `Upstream` for an origin, with the usual times. */
export function upstreamAt(origin: string, rest: Partial<Upstream> = {}): Upstream {
  return { origin, ca: undefined, connectTimeoutMs: 2_000, responseTimeoutMs: 2_000, ...rest };
}

export interface GateOptions {
  readonly upstream: Upstream;
  readonly tls?: Certificate | readonly Certificate[];
  readonly address?: string;
  readonly port?: number;
  readonly proxyProtocol?: EngineOptions['proxyProtocol'];
  readonly onProxyRefused?: EngineOptions['onProxyRefused'];
  readonly uncounted?: EngineOptions['uncounted'];
  readonly limits?: Partial<EngineLimits>;
  /** Instead of forwarding. */
  readonly decide?: (head: RequestHead, client: Client, forward: () => Forward) => Verdict | Promise<Verdict>;
  readonly forward?: Partial<Forward>;
}

/** An engine under test, with what it reported. */
export class Gate {
  readonly engine: Engine;
  readonly heads: RequestHead[] = [];
  readonly completions: Completion[] = [];
  readonly failures: UpstreamFailure[] = [];
  readonly errors: unknown[] = [];
  readonly clients: Wire[] = [];
  /** Verdicts that must be reported, each once. */
  forwards = 0;
  readonly #completed: (() => void)[] = [];

  constructor(engine: Engine) {
    this.engine = engine;
  }

  async connect(options: Partial<net.NetConnectOpts> = {}): Promise<Wire> {
    const { port } = this.engine;
    const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true, ...options });
    const wire = new Wire(socket);
    this.clients.push(wire);
    await once(socket, 'connect');
    return wire;
  }

  /** `first`: what is sent before TLS begins. */
  async connectTls(ca: string, { servername = 'localhost', first = '', anyName = false } = {}): Promise<Wire> {
    const below = net.connect({ host: '127.0.0.1', port: this.engine.port });
    below.write(first);
    const alpn = { ALPNProtocols: ['h2', 'http/1.1'] };
    const named = anyName ? { checkServerIdentity: () => undefined } : {};
    const socket = tls.connect({ socket: below, ca, servername, ...alpn, ...named });
    const wire = new Wire(socket);
    this.clients.push(wire);
    await once(socket, 'secureConnect');
    return wire;
  }

  /** Waits for the report of the n-th forwarded request, counted from 1. */
  async completion(n: number): Promise<Completion> {
    while (this.completions.length < n) await new Promise<void>((resolve) => this.#completed.push(resolve));
    return this.completions[n - 1] as Completion;
  }

  complete(completion: Completion): void {
    this.completions.push(completion);
    for (const wake of this.#completed.splice(0)) wake();
  }

  /** Waits until no connection to an upstream is in use: closing takes a few turns of the event loop. */
  async settled(): Promise<void> {
    while (this.engine.upstreamConnections().busy > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async close(): Promise<void> {
    for (const { socket } of this.clients) socket.destroy();
    await this.engine.drain(0);
    assert.equal(this.completions.length, this.forwards, 'every forward is reported once');
  }
}

/** An engine with this handler, closed at the end of the test. */
export async function startGate(options: GateOptions): Promise<Gate> {
  let gate: Gate | undefined;
  const forwardOf = (head: RequestHead): Forward => {
    if (gate !== undefined && options.forward?.ended === undefined) gate.forwards++;
    return forward(head);
  };
  const forward = (head: RequestHead): Forward => ({
    kind: 'forward',
    upstream: options.upstream,
    target: head.target,
    fields: endToEnd(head),
    responseFields: [],
    requestTrailers: (trailers) => passableTrailers(trailers),
    ended: (completion) => gate?.complete(completion),
    ...options.forward,
  });
  const handler: Handler = {
    decide(head, client) {
      gate?.heads.push(head);
      return options.decide?.(head, client, () => forwardOf(head)) ?? forwardOf(head);
    },
    upstreamFailed(_head, failure): Reply {
      gate?.failures.push(failure);
      const late = failure.code.endsWith('timeout');
      return { status: late ? 504 : 502, fields: ['Content-Type', 'text/plain'], body: `failed: ${failure.code}` };
    },
    badRequest: (status, detail) => ({
      status,
      fields: ['Content-Type', 'text/plain'],
      body: `bad: ${detail}`,
      close: true,
    }),
  };
  const engine = await startEngine(
    {
      address: options.address ?? '127.0.0.1',
      port: options.port ?? 0,
      tls: options.tls,
      proxyProtocol: options.proxyProtocol,
      onProxyRefused: options.onProxyRefused,
      uncounted: options.uncounted,
      limits: { headBytes: 65_536, headerCount: 100, headTimeoutMs: 5_000, idleTimeoutMs: 5_000, ...options.limits },
      onError: (detail, cause) => gate?.errors.push(cause ?? detail),
    },
    handler,
  );
  gate = new Gate(engine);
  return gate;
}

/** What each test of a file has: an upstream of bare sockets, and a gate before it. */
export interface GateForTests {
  readonly upstream: RawUpstream;
  /** The one that the test has started, if it has. */
  readonly gate: Gate | undefined;
  /** Starts the gate; it forwards to `upstream` unless the options say otherwise. */
  readonly start: (options?: Partial<GateOptions>) => Promise<Gate>;
  /** Starts it, and gives one client of it. */
  readonly open: (options?: Partial<GateOptions>) => Promise<Wire>;
}

/** Begins and ends both for every test of the file that calls this. What the engine calls an error fails the test. */
export function gateForTests(): GateForTests {
  let upstream: RawUpstream | undefined;
  let gate: Gate | undefined;
  beforeEach(async () => {
    upstream = await rawUpstream();
  });
  afterEach(async () => {
    await gate?.close();
    await upstream?.close();
    assert.deepEqual(gate?.errors ?? [], []);
    gate = undefined;
  });
  const here: GateForTests = {
    get upstream() {
      if (upstream === undefined) throw new Error('Cannot use the upstream: no test runs');
      return upstream;
    },
    get gate() {
      return gate;
    },
    async start(options = {}) {
      gate = await startGate({ upstream: upstreamAt(here.upstream.origin), ...options });
      return gate;
    },
    open: async (options) => (await here.start(options)).connect(),
  };
  return here;
}

const HOP_BY_HOP = /^(?:connection|http2-settings|keep-alive|proxy-.*|te|transfer-encoding|upgrade)$/i;

/** As a gateway would clean them, as far as these tests go. */
const endToEnd = ({ fields }: RequestHead): readonly string[] =>
  fields.filter((_, i) => !HOP_BY_HOP.test(fields[i - (i % 2)] ?? ''));

/** The port that a server listens on. */
export function portOf(server: net.Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Not listening');
  return address.port;
}

/** The fields of a WebSocket handshake (RFC 6455, 1.3). */
export const handshake = [
  'Host: app',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
] as const;
