/**
 * An address where peers that are named in the configuration ask by gRPC (HTTP/2, with or without TLS). Connections are taken by a
 * socket of our own and handed to the library: it cannot share a port among threads, and would greet anybody.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureContextOptions } from 'node:tls';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { grpcLibrary } from './grpc-library.ts';

/** The certificate to show, and the authority of those that peers have to show. */
export interface GrpcTls {
  readonly cert: string;
  readonly key: string;
  /** PEM. Without it no certificate is asked for. */
  readonly clientCa?: string | undefined;
}

export interface GrpcListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Several threads listen on the same port. */
  readonly reusePort?: boolean | undefined;
  readonly tls?: GrpcTls | undefined;
  /** Who may connect. Everybody else's connection is closed before a byte of it is read. */
  readonly isPeer: (address: string) => boolean;
  readonly onStranger: (address: string) => void;
  /** A connection that does not come about, such as a TLS handshake that fails. */
  readonly onRefused: (address: string, reason: string) => void;
  readonly services: readonly GrpcService[];
}

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** A listener that is open. */
export interface GrpcListener {
  readonly address: string;
  readonly port: number;
  /** For handshakes from now on. */
  replaceCertificate(tls: GrpcTls): void;
  /** Takes no more connections, lets calls end within `graceMs`, and closes. */
  drain(graceMs: number): Promise<void>;
}

/** A question is a request's head, which the configuration limits further; nothing needs more than this. */
const MESSAGE_BYTES = 1024 * 1024;
/** On one connection at a time. Envoy opens another one when they are used up. */
const STREAMS = 256;
/** Envoy has one or a few for each of its threads. */
const CONNECTIONS = 1_024;
const HANDSHAKE_MS = 10_000;
/** A peer that has vanished without a word is noticed by its silence. */
const PING_EVERY_MS = 60_000;
const PING_PATIENCE_MS = 20_000;

/** Opens it. Rejects, as `listen` does, when the address cannot be had. */
export async function openGrpcListener(options: GrpcListenerOptions): Promise<GrpcListener> {
  const { host, port, reusePort = false, tls, isPeer, onStranger, onRefused, services } = options;
  const { Server, ServerCredentials } = grpcLibrary();
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES,
    'grpc.max_concurrent_streams': STREAMS,
    'grpc.keepalive_time_ms': PING_EVERY_MS,
    'grpc.keepalive_timeout_ms': PING_PATIENCE_MS,
    'grpc.enable_channelz': 0,
  });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  // TLS ends in front of the library, so that it can be renewed.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();

  const secured = tls === undefined ? undefined : createTlsServer({ ...shown(tls), handshakeTimeout: HANDSHAKE_MS });
  secured?.on('secureConnection', (socket) => {
    if (socket.alpnProtocol === 'h2') return injector.injectConnection(socket);
    onRefused(addressOf(socket), 'it does not speak HTTP/2');
    socket.destroy();
  });
  secured?.on('tlsClientError', (error, socket) => onRefused(addressOf(socket), error.message));

  const listener = createServer({ noDelay: true }, (socket) => {
    const address = addressOf(socket);
    if (!isPeer(address)) {
      socket.destroy();
      return onStranger(address);
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // The library hears of it as well; somebody must, as long as it does not.
    socket.on('error', () => {});
    if (secured === undefined) injector.injectConnection(socket);
    else secured.emit('connection', socket);
  });
  listener.maxConnections = CONNECTIONS;
  listener.listen({ host, port, reusePort });
  await once(listener, 'listening');
  const bound = listener.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('Cannot listen for gRPC: it has no port');

  return {
    address: host,
    port: bound.port,
    replaceCertificate: (changed) => secured?.setSecureContext(shown(changed)),
    async drain(graceMs) {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      const end = (): void => {
        server.forceShutdown();
        for (const socket of sockets) socket.destroy();
      };
      // What the library calls the end does not wait for calls under way (grpc-js 1.14 on Node 26); the sockets do.
      server.tryShutdown(() => {});
      const patience = setTimeout(end, graceMs);
      await closed;
      clearTimeout(patience);
      end();
    },
  };
}

const shown = ({ cert, key, clientCa }: GrpcTls) =>
  ({
    cert,
    key,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['h2'],
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  }) satisfies SecureContextOptions & Record<string, unknown>;

/** IPv4 as such, also when it comes by an IPv6 socket. */
const addressOf = (socket: Pick<Socket, 'remoteAddress'>): string =>
  (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
