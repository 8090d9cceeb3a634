import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Upstream } from '../wire/http.ts';
import { UpstreamError } from './failure.ts';

/** Where to connect to, worked out once per upstream. */
export interface Address {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly ca: string | undefined;
  readonly timeoutMs: number;
}

/** Reads an origin. Throws on one that configuration should have refused. */
export function addressOf({ origin, ca, connectTimeoutMs }: Upstream): Address {
  const url = new URL(origin);
  const secure = url.protocol === 'https:';
  if (!secure && url.protocol !== 'http:') throw new TypeError(`Cannot connect to ${origin}: neither http nor https`);
  // A URL keeps the brackets of an IPv6 address; a socket wants it without.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  return { secure, host, port, ca, timeoutMs: connectTimeoutMs };
}

/** A connection that no pool knows, and whose two directions end separately: for upgrades and second tries. */
export function connect(address: Address): net.Socket {
  const { secure, host, port } = address;
  const options = { host, port, allowHalfOpen: true, noDelay: true };
  const socket = secure ? tls.connect({ ...options, ...tlsOptions(address) }) : net.connect(options);
  limitConnecting(socket, address);
  return socket;
}

/** The pool of one upstream: connections are kept for `idleMs`, less where the upstream announces less. */
export function poolAgent(address: Address, idleMs: number): http.Agent {
  const options = { keepAlive: true, noDelay: true, timeout: idleMs, scheduling: 'lifo' } as const;
  return address.secure
    ? new TimedHttpsAgent({ ...options, ...tlsOptions(address) }, address)
    : new TimedHttpAgent(options, address);
}

/** The certificate is for the upstream's own name, whatever `Host` says; an IP address is no server name (RFC 6066, 3). */
function tlsOptions({ host, ca }: Address): tls.ConnectionOptions {
  return {
    servername: net.isIP(host) === 0 ? host : '',
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    ...(ca === undefined ? {} : { ca }),
  };
}

class TimedHttpAgent extends http.Agent {
  readonly #address: Address;

  constructor(options: http.AgentOptions, address: Address) {
    super(options);
    this.#address = address;
  }

  override createConnection(...args: Parameters<http.Agent['createConnection']>): Duplex | null | undefined {
    return readPastWrites(limitConnecting(super.createConnection(...args), this.#address));
  }
}

class TimedHttpsAgent extends https.Agent {
  readonly #address: Address;

  constructor(options: https.AgentOptions, address: Address) {
    super(options);
    this.#address = address;
  }

  override createConnection(...args: Parameters<https.Agent['createConnection']>): Duplex | null | undefined {
    return readPastWrites(limitConnecting(super.createConnection(...args), this.#address));
  }
}

/** Ends a connection that is not there in time: name, TCP and TLS together. */
function limitConnecting<T extends Duplex | null | undefined>(socket: T, { secure, timeoutMs }: Address): T {
  if (!socket) return socket;
  const timer = setTimeout(() => {
    socket.destroy(new UpstreamError('connect-timeout', `no connection within ${timeoutMs} ms`));
  }, timeoutMs);
  const clear = (): void => clearTimeout(timer);
  socket.once(secure ? 'secureConnect' : 'connect', clear);
  socket.once('close', clear);
  // Between two requests, and between the pool and a tunnel, nobody else listens; an unheard error would end the process.
  socket.on('error', () => {});
  return socket;
}

/**
 * Lets a connection be read on when it takes no more content. A server that refuses an upload answers and closes; Node
 * would drop the connection at the first write that fails, and with it the answer that has already arrived. The reading
 * side reports the end in any case.
 */
function readPastWrites<T extends Duplex | null | undefined>(socket: T): T {
  if (!socket) return socket;
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, done) => write(chunk, encoding, (error) => done(unlessClosed(error)));
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, (error) => done(unlessClosed(error)));
  return socket;
}

const unlessClosed = (error: (Error & { code?: string }) | null | undefined): Error | null | undefined =>
  error?.code === 'EPIPE' || error?.code === 'ECONNRESET' ? null : error;
