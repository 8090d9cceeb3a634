/**
 * The composition root: the only file that knows every adapter, reads the clock and
 * decides the order of starting and stopping.
 *
 * @module
 */
import type { Writable } from 'node:stream';
import { type Engine, startEngine } from '@cardea/http1';
import { createAcceptor, parseKeytab } from '@cardea/kerberos';
import { type Logger, pino } from 'pino';
import { fanOut } from './audit/fan-out.ts';
import { auditTables, sqliteAudit } from './audit/sqlite.ts';
import { streamAudit } from './audit/stdout.ts';
import type { Authenticator } from './auth/authenticator.ts';
import { negotiate } from './auth/negotiate.ts';
import { type PasswordSource, passwordSource } from './auth/password.ts';
import { SessionCache } from './auth/session-cache.ts';
import { sessionCookies } from './auth/session-cookie.ts';
import type { Loaded } from './config/load.ts';
import type { App as AppConfig, Config, Listener, Negotiate } from './config/schema.ts';
import { chainDirectories } from './directory/chain.ts';
import { ldapDirectory } from './directory/ldap.ts';
import { tableDirectory } from './directory/table.ts';
import { sparingly } from './core/sparingly.ts';
import { compilePolicy } from './policy/compile.ts';
import type { Directory } from './ports/directory.ts';
import type { ReplayCache } from './ports/replay-cache.ts';
import { AdminHandler } from './server/admin.ts';
import type { App } from './server/apps.ts';
import type { Endpoint } from './server/endpoints/endpoint.ts';
import { jwks } from './server/endpoints/jwks.ts';
import { login, loginForm } from './server/endpoints/login.ts';
import { logout, logoutForm } from './server/endpoints/logout.ts';
import { me } from './server/endpoints/me.ts';
import { type Live, LiveSessions } from './server/live-sessions.ts';
import { createMetrics } from './server/metrics.ts';
import { Pipeline } from './server/pipeline.ts';
import { Recorder } from './server/recorder.ts';
import { Visitors } from './server/visitors.ts';
import { openDatabase } from './stores/database.ts';
import { openKeys } from './stores/key-file.ts';
import { startKeyRotation } from './stores/key-rotation.ts';
import { replayCacheTables, sqliteReplayCache } from './stores/replay-cache-sqlite.ts';
import { assertions } from './tokens/assertion.ts';
import { KeyRing } from './tokens/key-ring.ts';
import { sealer } from './tokens/seal.ts';
import { cidrMatcher } from './wire/cidr.ts';
import { forwardedFieldNames } from './wire/forwarded.ts';
import { identityFieldNames, identityFieldStripper, overrideFieldNames } from './wire/field-names.ts';

/** A gateway that is running. */
export interface Gateway {
  /** Where it listens, as `127.0.0.1:8080`, in the order of the configuration. */
  readonly addresses: readonly string[];
  readonly adminAddress: string | undefined;
  /** Sockets open now: those of clients (tunnels among them), and those to apps that carry a request. */
  connections(): { readonly open: number; readonly tunnels: number; readonly upstreamBusy: number };
  /** Stops accepting, lets requests end within `graceMs`, ends sockets, writes what is buffered. Safe to call twice. */
  close(graceMs?: number): Promise<void>;
}

/** What a gateway gets from the process it runs in; tests bring their own. */
export interface Surroundings {
  readonly now?: () => number;
  /** Where audit events go as JSON lines, if the configuration asks for them. */
  readonly auditStream?: Writable;
  readonly log?: Logger;
}

