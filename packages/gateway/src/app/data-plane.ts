/**
 * The part that serves requests: the pipeline with everything it needs, and an engine for
 * each listener. One in the process, or one in each thread.
 *
 * @module
 */
import { type Engine, type EngineOptions, startEngine } from '@cardea/http1';
import type { Logger } from 'pino';
import { Outdated } from '../auth/outdated.ts';
import { ownTokens } from '../auth/own-token.ts';
import type { RevocationList } from '../auth/revocation-list.ts';
import type { Loaded } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { sparingly } from '../core/sparingly.ts';
import type { Directory } from '../ports/directory.ts';
import type { Revocation } from '../ports/revocations.ts';
import { type App, findApp } from '../server/apps.ts';
import { ForwardAuth } from '../server/forward-auth-endpoint.ts';
import type { RevocationsState } from '../server/admin.ts';
import type { Endpoint } from '../server/endpoints/endpoint.ts';
import { jwks } from '../server/endpoints/jwks.ts';
import { loginPage } from '../server/endpoints/login.ts';
import { logout, logoutForm } from '../server/endpoints/logout.ts';
import { me } from '../server/endpoints/me.ts';
import { Enforcer } from '../server/enforcer.ts';
import type { LiveSessions } from '../server/live-sessions.ts';
import type { Metrics } from '../server/metrics.ts';
import { Leases } from '../server/leases.ts';
import { Pipeline } from '../server/pipeline.ts';
import { appsForProbes, Probed } from '../server/probe.ts';
import { Recorder } from '../server/recorder.ts';
import type { PersonCounter, Streams } from '../server/streams.ts';
import { UsageNotes } from '../server/usage-notes.ts';
import { Visitors } from '../server/visitors.ts';
import { accessTokenVerifier } from '../tokens/access-token.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import type { SigningRing } from '../tokens/signing-ring.ts';
import { sealer } from '../tokens/seal.ts';
import { cidrMatcher } from '../wire/cidr.ts';
import { identityFieldNames, identityFieldStripper, overrideFieldNames } from '../wire/field-names.ts';
import { dialects } from '../wire/forward-auth-question.ts';
import { forwardedFieldNames } from '../wire/forwarded.ts';
import { compileApp } from './apps.ts';
import { authorizationEndpoint } from './authorization.ts';
import { watchCertificates } from './certificates.ts';
import type { Closers } from './closers.ts';
import { membershipsFreshMs, type OpenDirectory, openDirectory, openMemberships } from './directory.ts';
import { startExtAuthz } from './ext-authz.ts';
import { issuerApp, issuerEndpoints, issuerPlan } from './issuer.ts';
import { engineLimits, listenOn, proxyRefusals } from './listeners.ts';
import { troubleLog } from './log.ts';
import type { Shared } from './process-parts.ts';
import { pagesOf } from './pages.ts';
import { reader } from './read.ts';
import { openSessions, revocationsState, sessionsKeptMs } from './sessions.ts';
import { openStreams } from './streams.ts';
import { planOf, recheckBy, type SignInMethod, signInMethods, signOutBy } from './sign-in.ts';
import { Watches } from './watches.ts';

/** Sockets open now: those of clients (tunnels among them), and those to apps that carry a request. */
export interface Connections {
  readonly open: number;
  readonly tunnels: number;
  readonly upstreamBusy: number;
}

export interface DataPlane {
  /** Where it listens, as `127.0.0.1:8080`, in the order of the configuration: for HTTP, then for gRPC. */
  readonly addresses: readonly string[];
  /** For readiness checks. */
  readonly directory: Directory | undefined;
  connections(): Connections;
  /** How well it knows what has been revoked. */
  revocations(): RevocationsState;
  /** Looks now at the files that it takes anew while it runs. */
  look(): Promise<void>;
  /** Others in this process have revoked this. `unwritten`: the store does not know yet. */
  revoked(entries: readonly Revocation[], unwritten: boolean): void;
  /** Another thread has found out that what is known about a person up to `at` is not so any more. */
  outdated(subject: string, at: number): void;
  /** Takes no more connections, and lets requests end within `graceMs`. */
  drain(graceMs: number): Promise<void>;
}

export interface DataPlaneParts {
  readonly loaded: Loaded;
  readonly shared: Shared;
  readonly ring: KeyRing;
  /** The issuer's keys, where there is an issuer. */
  readonly signing?: SigningRing | undefined;
  readonly metrics: Metrics;
  /** Counts the streams of people together with other threads. */
  readonly people?: PersonCounter;
  readonly now: () => number;
  readonly log: Logger;
  /** What the engine of each listener gets beyond what the configuration says. */
  readonly engineOptions?: (listener: number) => Partial<EngineOptions>;
}

