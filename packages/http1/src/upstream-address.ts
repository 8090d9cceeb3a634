import net, { type OnReadOpts, type Socket } from 'node:net';
import tls from 'node:tls';
import type { Upstream } from './exchange.ts';

/** Where to connect to, worked out once per upstream. */
export interface Address {
  readonly origin: string;
  readonly at: { readonly host: string; readonly port: number } | { readonly path: string };
  /** How TLS is spoken, where it is. */
  readonly tls: tls.ConnectionOptions | undefined;
}

/** The addresses of an upstream, each once. Throws on an origin that configuration should have refused. */
export function addressesOf(upstream: Upstream): Address[] {
  const origins = new Set([upstream.origin, ...(upstream.origins ?? [])]);
  return [...origins].map((origin) => addressOf(origin, upstream));
}

function addressOf(origin: string, upstream: Upstream): Address {
  if (origin.startsWith(UNIX)) {
    const path = origin.slice(UNIX.length);
    if (!path.startsWith('/')) throw new TypeError(`Cannot connect to ${origin}: the path is not absolute`);
    return { origin, at: { path }, tls: undefined };
  }
  const { protocol, hostname, port: digits } = new URL(origin);
  const secure = protocol === 'https:';
  if (!secure && protocol !== 'http:')
    throw new TypeError(`Cannot connect to ${origin}: neither http nor https nor unix`);
  // A URL keeps the brackets of an IPv6 address; a socket wants it without.
  const host = hostname.replace(/^\[|\]$/g, '');
  const port = digits === '' ? (secure ? 443 : 80) : Number(digits);
  return { origin, at: { host, port }, tls: secure ? tlsOptions(host, upstream) : undefined };
}

const UNIX = 'unix:';

/** The certificate is for the upstream's own name, whatever `Host` says; an IP address is no server name (RFC 6066, 3). */
function tlsOptions(host: string, { ca, clientCertificate }: Upstream): tls.ConnectionOptions {
  return {
    servername: net.isIP(host) === 0 ? host : '',
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    // Made once: reading certificates and keys again for each connection would cost more than the handshake.
    secureContext: tls.createSecureContext({ ...(ca === undefined ? {} : { ca }), ...clientCertificate }),
  };
}

/** Idle time after which the operating system asks whether the other side is still there. */
const PROBE_MS = 30_000;

/**
 * Opens a connection whose two directions end separately. With `onread` it never emits `data`. A `session` of an earlier
 * connection to the same address shortens the TLS handshake.
 */
export function connect(address: Address, onread: OnReadOpts | undefined, session: Buffer | undefined): Socket {
  const options = {
    ...address.at,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_MS,
    ...(onread === undefined ? {} : { onread }),
  };
  if (address.tls === undefined) return net.connect(options);
  return tls.connect({ ...options, ...address.tls, ...(session === undefined ? {} : { session }) });
}

/**
 * Lets a connection be read on when it takes no more content. A server that refuses an upload answers and closes; Node
 * would drop the connection at the first write that fails, and with it the answer that has already arrived. The reading
 * side reports the end in any case.
 */
export function readPastWrites(socket: Socket): void {
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, done) => write(chunk, encoding, (error) => done(unlessClosed(error)));
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, (error) => done(unlessClosed(error)));
}

const unlessClosed = (error: (Error & { code?: string }) | null | undefined): Error | null | undefined =>
  error?.code === 'EPIPE' || error?.code === 'ECONNRESET' ? null : error;
