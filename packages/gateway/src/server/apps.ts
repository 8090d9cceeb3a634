/**
 * The apps behind the gateway, compiled once from the configuration, and the way from
 * host and path to one of them.
 *
 * @module
 */
import type { Tiers } from '../limits/tiers.ts';
import type { Edge } from './edge.ts';
import type { SignInPlan } from './sign-in-plan.ts';
import type { StreamRules } from './streams.ts';
import type { Policy } from '../policy/compile.ts';
import type { HeaderEncoding } from '../wire/identity-fields.ts';
import type { Upstream } from '../wire/http.ts';

export interface App {
  readonly name: string;
  /** Lower case, without port; `*` for the one app that answers to every name (demonstration). */
  readonly hosts: readonly string[];
  /** `/` or a canonical prefix without a slash at its end. */
  readonly pathPrefix: string;
  readonly upstream: Upstream;
  readonly policy: Policy;
  readonly headers: IdentityHeaders;
  readonly headerEncoding: HeaderEncoding;
  readonly audience: string;
  /** What the upstream gets as `Host`; `undefined`: the client's. */
  readonly upstreamHost: string | undefined;
  /** A field by which the upstream knows us, in the place of the client's of that name. A secret; not for what is open to everybody. */
  readonly upstreamCredential?: { readonly name: string; readonly value: string } | undefined;
  /** How much somebody may use it. */
  readonly limits?: AppLimits | undefined;
  /** It is not told of the client, nor of the number of the request. */
  readonly untold?: boolean;
  /** Requests and responses pass as they are: nobody signs in on its hosts, nor to its upstream by another app. */
  readonly asReceived?: boolean;
  readonly allowedOrigins: readonly string[];
  /** What we ourselves say to browsers about it, if anything. */
  readonly edge?: Edge | undefined;
  /** How people sign in here; `none`: Cardea keeps out of it, and the app is open to everybody. */
  readonly signIn: SignInPlan | 'none';
  readonly streams: StreamRules;
  /** Requests that change something must bring the session's token. */
  readonly csrf: boolean;
  /** Where refused pages are sent instead of a 403 page. */
  readonly unauthorized: string | undefined;
}

/** Limits of an app, ready to be asked. */
export interface AppLimits {
  readonly tiers: Tiers;
  /** The content of a request decides too: it names the model, and says how many tokens to set aside. */
  readonly readsContent: boolean;
  /** The longest content that is read. */
  readonly contentBytes: number;
  /** Tokens to set aside for an answer that the request does not bound. */
  readonly usualAnswer: number;
  readonly leaseMs: number;
}

/** Names of the header fields that carry the identity to this app; `undefined` leaves one out. */
export interface IdentityHeaders {
  readonly user: string | undefined;
  readonly upn: string | undefined;
  readonly email: string | undefined;
  readonly name: string | undefined;
  readonly groups: string | undefined;
  readonly roles: string | undefined;
  readonly assertion: string | undefined;
}

/** For an app that is told nothing about who is there. */
export const noIdentityHeaders: IdentityHeaders = {
  user: undefined,
  upn: undefined,
  email: undefined,
  name: undefined,
  groups: undefined,
  roles: undefined,
  assertion: undefined,
};

/**
 * Finds the app for a canonical host and path: the exact host before `*`, and among the
 * apps of a host the longest path prefix. `undefined` when nobody is responsible. Without a path: one of
 * the host's apps, if it has any, for the paths that each host has.
 */
export function findApp(apps: readonly App[], host: string, path: string | undefined): App | undefined {
  let best: App | undefined;
  let bestScore = -1;
  for (const app of apps) {
    const exact = app.hosts.includes(host);
    if ((!exact && !app.hosts.includes('*')) || (path !== undefined && !covers(app.pathPrefix, path))) continue;
    const score = (exact ? 1_000_000 : 0) + app.pathPrefix.length;
    if (score > bestScore) {
      best = app;
      bestScore = score;
    }
  }
  return best;
}

/** A canonical path as servers see it that drop path parameters (`/risk;v=1/x` is `/risk/x` to them). */
export function withoutPathParameters(path: string): string {
  return path.includes(';') || path.includes('%3B') ? path.replace(/(?:;|%3B)[^/]*/g, '') : path;
}

/** Whether `path` is the prefix itself or below it; `/riskier` is not below `/risk`. */
function covers(prefix: string, path: string): boolean {
  return prefix === '/' || path === prefix || (path.startsWith(prefix) && path[prefix.length] === '/');
}
