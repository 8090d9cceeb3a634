import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the gateway counts. Labels hold names from the configuration and our own codes, never anything a client sent. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: Counter<'app' | 'outcome'>;
  readonly signIns: Counter<'method' | 'result'>;
  readonly refusals: Counter<'reason'>;
  readonly upstreamFailures: Counter<'app' | 'code'>;
  readonly sockets: Gauge<'app'>;
  readonly eventStreams: Gauge<'app'>;
  readonly streamEnds: Counter<'app' | 'kind' | 'reason'>;
  readonly signInSeconds: Histogram<'method'>;
  readonly tokens: Counter<'client' | 'result'>;
  /** See `UsageNotes`. */
  readonly modelRequests: Counter<'app' | 'tier' | 'model' | 'result'>;
  readonly modelTokens: Counter<'app' | 'tier' | 'model' | 'direction'>;
  readonly firstToken: Histogram<'app'>;
  readonly limitDecisions: Counter<'app' | 'result'>;
  readonly limitsUnshared: Counter<'app'>;
}

/** What can be said of the process. A registry of its own for each gateway, so that two in one process do not mix. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'cardea_' });
  return registry;
}

/** What differs between the threads of a process, labelled with the thread. */
export function threadRegistry(thread: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'cardea_', labels: { thread } });
  for (const { name } of registry.getMetricsAsArray())
    if (!/^cardea_nodejs_(?:eventloop_lag|heap|gc)_/.test(name)) registry.removeSingleMetric(name);
  return registry;
}

/** Adds the number of clients' connections; `thread` says whose, where there are several. */
export function countConnections(registry: Registry, open: () => number, thread?: string): void {
  const gauge = new Gauge({
    name: 'cardea_connections',
    help: 'Connections of clients open now',
    labelNames: ['thread'],
    collect() {
      this.set(thread === undefined ? {} : { thread }, open());
    },
    registers: [],
  });
  registry.registerMetric(gauge);
}

/** The gateway's own numbers, in `registry`. */
export function createMetrics(registry: Registry): Metrics {
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: 'cardea_requests_total',
      help: 'Requests by app and by what became of them',
      labelNames: ['app', 'outcome'],
      registers,
    }),
    signIns: new Counter({
      name: 'cardea_sign_ins_total',
      help: 'Sign-in attempts by method and result',
      labelNames: ['method', 'result'],
      registers,
    }),
    refusals: new Counter({
      name: 'cardea_refusals_total',
      help: 'Refused requests by reason',
      labelNames: ['reason'],
      registers,
    }),
    upstreamFailures: new Counter({
      name: 'cardea_upstream_failures_total',
      help: 'Requests that an upstream did not answer properly',
      labelNames: ['app', 'code'],
      registers,
    }),
    sockets: new Gauge({
      name: 'cardea_websockets',
      help: 'WebSockets open now',
      labelNames: ['app'],
      registers,
    }),
    tokens: new Counter({
      name: 'cardea_tokens_total',
      help: 'Requests for a token of the issuer, by client and by what became of them',
      labelNames: ['client', 'result'],
      registers,
    }),
    limitDecisions: new Counter({
      name: 'cardea_limit_decisions_total',
      help: 'Requests that limits were asked about, by app and by the answer: granted, or the limit that refused',
      labelNames: ['app', 'result'],
      registers,
    }),
    limitsUnshared: new Counter({
      name: 'cardea_limits_unshared_total',
      help: 'Requests whose limits could not be shared with other gateways, because Redis could not be used',
      labelNames: ['app'],
      registers,
    }),
    modelRequests: new Counter({
      name: 'cardea_model_requests_total',
      help: 'Requests to apps with limits, by tier, model and what became of them',
      labelNames: ['app', 'tier', 'model', 'result'],
      registers,
    }),
    modelTokens: new Counter({
      name: 'cardea_model_tokens_total',
      help: 'Tokens that models have read (in) and written (out)',
      labelNames: ['app', 'tier', 'model', 'direction'],
      registers,
    }),
    firstToken: new Histogram({
      name: 'cardea_first_token_seconds',
      help: 'Time from a request to the first piece of its streamed answer',
      labelNames: ['app'],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    eventStreams: new Gauge({
      name: 'cardea_event_streams',
      help: 'Event streams open now',
      labelNames: ['app'],
      registers,
    }),
    streamEnds: new Counter({
      name: 'cardea_streams_ended_total',
      help: 'WebSockets, event streams and long responses that have ended, by who or what ended them',
      labelNames: ['app', 'kind', 'reason'],
      registers,
    }),
    signInSeconds: new Histogram({
      name: 'cardea_sign_in_seconds',
      help: 'Time to judge a credential',
      labelNames: ['method'],
      buckets: [0.0001, 0.0002, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5],
      registers,
    }),
  };
}
