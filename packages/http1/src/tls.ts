/**
 * TLS of the listening side: which certificate a connection gets, and what is
 * known of it afterwards.
 *
 * @module
 */
import { createSecureContext, type SecureContext, type TLSSocket, type TLSSocketOptions } from 'node:tls';
import { certificateHash } from './certificate-hash.ts';

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
  #loaded: readonly Loaded[];
  /** By the certificate's own bytes: worked out once for each, not once per connection. */
  #hashed: { readonly raw: Buffer; readonly hash: Uint8Array | undefined }[] = [];

  /** Throws when one of them is unusable. */
  constructor(certificates: readonly Certificate[]) {
    this.#loaded = load(certificates);
  }

  /** What the server's side of a TLS connection is made with. */
  options(): Pick<TLSSocketOptions, 'ALPNProtocols' | 'SNICallback'> {
    return {
      ALPNProtocols: ['http/1.1'],
      SNICallback: (name, answer) => answer(null, this.contextFor(name)),
    };
  }

  /** The certificate for a name that a client asks for. */
  contextFor(name: string): SecureContext {
    const asked = name.toLowerCase();
    const parent = asked.slice(asked.indexOf('.') + 1);
    const exact = this.#loaded.find(({ names }) => names.includes(asked));
    const wild = exact ?? this.#loaded.find(({ names }) => names.includes(`*.${parent}`));
    return (wild ?? this.default).context;
  }

  /** New connections get these. Throws when one is unusable, and nothing changes. */
  replace(certificates: readonly Certificate[]): void {
    this.#loaded = load(certificates);
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

  get default(): Loaded {
    const first = this.#loaded[0];
    if (first === undefined) throw new TypeError('TLS needs a certificate');
    return first;
  }
}

function load(certificates: readonly Certificate[]): readonly Loaded[] {
  if (certificates.length === 0) throw new TypeError('TLS needs a certificate');
  return certificates.map(({ cert, key, names = [] }) => ({
    names: names.map((name) => name.toLowerCase()),
    context: createSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
  }));
}