/** Starts everything that the configuration asks for. Whatever fails at the start is thrown, after the parts already started were closed. */
export async function startGateway(loaded: Loaded, surroundings: Surroundings = {}): Promise<Gateway> {
  const now = surroundings.now ?? Date.now;
  const log = surroundings.log ?? defaultLog(loaded.config.log.level);
  const closers: (() => unknown)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    return await assemble(loaded, { ...surroundings, now, log }, closers, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Lines of JSON on standard error, with the level as a word and the time as ISO 8601 has it. */
function defaultLog(level: string): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, base: null, formatters, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}

async function assemble(
  loaded: Loaded,
  { now, log, auditStream }: Surroundings & { readonly now: () => number; readonly log: Logger },
  closers: (() => unknown)[],
  closeAll: () => Promise<void>,
): Promise<Gateway> {
  const { config } = loaded;
  const read = reader(loaded);
  const onTrouble = (message: string, cause?: unknown): void => log.error({ err: cause }, message);
  const clientLeft = sparingly(10, now, (details: object) => log.info(details, 'The client left before the end'));
  const database = openDatabase(config.state, [auditTables, replayCacheTables]);
  closers.push(() => database.close());
  const ring = new KeyRing(openKeys(config.state, now()));
  const rotation = startKeyRotation({
    state: config.state,
    ring,
    everyMs: config.session.key_rotation,
    longestUseMs: config.session.lifetime,
    now,
    onRotated: (key) => log.info({ key }, 'A new key seals sessions from now on'),
    onTrouble,
  });
  closers.push(() => rotation.close());
  const replayCache = sqliteReplayCache(database, now);
  closers.push(() => replayCache.close());

  const audit = fanOut(
    [
      ...(config.audit.stdout ? [streamAudit(auditStream ?? process.stdout, { onTrouble })] : []),
      ...(config.audit.sqlite ? [sqliteAudit({ database, retainMs: config.audit.retain, onTrouble })] : []),
    ],
    onTrouble,
  );
  closers.push(() => audit.close());

  const directory = openDirectory(config, read, onTrouble);
  if (directory !== undefined) closers.push(() => directory.close());

  const metrics = createMetrics();
  const signer = assertions({ ring, issuer: 'cardea' });
  const sessions = new LiveSessions({
    cookies: sessionCookies({ sealer: sealer(ring, 'session'), idleMs: config.session.idle }),
    // A minute: what the directory says about a person in the middle of a session is heard within that time.
    cache: new SessionCache<Live>({ maxEntries: 20_000, maxAgeMs: 60_000 }),
    directory,
    roles: config.roles,
    idleMs: config.session.idle,
    sameSite: config.session.cookie.same_site,
    assertion: (app, identity, roles, at) => signer.assertionFor(app.audience, identity, roles, at),
    assertionReuseMs: 60_000,
  });

  const { authenticators, passwords } = signInMethods(loaded, read, replayCache, directory);
  const silent = authenticators.length > 0;
  const { prefix } = config;
  const endpoints: readonly Endpoint[] = [
    me(config.roles, config.session.idle),
    logoutForm(prefix, silent),
    logout(sessions, silent),
    jwks(ring),
    ...(passwords === undefined ? [] : [loginForm(prefix), login(prefix, passwords, sessions)]),
  ];
  const apps = config.apps.map((app) => compileApp(app, read));
  const names = apps.flatMap((app) => Object.values(app.headers)).filter((name) => name !== undefined);
  const recorder = new Recorder({ audit, metrics, now, onClientLeft: clientLeft });
  const offer = {
    prefix,
    challenges: authenticators.map(({ challenge }) => challenge).filter((value) => value !== undefined),
    form: passwords !== undefined,
  };
  const pipeline = new Pipeline({
    apps,
    endpoints,
    reading: {
      trusted: cidrMatcher(config.trusted_proxies),
      mayBePlain: config.listen.some((listener) => listener.dangerously_plain_http)
        ? () => true
        : cidrMatcher([...config.trusted_proxies, '127.0.0.0/8', '::1/128']),
      stripIdentity: identityFieldStripper([
        ...identityFieldNames,
        ...overrideFieldNames,
        ...forwardedFieldNames,
        'X-Request-Id',
        ...names,
      ]),
    },
    offer,
    visitors: new Visitors({ authenticators, offer, sessions, recorder }),
    sessions,
    recorder,
    now,
  });

  let draining = false;
  const engines: Engine[] = [];
  const limits = {
    headBytes: config.limits.head,
    headerCount: config.limits.headers,
    headTimeoutMs: config.limits.head_timeout,
    idleTimeoutMs: config.limits.idle,
    bodyBytes: config.limits.body,
    bodyTimeoutMs: config.limits.body_timeout,
    writeTimeoutMs: config.limits.write_timeout,
    ...(config.trusted_proxies.length > 0 ? {} : { connectionsPerAddress: config.limits.connections_per_address }),
  };
  for (const listener of config.listen) {
    const engine = await startEngine({ ...listenOn(listener, read), limits, onError: onTrouble }, pipeline);
    engines.push(engine);
    closers.push(() => engine.drain(0));
  }
  let admin: Engine | undefined;
  if (config.admin !== false) {
    const handler = new AdminHandler({ metrics, directory, draining: () => draining, database });
    admin = await startEngine({ ...bindTo(config.admin.address), limits, onError: onTrouble }, handler);
    closers.push(() => admin?.drain(0));
  }
  const connections = (): ReturnType<Gateway['connections']> => {
    const sum = (count: (engine: Engine) => number): number => engines.reduce((total, one) => total + count(one), 0);
    return {
      open: sum((engine) => engine.connections().open),
      tunnels: sum((engine) => engine.connections().tunnels),
      upstreamBusy: sum((engine) => engine.upstreamConnections().busy),
    };
  };
  const addresses = engines.map(({ address, port }) => `${address}:${port}`);
  log.info({ addresses }, 'Cardea is listening');
  let closing: Promise<void> | undefined;
  return {
    addresses,
    connections,
    adminAddress: admin && `${admin.address}:${admin.port}`,
    close: (graceMs = 10_000) => {
      draining = true;
      if (closing === undefined)
        log.info({ ...connections(), graceMs }, 'Cardea is stopping; what is under way may finish');
      closing ??= Promise.all(engines.map((engine) => engine.drain(graceMs)))
        .then(closeAll)
        .then(() => log.info('Cardea has stopped'));
      return closing;
    },
  };
}

type Read = (path: string) => Buffer;

/** Files were read when the configuration was checked; what was checked is what is used. */
function reader({ files }: Loaded): Read {
  return (path) => {
    const file = files.read(path);
    if (file.kind === 'wrong') throw new Error(`Cannot start: ${file.message}`);
    return Buffer.from(file.value);
  };
}

function openDirectory(config: Config, read: Read, onTrouble: (message: string) => void): Directory | undefined {
  const { ldap, groups } = config.directory;
  const directories: Directory[] = [];
  if (Object.keys(groups).length > 0) directories.push(tableDirectory(groups));
  if (ldap !== undefined)
    directories.push(
      ldapDirectory({
        url: ldap.url,
        startTls: ldap.start_tls,
        ca: ldap.ca === undefined ? undefined : read(ldap.ca).toString(),
        user: ldap.bind.user,
        password: ldap.bind.password,
        base: ldap.base,
        cacheMs: ldap.cache,
        timeoutMs: ldap.timeout,
        onTrouble,
      }),
    );
  return directories.length === 0 ? undefined : chainDirectories(directories);
}

/** Every sign-in method of the configuration: one branch each. */
function signInMethods(
  { config, users }: Loaded,
  read: Read,
  replayCache: ReplayCache,
  directory: Directory | undefined,
): { readonly authenticators: readonly Authenticator[]; readonly passwords: PasswordSource | undefined } {
  const authenticators: Authenticator[] = [];
  let passwords: PasswordSource | undefined;
  for (const method of config.sign_in) {
    if (method.negotiate !== undefined)
      authenticators.push(kerberos(method.negotiate, read, config.session.lifetime, replayCache, directory));
    if (method.password !== undefined) passwords = passwordSource({ users, lifetimeMs: config.session.lifetime });
  }
  return { authenticators, passwords };
}

function kerberos(
  options: Negotiate,
  read: Read,
  lifetimeMs: number,
  replayCache: ReplayCache,
  directory: Directory | undefined,
): Authenticator {
  const keytab = parseKeytab(read(options.keytab));
  const acceptor = createAcceptor({
    keytab,
    requirePac: options.pac === 'required',
    replayCache,
    maxSkewMs: options.clock_skew,
    requireChannelBindings: options.channel_bindings === 'required',
    dangerouslyAllowRc4: options.dangerously_allow_rc4,
    // A keytab may hold other services of this machine, such as host/: their tickets are not for us.
    services: options.services ?? keytab.principals.filter((name) => /^HTTP\//i.test(name)),
    ...(options.realms === undefined ? {} : { clientRealms: options.realms }),
  });
  return negotiate({ acceptor, lifetimeMs, domains: options.domains, directory });
}

function compileApp(app: AppConfig, read: Read): App {
  const header = (name: string | false): string | undefined => (name === false ? undefined : name);
  const { user, upn, email, name, groups, roles, assertion } = app.headers;
  return {
    name: app.name,
    hosts: app.host,
    pathPrefix: app.path,
    upstream: {
      origin: app.upstream.url,
      ca: app.upstream.ca === undefined ? undefined : read(app.upstream.ca).toString(),
      connectTimeoutMs: app.upstream.connect_timeout,
      responseTimeoutMs: app.upstream.response_timeout,
    },
    policy: compilePolicy(app.rules),
    headers: {
      user: header(user),
      upn: header(upn),
      email: header(email),
      name: header(name),
      groups: header(groups),
      roles: header(roles),
      assertion: header(assertion),
    },
    headerEncoding: app.header_encoding,
    audience: app.assertion.audience,
    upstreamHost: app.host_header === 'upstream' ? new URL(app.upstream.url).host : undefined,
    allowedOrigins: app.allowed_origins,
    unauthorized: app.unauthorized,
  };
}

function listenOn(
  { address, tls }: Listener,
  read: Read,
): { address: string; port: number; tls?: { cert: string; key: string } } {
  return {
    ...bindTo(address),
    ...(tls === undefined ? {} : { tls: { cert: read(tls.cert).toString(), key: read(tls.key).toString() } }),
  };
}

const bindTo = ({ host, port }: Listener['address']): { address: string; port: number } => ({ address: host, port });
