/**
 * The HTTP engine on Node's own `http`, `https` and `net`. It reads requests
 * strictly, asks a `Handler` for a verdict, carries it out and reports how it
 * ended. Nothing of `node:http` is visible outside `engine-*.ts` and `upstream/`.
 *
 * @module
 */
import { once } from 'node:events';
import http, { type IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { UpstreamPools } from '../upstream/pool.ts';
import { fieldValues } from '../wire/fields.ts';
import type { Handler } from '../wire/http.ts';
import { isUpgrade } from '../wire/websocket-handshake.ts';
import { certificateHash } from './engine-certificate.ts';
import { ClientConnection } from './engine-connection.ts';
import { type EngineContext, type EngineLimits, guarded } from './engine-context.ts';
import { DetachedSocket } from './engine-detached.ts';
import { Exchange, framingOf } from './engine-exchange.ts';
import { closeWith, replyBytes } from './engine-reply.ts';

export interface EngineOptions {
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Without it: plain HTTP. */
  readonly tls?: Certificate | undefined;
  readonly limits: EngineLimits;
  /** For the log: a bug here or in the handler. Never what a client or an upstream can cause. */
  readonly onError: (detail: string, cause?: unknown) => void;
}

/** A certificate (with its chain) and its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Engine {
  readonly address: string;
  readonly port: number;
  connections(): { readonly open: number; readonly tunnels: number };
  /** Connections to the upstreams that are kept for requests; those of tunnels do not count. */
  upstreamConnections(): { readonly busy: number; readonly idle: number };
  /**
   * Stops: takes no more connections, closes unused ones, lets requests in progress finish with `Connection: close`.
   * Tunnels and whatever else is left after `graceMs` end by `shutdown`. Resolves when everything is closed.
   */
  drain(graceMs: number): Promise<void>;
  /** New connections get this certificate; those that are open keep theirs. Throws when it is unusable, and nothing changes. */
  replaceCertificate(certificate: Certificate): void;
}

/** Starts to listen. Rejects when the address cannot be had. */
export async function startEngine(options: EngineOptions, handler: Handler): Promise<Engine> {
  const engine = new NodeEngine(options, handler);
  await engine.listen(options.address, options.port);
  return engine;
}

/** How often Node looks for heads that are too slow. */
const checkEvery = (headTimeoutMs: number): number => Math.min(5_000, Math.max(20, headTimeoutMs / 4));

class NodeEngine implements Engine {
  readonly #context: EngineContext;
  readonly #server: http.Server | https.Server;
  readonly #secure: boolean;
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<Socket, ClientConnection>();
  /** Requests whose wish for another protocol is not followed, on a connection that therefore ends with them. */
  readonly #lastRequests = new WeakSet<IncomingMessage>();
  #hashed: { readonly raw: Buffer; readonly hash: Uint8Array | undefined } | undefined;
  #drained: Promise<void> | undefined;

