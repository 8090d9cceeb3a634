import type { EngineLimits, EngineOptions, ProxyRefusal } from '@cardea/http1';
import type { Logger } from 'pino';
import type { Config, Listener } from '../config/schema.ts';
import { sparingly } from '../core/sparingly.ts';
import { cidrMatcher } from '../wire/cidr.ts';
import { certificatesOf } from './certificates.ts';
import type { Read } from './read.ts';

/** Where and how an engine listens. */
export type Listening = Pick<EngineOptions, 'address' | 'port' | 'tls' | 'clientCa' | 'proxyProtocol' | 'uncounted'>;

/**
 * A listener of the configuration as the engine wants it, its files read. Behind a trusted proxy many clients share one
 * address, so that its connections are not counted.
 */
export function listenOn(listener: Listener, read: Read, trustedProxies: readonly string[]): Listening {
  const { address, tls, client_ca: clientCa, proxy_protocol: proxied } = listener;
  return {
    ...bindTo(address),
    ...(tls === undefined ? {} : { tls: certificatesOf(tls, read) }),
    ...(clientCa === undefined ? {} : { clientCa: read(clientCa).toString() }),
    ...(proxied === undefined ? {} : { proxyProtocol: cidrMatcher(proxied.from) }),
    ...(trustedProxies.length === 0 ? {} : { uncounted: cidrMatcher(trustedProxies) }),
  };
}

/** A plain listener on this address. */
export const bindTo = ({ host, port }: Listener['address']): Listening => ({ address: host, port });

/** Tells the log, sparingly, why connections to a listener with `proxy_protocol` were closed. */
export function proxyRefusals(
  log: Pick<Logger, 'warn'>,
  now: () => number,
): (address: string, reason: ProxyRefusal) => void {
  const write = sparingly(10, now, (details: object) =>
    log.warn(details, 'A connection was closed that did not begin as proxy_protocol asks for'),
  );
  return (address, reason) => {
    // A connection without a byte is how load balancers see whether a port is open.
    if (reason !== 'nothing-came') write({ address, reason });
  };
}

/** What a client may cost. The type holds that every limit of the engine has its key. */
export function engineLimits(config: Config): Required<EngineLimits> {
  const { limits } = config;
  return {
    headBytes: limits.head,
    headerCount: limits.headers,
    headTimeoutMs: limits.head_timeout,
    idleTimeoutMs: limits.idle,
    bodyBytes: limits.body,
    heldBytes: limits.held,
    bodyTimeoutMs: limits.body_timeout,
    writeTimeoutMs: limits.write_timeout,
    connectionsPerAddress: limits.connections_per_address,
  };
}
