/**
 * The issuer of the configuration: its keys, once in the process; its endpoints, in each data plane.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { KnownApiKeys } from '../auth/api-key.ts';
import type { OwnTokens } from '../auth/own-token.ts';
import type { RevocationList } from '../auth/revocation-list.ts';
import type { Loaded } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { compilePolicy } from '../policy/compile.ts';
import { type App, noIdentityHeaders } from '../server/apps.ts';
import type { Endpoint } from '../server/endpoints/endpoint.ts';
import { tokenEndpoints } from '../server/endpoints/token.ts';
import type { TokenClient } from '../server/endpoints/token-client.ts';
import { tokenMetadata } from '../server/endpoints/token-metadata.ts';
import type { LiveSessions } from '../server/live-sessions.ts';
import type { Metrics } from '../server/metrics.ts';
import type { SignInPlan } from '../server/sign-in-plan.ts';
import type { RedisConnection } from '../stores/redis.ts';
import { keepSigningKeys, longestSealedKeys } from '../stores/signing-key-keeper.ts';
import { redisSigningKeys } from '../stores/signing-keys-redis.ts';
import { sqliteSigningKeys } from '../stores/signing-keys-sqlite.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import { readSigningKey } from '../tokens/signing-key.ts';
import { SigningRing } from '../tokens/signing-ring.ts';
import { usualStreams } from '../server/streams.ts';
import type { Closers } from './closers.ts';
import { troubleLog } from './log.ts';
import type { Shared } from './process-parts.ts';
import { type Read, reader } from './read.ts';
import { planOf, type SignInMethod } from './sign-in.ts';

export type IssuerConfig = Exclude<Config['issuer'], false>;

/** The issuer's keys in this process. */
export interface Signing {
  readonly ring: SigningRing;
  /** The first attempt to have keys is over. Never rejects. */
  readonly ready: Promise<void>;
}

export interface SigningParts {
  readonly ring: KeyRing;
  readonly database: DatabaseSync;
  readonly redis: RedisConnection | undefined;
  readonly now: () => number;
  readonly log: Logger;
  /** After the signing ring has got other keys. */
  readonly onChanged: () => void;
}

/** Opens them: from files, or from the store, where they are made and turned. `undefined` without an issuer. */
export function openSigning(loaded: Loaded, parts: SigningParts, closers: Closers): Signing | undefined {
  const { issuer } = loaded.config;
  if (issuer === false) return undefined;
  const { files } = issuer.keys;
  if (files !== undefined) return { ring: ringOfFiles(files, reader(loaded)), ready: Promise.resolve() };
  const { ring: sealing, database, redis, now, log, onChanged } = parts;
  const ring = new SigningRing();
  const keeper = keepSigningKeys({
    store: redis === undefined ? sqliteSigningKeys(database) : redisSigningKeys(redis),
    sealer: sealer(sealing, 'signing-keys', longestSealedKeys),
    ring,
    schedule: scheduleOf(issuer),
    sealingKey: () => sealing.newest.id,
    now,
    onChanged: (made) => {
      if (made !== undefined) log.info({ key: made }, 'The issuer has a new key');
      onChanged();
    },
    onTrouble: troubleLog(log),
  });
  closers.add(() => keeper.close());
  return { ring, ready: keeper.ready };
}

/** How the issuer's keys turn. */
export const scheduleOf = ({ keys, clients }: IssuerConfig) => ({
  algorithm: keys.algorithm,
  bits: keys.bits,
  everyMs: keys.rotate,
  aheadMs: keys.publish_ahead,
  longestTokenMs: Math.max(...clients.map(({ lifetime }) => lifetime)),
});

function ringOfFiles(files: NonNullable<IssuerConfig['keys']['files']>, read: Read): SigningRing {
  return new SigningRing(
    files.map(({ file, from = 0 }) => ({ ...readSigningKey(read(file)), createdAt: from, usedFrom: from })),
  );
}

/** Methods whose credentials are for one thing alone, and get nobody a token. */
const forOneThing: ReadonlySet<string> = new Set(['stream_token', 'approval']);

/** How people show who they are when they ask for a token. */
export function issuerPlan({ sign_in }: IssuerConfig, methods: readonly SignInMethod[], prefix: string): SignInPlan {
  const fit = methods.filter(({ authenticator }) => !forOneThing.has(authenticator?.kind ?? ''));
  const plan = planOf({ name: '(issuer)', sign_in }, fit, prefix);
  if (plan === 'none') throw new TypeError('The issuer has ways to sign in');
  return plan;
}

/**
 * An app that nobody is let in to, for the issuer's host where no other app has it: so that its endpoints are there. No app of the
 * configuration can have its name.
 */
export function issuerApp({ url }: IssuerConfig, plan: SignInPlan, apps: readonly App[]): readonly App[] {
  const { hostname } = new URL(url);
  if (apps.some(({ hosts }) => hosts.includes(hostname) || hosts.includes('*'))) return [];
  return [
    {
      name: '(issuer)',
      hosts: [hostname],
      pathPrefix: '/',
      // Never asked: no rule lets anybody through.
      upstream: { origin: 'http://127.0.0.1:9', ca: undefined, connectTimeoutMs: 1_000, responseTimeoutMs: 1_000 },
      policy: compilePolicy([]),
      headers: noIdentityHeaders,
      headerEncoding: 'percent',
      audience: '(issuer)',
      upstreamHost: undefined,
      allowedOrigins: [],
      signIn: plan,
      streams: usualStreams,
      csrf: false,
      unauthorized: undefined,
    },
  ];
}

export interface IssuerParts {
  readonly config: IssuerConfig;
  readonly plan: SignInPlan;
  readonly ring: SigningRing;
  readonly own: OwnTokens;
  readonly shared: Pick<Shared, 'apiKeys'>;
  readonly revocations: () => RevocationList;
  readonly sessions: LiveSessions;
  readonly metrics: Metrics;
}

/** What the issuer answers to. */
export function issuerEndpoints({ config, plan, ring, own, shared, ...parts }: IssuerParts): readonly Endpoint[] {
  const keys = new KnownApiKeys(shared.apiKeys);
  const { revocations, sessions, metrics } = parts;
  const clients = config.clients.map(clientOf);
  return [
    ...tokenEndpoints({
      issuer: config.url,
      clients,
      ring,
      plan,
      own,
      revocations,
      sessions,
      mayUse: (identity, what, now) => keys.mayUse(identity, what, now),
      count: (client, result) => metrics.tokens.inc({ client, result }),
    }),
    ...tokenMetadata({
      issuer: config.url,
      algorithms: () => [...new Set(ring.keys.map(({ algorithm }) => algorithm))],
      scopes: [...new Set(clients.flatMap(({ scopes }) => scopes))],
    }),
  ];
}

const clientOf = (client: IssuerConfig['clients'][number]): TokenClient => ({
  id: client.id,
  audiences: client.audience,
  groups: client.groups,
  allow: client.allow && { groups: client.allow.groups ?? [], roles: client.allow.roles ?? [] },
  lifetimeMs: client.lifetime,
  roles: client.roles,
  scopes: client.scopes,
  signIn: client.sign_in && new Set(client.sign_in),
  pages: client.pages,
});