  constructor({ limits, tls, onError }: EngineOptions, handler: Handler) {
    this.#context = {
      handler: guarded(handler, onError),
      limits,
      pools: new UpstreamPools(),
      tunnels: new Set(),
      draining: false,
      stopping: false,
      onError,
    };
    const parsing = {
      insecureHTTPParser: false,
      maxHeaderSize: limits.headBytes,
      // Checked by the exchange, for upgrades as well, and answered by the handler.
      requireHostHeader: false,
      joinDuplicateHeaders: false,
      headersTimeout: limits.headTimeoutMs,
      // Uploads may take as long as they make progress.
      requestTimeout: 0,
      connectionsCheckingInterval: checkEvery(limits.headTimeoutMs),
      keepAliveTimeout: limits.idleTimeoutMs,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      shouldUpgradeCallback: (request: IncomingMessage) => this.#detaches(request),
    };
    this.#secure = tls !== undefined;
    this.#server =
      tls === undefined
        ? http.createServer(parsing)
        : https.createServer({
            ...parsing,
            cert: tls.cert,
            key: tls.key,
            ALPNProtocols: ['http/1.1'],
            handshakeTimeout: limits.headTimeoutMs,
          });
    // Node below 26 drops further ones without a word: one more than allowed shows that there were too many.
    this.#server.maxHeadersCount = limits.headerCount + 1;
    this.#attach(this.#server);
  }

  get address(): string {
    const bound = this.#server.address();
    return bound === null || typeof bound === 'string' ? '' : bound.address;
  }

  get port(): number {
    const bound = this.#server.address();
    return bound === null || typeof bound === 'string' ? 0 : bound.port;
  }

  listen(host: string, port: number): Promise<void> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#context.onError('The listener failed', error));
        resolve();
      });
    });
  }

  connections(): { readonly open: number; readonly tunnels: number } {
    return { open: this.#sockets.size, tunnels: this.#context.tunnels.size };
  }

  upstreamConnections(): { readonly busy: number; readonly idle: number } {
    return this.#context.pools.connections();
  }

  drain(graceMs: number): Promise<void> {
    this.#drained ??= this.#drain(graceMs);
    return this.#drained;
  }

  replaceCertificate({ cert, key }: Certificate): void {
    if (!(this.#server instanceof https.Server))
      throw new TypeError('Cannot replace certificate: the listener has none');
    this.#server.setSecureContext({ cert, key });
  }

  async #drain(graceMs: number): Promise<void> {
    const context = this.#context;
    context.draining = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections.values()) if (connection.idle) connection.socket.destroy();
    const grace = setTimeout(() => {
      context.stopping = true;
      for (const tunnel of context.tunnels) tunnel.destroy('shutdown');
      for (const connection of this.#connections.values()) {
        connection.turnDeaf();
        connection.current?.cancel();
      }
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(grace);
    // The listener is closed a moment before its last connections say so.
    for (const socket of this.#sockets) await once(socket, 'close');
    context.pools.close();
  }

  #attach(server: http.Server | https.Server): void {
    server.on('connection', (socket: Socket) => this.#track(socket));
    server.on(this.#secure ? 'secureConnection' : 'connection', (socket: Socket) => this.#onConnection(socket));
    server.on('request', (request, response) => this.#onRequest(request, response, false));
    server.on('checkContinue', (request, response) => this.#onRequest(request, response, true));
    server.on('checkExpectation', (request, response) => this.#onExpectation(request, response));
    server.on('upgrade', (request, socket, first) => this.#onDetached(request, socket as Socket, first));
    server.on('connect', (_request, socket) => this.#onConnect(socket as Socket));
    server.on('clientError', (error, socket) => this.#onClientError(error, socket as Socket));
  }

  /** Counts what was accepted; over TLS that is the connection below. */
  #track(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** A connection that can carry requests: once when it is new, and again when a detached one is given back. */
  #onConnection(socket: Socket): void {
    if (this.#connections.has(socket)) return;
    this.#connections.set(socket, new ClientConnection(socket, (tls) => this.#hashOf(tls)));
    socket.once('close', () => this.#connections.delete(socket));
    // While a connection is detached nobody else listens; an error without a listener would end the process.
    socket.on('error', () => {});
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, expects: boolean): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined) return void request.socket.destroy();
    const last = this.#lastRequests.has(request);
    connection.enter(
      new Exchange({
        context: this.#context,
        connection,
        request,
        response,
        upgrade: false,
        expects,
        last,
        detached: undefined,
      }),
    );
  }

  #onExpectation(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined || !connection.idle) return void request.socket.destroy();
    const parts = { context: this.#context, connection, request, response, upgrade: false, expects: false, last: true };
    new Exchange({ ...parts, detached: undefined }).refuse(417, 'Only 100-continue can be expected');
  }

  /**
   * Whether Node takes its parser off the connection after this request, which asks for another protocol. Only then the
   * bytes behind it are kept: where the wish is not followed Node's parser loses those that came in the same packet. So
   * the request is the last one of its connection when it cannot be detached, having content or others before it.
   */
  #detaches(request: IncomingMessage): boolean {
    const connection = this.#connections.get(request.socket);
    const plain =
      framingOf(request.rawHeaders).kind === 'none' && fieldValues(request.rawHeaders, 'expect').length === 0;
    if (connection !== undefined && connection.idle && !connection.deaf && plain) return true;
    this.#lastRequests.add(request);
    return false;
  }

  /** A request that asked for another protocol. It is answered on the bare socket, which then becomes a tunnel or goes back to Node. */
  #onDetached(request: IncomingMessage, socket: Socket, first: Buffer): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return void socket.destroy();
    if (first.length > 0) socket.unshift(first);
    const response = new ServerResponse(request);
    const giveBack = (): void => void this.#server.emit(this.#secure ? 'secureConnection' : 'connection', socket);
    connection.enter(
      new Exchange({
        context: this.#context,
        connection,
        request,
        response,
        upgrade: request.httpVersionMinor === 1 && isUpgrade(request.rawHeaders, request.method ?? ''),
        expects: false,
        last: endsConnection(request),
        detached: new DetachedSocket(socket, response, giveBack),
      }),
    );
  }

  #onConnect(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || !connection.idle || connection.deaf) return void socket.destroy();
    connection.turnDeaf();
    closeWith(socket, replyBytes(this.#context.handler.badRequest(405, 'CONNECT is not supported'), new Date()));
  }

  /** What the parser, the socket or Node's clock for heads objects to. */
  #onClientError(error: Error & { code?: string }, socket: Socket): void {
    const connection = this.#connections.get(socket);
    // Told already: every further byte repeats the parser's objection, while the client may be reading the answer.
    if (connection?.deaf === true) return;
    const status = statusOf(error.code ?? '');
    // Nobody is there any more, or never said a word (browsers connect ahead), or TLS has not come about.
    if (connection === undefined || status === undefined || !socket.writable || socket.bytesRead === 0)
      return void socket.destroy();
    connection.turnDeaf();
    if (connection.current?.response.headersSent === true) return void socket.destroy();
    connection.current?.cancel();
    closeWith(socket, replyBytes(this.#context.handler.badRequest(status, reasonOf(error)), new Date()));
  }

  /** The hash of the certificate that this connection got, worked out once per certificate. */
  #hashOf(socket: TLSSocket): Uint8Array | undefined {
    const raw = socket.getX509Certificate()?.raw;
    if (raw === undefined) return undefined;
    if (this.#hashed?.raw.equals(raw) !== true) this.#hashed = { raw, hash: certificateHash(raw) };
    return this.#hashed?.hash;
  }
}

/** `undefined` for errors of the connection itself. */
function statusOf(code: string): number | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 413;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  return code.startsWith('HPE_') ? 400 : undefined;
}

/** The parser's own words, none of the client's. */
const reasonOf = (error: Error & { reason?: unknown }): string =>
  typeof error.reason === 'string' ? error.reason : 'The request did not come in time';

/** This client wants nothing after this request (RFC 9112, 9.3). */
const endsConnection = (request: IncomingMessage): boolean =>
  request.httpVersionMinor === 0 ||
  fieldValues(request.rawHeaders, 'connection').some((value) => /\bclose\b/i.test(value));
