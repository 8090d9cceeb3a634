/**
 * The addresses where Envoys ask by gRPC: one listener for each, in every thread that serves.
 *
 * @module
 */
import type { Certificate } from '@cardea/http1';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { sparingly } from '../core/sparingly.ts';
import type { AuditSink } from '../ports/audit-sink.ts';
import { ExtAuthz } from '../server/ext-authz.ts';
import { authorizationService, healthService } from '../server/ext-authz-service.ts';
import type { Judge } from '../server/forward-auth-endpoint.ts';
import { type GrpcListener, openGrpcListener } from '../server/grpc-listener.ts';
import type { Metrics } from '../server/metrics.ts';
import { Recorder } from '../server/recorder.ts';
import { cidrMatcher } from '../wire/cidr.ts';
import { watchCertificates } from './certificates.ts';
import type { Closers } from './closers.ts';
import type { Read } from './read.ts';
import { troubleLog } from './log.ts';
import type { Watches } from './watches.ts';

export interface ExtAuthzSurroundings {
  readonly config: Config;
  readonly read: Read;
  readonly judge: Judge;
  readonly audit: AuditSink;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly log: Logger;
  readonly watches: Watches;
  /** What each listener gets beyond what the configuration says, in the order of the configuration. */
  readonly listening: (i: number) => { readonly port?: number | undefined; readonly reusePort?: boolean | undefined };
}

/** Opens them all. They end by `closers`, also when one of them cannot be opened. */
export async function startExtAuthz(parts: ExtAuthzSurroundings, closers: Closers): Promise<ExtAuthzListeners> {
  const { config, read, judge, audit, metrics, now, log, watches } = parts;
  const askers = config.forward_auth.flatMap(({ grpc, from }) => (grpc === undefined ? [] : [{ grpc, from }]));
  const trusted = cidrMatcher(config.trusted_proxies);
  const recorder = new Recorder({ audit, metrics, now, onClientLeft: () => {} });
  const extAuthz = new ExtAuthz({
    judge,
    recorder,
    limits: { bytes: config.limits.head, fields: config.limits.headers },
  });
  if (askers.length === 0) return { addresses: [], drain: async () => {} };
  const listeners: GrpcListener[] = [];
  let draining = false;
  const services = [authorizationService({ extAuthz, onTrouble: troubleLog(log) }), healthService(() => !draining)];
  const refused = sparingly(1, now, (details: object) => log.warn(details, 'A connection for gRPC was closed'));

  for (const [i, { grpc, from }] of askers.entries()) {
    const { address, tls } = grpc;
    const isOne = cidrMatcher(from ?? config.trusted_proxies);
    const [pair] = tls?.pair ?? [];
    const { port, reusePort } = parts.listening(i);
    const listener = await openGrpcListener({
      host: address.host,
      port: port ?? address.port,
      reusePort,
      ...(pair === undefined
        ? {}
        : {
            tls: {
              cert: read(pair.cert).toString(),
              key: read(pair.key).toString(),
              clientCa: tls?.client_ca === undefined ? undefined : read(tls.client_ca).toString(),
            },
          }),
      isPeer: (peer) => trusted(peer) && isOne(peer),
      onStranger: (peer) => {
        metrics.refusals.inc({ reason: 'forward-auth-peer' });
        refused({ address: peer, reason: 'it is no proxy that may ask' });
      },
      onRefused: (peer, reason) => refused({ address: peer, reason }),
      services,
    });
    listeners.push(listener);
    closers.add(() => listener.drain(0));
    const renewed = {
      replaceCertificate: (changed: Certificate | readonly Certificate[], clientCa?: string) => {
        for (const { cert, key } of [changed].flat()) listener.replaceCertificate({ cert, key, clientCa });
      },
    };
    watches.add(watchCertificates(renewed, { address, tls: tls?.pair, client_ca: tls?.client_ca }, { read, now, log }));
  }
  return {
    addresses: listeners.map(({ address, port }) => `${address}:${port}`),
    drain: async (graceMs) => {
      draining = true;
      await Promise.all(listeners.map((listener) => listener.drain(graceMs)));
    },
  };
}

export interface ExtAuthzListeners {
  readonly addresses: readonly string[];
  /** Health checks say so at once; questions under way are answered within `graceMs`. */
  drain(graceMs: number): Promise<void>;
}