/** Starts it. Everything in it ends by `closers`, also when the start fails half-way. */
export async function startDataPlane(parts: DataPlaneParts, closers: Closers): Promise<DataPlane> {
  const { loaded, log, now } = parts;
  const { config } = loaded;
  const read = reader(loaded);
  const onTrouble = troubleLog(log);
  const onProxyRefused = proxyRefusals(log, now);
  const directory = openDirectory(config, read, onTrouble, now);
  if (directory !== undefined) closers.add(() => directory.close());
  const onRecovery = (message: string): void => log.info(message);
  const outdated = new Outdated(Math.max(sessionsKeptMs, membershipsFreshMs(config)));
  const lookUpGroups = openMemberships(config, directory, { outdated });
  const { shared, ring } = parts;
  const { prefix, session } = config;
  let revocations: RevocationList | undefined;
  let apps: readonly App[] = [];
  // Methods speak of revocations and apps when requests come; both are made after them, since they need them.
  const known = (): RevocationList => {
    if (revocations === undefined) throw new Error('Nothing can be asked about revocations before the start has ended');
    return revocations;
  };
  const { issuer } = config;
  const { signing } = parts;
  const ownIssuer = issuer !== false && signing !== undefined ? { config: issuer, ring: signing } : undefined;
  const tokens =
    ownIssuer &&
    ownTokens({
      verifier: accessTokenVerifier({ ring: ownIssuer.ring, issuer: ownIssuer.config.url }),
      revocations: known,
    });
  const watches = new Watches();
  closers.add(() => watches.close());
  const methods = signInMethods(
    {
      loaded,
      read,
      watches,
      log,
      shared,
      ring,
      directory,
      prefix,
      sameSite: session.cookie.same_site,
      lifetimeMs: session.lifetime,
      revocations: known,
      isRevoked: (what) => known().isRevoked(what),
      ownTokens: tokens,
      appAt: (host, path) => findApp(apps, host, path),
      onTrouble,
    },
    closers,
  );
  for (const { warning } of methods) if (warning !== undefined) log.warn(warning);
  apps = config.apps.map((app) => compileApp(app, read, planOf(app, methods, prefix), config.apps));
  const plan = ownIssuer && issuerPlan(ownIssuer.config, methods, prefix);
  if (ownIssuer !== undefined && plan !== undefined) apps = [...apps, ...issuerApp(ownIssuer.config, plan, apps)];
  const recheck = recheckBy(methods);
  const own = { config, shared, ring, directory, lookUpGroups, outdated, recheck, now, onTrouble, onRecovery };
  const opened = await openSessions(own, closers);
  ({ revocations } = opened);
  const { sessions, standings } = opened;
  const onOutdated = async (subject: string, at: number): Promise<void> => {
    outdated.note(subject, at);
    // Who cannot be told finds it out a little later.
    await shared.changes.outdated(subject, at).catch(() => {});
  };
  const watched = { standings, revocations: opened.revocations, people: parts.people, onOutdated, now };
  const streams = openStreams(watched, closers);
  const issuing =
    ownIssuer === undefined || tokens === undefined || plan === undefined
      ? []
      : issuerEndpoints({
          ...ownIssuer,
          plan,
          own: tokens,
          shared,
          revocations: known,
          sessions,
          metrics: parts.metrics,
        });
  const leases = new Leases(shared.limiter);
  closers.add(() => leases.close());
  const pipelineOf = (served: readonly App[]): Pipeline =>
    makePipeline(parts, served, methods, sessions, streams, leases, directory, issuing);
  const judging = pipelineOf(apps);
  const pipeline = new Probed({
    handler: judging,
    forProbes: (kind) => pipelineOf(appsForProbes(apps, kind)),
    sealer: sealer(ring, 'probe'),
    now,
  });
  const limits = engineLimits(config);
  const engines: Engine[] = [];
  for (const [i, listener] of config.listen.entries()) {
    const listening = listenOn(listener, read, config.trusted_proxies);
    const options = { ...listening, limits, onError: onTrouble, onProxyRefused, ...parts.engineOptions?.(i) };
    const engine = await startEngine(options, pipeline);
    engines.push(engine);
    closers.add(() => engine.drain(0));
    watches.add(watchCertificates(engine, listener, { read, now, log }));
  }
  const extAuthz = await startExtAuthz(
    {
      config,
      read,
      judge: (original, how) => judging.judgeOriginal(original, how),
      audit: shared.audit,
      metrics: parts.metrics,
      now,
      log,
      watches,
      listening: (i) => parts.engineOptions?.(config.listen.length + i) ?? {},
    },
    closers,
  );
  const sum = (count: (engine: Engine) => number): number => engines.reduce((total, one) => total + count(one), 0);
  return {
    addresses: [...engines.map(({ address, port }) => `${address}:${port}`), ...extAuthz.addresses],
    directory,
    connections: () => ({
      open: sum((engine) => engine.connections().open),
      tunnels: sum((engine) => engine.connections().tunnels),
      upstreamBusy: sum((engine) => engine.upstreamConnections().busy),
    }),
    revocations: () => revocationsState(opened.revocations, now()),
    look: () => watches.look(),
    revoked: (entries, unwritten) => opened.revocations.hear(entries, unwritten),
    outdated: (subject, at) => outdated.note(subject, at),
    drain: async (graceMs) => {
      await Promise.all([extAuthz, ...engines].map((one) => one.drain(graceMs)));
    },
  };
}

