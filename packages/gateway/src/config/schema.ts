import { z } from 'zod';
import type { SchemaContext } from './context.ts';
import { apps } from './sections/apps.ts';
import { authorizationApi } from './sections/authorization-api.ts';
import { directory, roles } from './sections/directory.ts';
import { issuerSection } from './sections/issuer.ts';
import { forwardAuth } from './sections/forward-auth.ts';
import { audit, limits, log } from './sections/limits.ts';
import { admin, listen, ownPrefix, trustedProxies } from './sections/listen.ts';
import { pages } from './sections/pages.ts';
import { redis } from './sections/redis.ts';
import { session, state } from './sections/session.ts';
import { signIn } from './sections/sign-in.ts';
import { threads } from './sections/threads.ts';
import { usage } from './sections/usage.ts';

/** Every section of the configuration, in the order of the reference. */
export const sections = (context: SchemaContext) => ({
  listen: listen(context),
  admin: admin(context),
  trusted_proxies: trustedProxies(),
  prefix: ownPrefix(),
  forward_auth: forwardAuth(context),
  state: state(context),
  session: session(),
  redis: redis(context),
  sign_in: signIn(context),
  directory: directory(context),
  roles: roles(),
  issuer: issuerSection(context),
  apps: apps(context),
  authorization_api: authorizationApi(),
  pages: pages(context),
  limits: limits(),
  threads: threads(),
  audit: audit(),
  usage: usage(context),
  log: log(),
});

/** The one description of a right configuration: it validates, and the reference and the JSON Schema are made of it. */
export const configSchema = (context: SchemaContext) => z.strictObject(sections(context));

/** The same, and nothing of it may be changed. */
export type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends (...args: never[]) => unknown
    ? T
    : T extends { reveal(): string }
      ? T
      : T extends object
        ? { readonly [K in keyof T]: Frozen<T[K]> }
        : T;

/** A configuration that has been checked: defaults filled in, paths absolute, durations in milliseconds, sizes in bytes. */
export type Config = Frozen<z.output<ReturnType<typeof configSchema>>>;

export type App = Config['apps'][number];
export type SignIn = Config['sign_in'][number];
export type Negotiate = NonNullable<SignIn['negotiate']>;
export type Listener = Config['listen'][number];
