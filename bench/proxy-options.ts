import type { Certificate } from './certificate.ts';
import type { Side } from './cores.ts';

/** What is asked of every proxy alike. */
export interface ProxyOptions {
  /** For its files; one of its own. */
  readonly folder: string;
  /** Where it passes requests on to, on loopback. */
  readonly upstreamPort: number;
  /** Without it, plain HTTP. */
  readonly tls?: Certificate | undefined;
  /** Default: `measured`. */
  readonly side?: Side | undefined;
  /** Threads, or worker processes; default one. */
  readonly threads?: number | undefined;
  /** Event streams and WebSockets are to pass. */
  readonly relays?: boolean | undefined;
}
