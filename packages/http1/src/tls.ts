/**
 * TLS of the listening side: which certificate a connection gets, and what is
 * known of it afterwards.
 *
 * @module
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  TLSSocket,
} from 'node:tls';
import { certificateHash } from './certificate-hash.ts';
import type { ClientCertificate } from './exchange.ts';

/** A certificate (with its chain) and its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Names for which it is shown when a client asks for them (SNI, RFC 6066, 3). `*.corp.example` stands for one label. */
  readonly names?: readonly string[] | undefined;
}

interface Loaded {
  readonly names: readonly string[];
  readonly context: SecureContext;
}

/** The certificates of a listener. The first one is for every client that asks for no name, or for one that none has. */
export class Certificates {
  #clientCa: string | undefined;
  /** Makes connections that ask for a client's certificate. It never listens. */
  readonly #asking: Server | undefined;
  /** What to call when the handshake is over, by the ends of the connection. */
  readonly #waiting = new Map<string, (secure: TLSSocket) => void>();
  #loaded: readonly Loaded[];
  /** By the certificate's own bytes: worked out once for each, not once per connection. */
  #hashed: { readonly raw: Buffer; readonly hash: Uint8Array | undefined }[] = [];

  /** Throws when one of them is unusable. With `clientCa` (PEM), clients are asked for a certificate that chains to it. */
  constructor(certificates: readonly Certificate[], clientCa?: string) {
    this.#clientCa = clientCa;
    this.#loaded = load(certificates, clientCa);
    this.#asking = clientCa === undefined ? undefined : this.#server(certificates[0], clientCa);
  }

  /** Begins TLS on a socket; `secured` is called when the handshake is over. When it fails, the socket is destroyed. */
  accept(socket: Socket, secured: (secure: TLSSocket) => void): void {
    if (this.#asking !== undefined) {
      const ends = endsOf(socket);
      this.#waiting.set(ends, secured);
      socket.once('close', () => this.#waiting.delete(ends));
      this.#asking.emit('connection', socket);
      return;
    }
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: this.default.context,
      ALPNProtocols: ['http/1.1'],
      SNICallback: (name, answer) => answer(null, this.contextFor(name)),
    });
    watched(secure, socket);
    secure.once('secure', () => secured(secure));
  }

  /** The certificate for a name that a client asks for. */
  contextFor(name: string): SecureContext {
    const asked = name.toLowerCase();
    const parent = asked.slice(asked.indexOf('.') + 1);
    const exact = this.#loaded.find(({ names }) => names.includes(asked));
    const wild = exact ?? this.#loaded.find(({ names }) => names.includes(`*.${parent}`));
    return (wild ?? this.default).context;
  }

  /**
   * New connections get these, and clients' certificates have to chain to `clientCa`, where clients are asked for one (default: as
   * before). Throws when one is unusable, and nothing changes.
   */
  replace(certificates: readonly Certificate[], clientCa = this.#clientCa): void {
    const ca = this.#asking === undefined ? undefined : clientCa;
    const loaded = load(certificates, ca);
    const [first] = certificates;
    if (ca !== undefined && first !== undefined) this.#asking?.setSecureContext(contextOptions(first, ca));
    this.#clientCa = ca;
    this.#loaded = loaded;
    this.#hashed = [];
  }

  /** The hash of the certificate that this connection got (RFC 5929, 4.1). */
  hashOf(socket: TLSSocket): Uint8Array | undefined {
    const raw = socket.getX509Certificate()?.raw;
    if (raw === undefined) return undefined;
    const known = this.#hashed.find((entry) => entry.raw.equals(raw));
    if (known !== undefined) return known.hash;
    const hash = certificateHash(raw);
    // Certificates before a reload may still be asked for by old connections; there are never many.
    this.#hashed = [{ raw, hash }, ...this.#hashed].slice(0, 32);
    return hash;
  }

  /** Only Node's own server tells whether a client's certificate was verified. */
  #server(first: Certificate | undefined, clientCa: string): Server {
    const server = createServer({
      ...(first === undefined ? {} : contextOptions(first, clientCa)),
      requestCert: true,
      rejectUnauthorized: false, // who has none, or another one, may sign in by other means
      ALPNProtocols: ['http/1.1'],
      SNICallback: (name, answer) => answer(null, this.contextFor(name)),
    });
    server.on('secureConnection', (secure) => {
      const secured = this.#waiting.get(endsOf(secure));
      if (secured === undefined) return void secure.destroy();
      watched(secure, undefined);
      secured(secure);
    });
    server.on('tlsClientError', (_error, secure) => secure.destroy());
    return server;
  }

  get default(): Loaded {
    const first = this.#loaded[0];
    if (first === undefined) throw new TypeError('TLS needs a certificate');
    return first;
  }
}

/** The certificate that a client has shown, if it was asked for one and has. */
export function clientCertificateOf(secure: TLSSocket): ClientCertificate | undefined {
  const der = secure.getPeerX509Certificate()?.raw;
  if (der === undefined) return undefined;
  // Node gives the code of what is wrong, whatever its types say.
  const problem: unknown = secure.authorizationError;
  return { der, verified: secure.authorized, problem: secure.authorized ? undefined : String(problem) };
}

/** A connection counts until what lies below it is closed as well. */
function watched(secure: TLSSocket, below: Socket | undefined): void {
  secure.on('error', () => below?.destroy());
  secure.once('close', () => below?.destroy());
}

/** No other connection has these four at the same time. */
const endsOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  [remoteAddress, remotePort, localAddress, localPort].join(' ');

function load(certificates: readonly Certificate[], clientCa: string | undefined): readonly Loaded[] {
  if (certificates.length === 0) throw new TypeError('TLS needs a certificate');
  if (clientCa !== undefined) void new X509Certificate(clientCa); // TLS itself takes anything, and then trusts nobody
  return certificates.map((certificate) => ({
    names: (certificate.names ?? []).map((name) => name.toLowerCase()),
    context: createSecureContext(contextOptions(certificate, clientCa)),
  }));
}

/** What one certificate's connections are made with. */
function contextOptions({ cert, key }: Certificate, ca: string | undefined): SecureContextOptions {
  const options: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2' };
  if (ca === undefined) return options;
  // A session that is resumed brings the client's certificate along: only into listeners that ask for the same ones.
  return { ...options, ca, sessionIdContext: createHash('sha256').update(ca).digest('hex').slice(0, 32) };
}