function makePipeline(
  parts: DataPlaneParts,
  apps: readonly App[],
  methods: readonly SignInMethod[],
  sessions: LiveSessions,
  streams: Streams,
  leases: Leases,
  directory: OpenDirectory | undefined,
  issuing: readonly Endpoint[],
): Pipeline {
  const { loaded, shared, ring, signing, metrics, now, log } = parts;
  const { config } = loaded;
  const { prefix } = config;
  const silent = methods.some(({ authenticator }) => authenticator?.challenge !== undefined);
  const endpoints: readonly Endpoint[] = [
    me(config.roles, sessions, config.session.idle),
    authorizationEndpoint(config, apps, methods, directory, now),
    logoutForm(prefix, sessions, silent),
    logout({ prefix, sessions, silent, providerUrl: signOutBy(methods) }),
    jwks(ring, signing),
    ...issuing,
    loginPage(),
    ...methods.flatMap((method) => method.endpoints ?? []),
  ];
  const names = apps.flatMap((app) => Object.values(app.headers)).filter((name) => name !== undefined);
  const clientLeft = sparingly(10, now, (details: object) => log.info(details, 'The client left before the end'));
  const recorder = new Recorder({ audit: shared.audit, metrics, now, onClientLeft: clientLeft });
  const trusted = cidrMatcher(config.trusted_proxies);
  const claims = [...identityFieldNames, ...overrideFieldNames, ...names];
  const stripped = [...claims, ...methods.flatMap((method) => method.stripped ?? [])];
  const byHttp = config.forward_auth.filter(({ grpc }) => grpc === undefined);
  const forwardAuth = new ForwardAuth({
    askers: byHttp.map(({ proxy, from }) => {
      const isOne = cidrMatcher(from ?? config.trusted_proxies);
      return { dialect: dialects[proxy], matches: (address) => trusted(address) && isOne(address) };
    }),
    prefix,
    forged: identityFieldStripper(stripped),
    recorder,
  });
  return new Pipeline({
    apps,
    endpoints,
    forwardAuth: byHttp.length === 0 ? undefined : forwardAuth,
    reading: {
      trusted,
      mayBePlain: config.listen.some((listener) => listener.dangerously_plain_http)
        ? () => true
        : cidrMatcher([...config.trusted_proxies, '127.0.0.0/8', '::1/128']),
      pages: pagesOf(config.pages, reader(loaded), methods.find(({ warning }) => warning !== undefined)?.warning),
      stripIdentity: identityFieldStripper([...stripped, ...forwardedFieldNames, 'X-Request-Id']),
    },
    prefix,
    visitors: new Visitors({ sessions, recorder }),
    sessions,
    streams,
    enforcer: new Enforcer({
      limiter: shared.limiter,
      leases,
      usage: new UsageNotes({ ledger: shared.usage, metrics, models: modelNames(config) }),
      recorder,
      now,
    }),
    recorder,
    now,
  });
}

/** Names of models that the configuration spells out. */
const modelNames = ({ apps }: Pick<Config, 'apps'>): readonly string[] =>
  apps
    .flatMap(({ limits }) => limits?.tiers.flatMap(({ models = [] }) => models) ?? [])
    .filter((name) => !name.includes('*'));
