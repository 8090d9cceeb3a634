/**
 * The proxies that are compared, each started with the same options.
 *
 * @module
 */
import { caddyPath, startCaddy } from './caddy.ts';
import { haproxyPath, startHaproxy } from './haproxy.ts';
import { startBareNode, startCardea } from './measured.ts';
import { nginxPath, startNginxProxy } from './nginx.ts';
import { missingPrograms, type Server } from './programs.ts';
import type { ProxyOptions } from './proxy-options.ts';
import { sessionConfig, sessionCookie, writeUsers } from './session-gateway.ts';
import type { Surroundings } from './surroundings.ts';

interface Kind {
  readonly what: string;
  /** Without it on this machine, this one is left out. */
  readonly needs?: string;
  readonly start: (options: ProxyOptions) => Promise<Server>;
}

const kinds = {
  nginx: { what: 'nginx, proxy_pass', needs: nginxPath, start: (options) => startNginxProxy(options, false) },
  nginxAsked: {
    what: 'nginx, auth_request and proxy_pass',
    needs: nginxPath,
    start: (options) => startNginxProxy(options, true),
  },
  haproxy: { what: 'HAProxy', needs: haproxyPath, start: startHaproxy },
  caddy: { what: 'Caddy, reverse_proxy', needs: caddyPath, start: (options) => startCaddy(options, false) },
  caddyAsked: {
    what: 'Caddy, forward_auth and reverse_proxy',
    needs: caddyPath,
    start: (options) => startCaddy(options, true),
  },
  node: {
    what: 'node:http in and out, nothing else',
    start: ({ upstreamPort }) => startBareNode('bare-node.ts', { upstreamPort }),
  },
  nodeFetch: {
    what: 'node:http in, fetch (undici) out, nothing else',
    start: ({ upstreamPort }) => startBareNode('bare-fetch.ts', { upstreamPort }),
  },
  cardea: {
    what: 'Cardea, session checked, identity added',
    start: async (options) => {
      await writeUsers(options.folder);
      return startCardea(options.folder, sessionConfig(options.upstreamPort), options);
    },
  },
} satisfies Readonly<Record<string, Kind>>;

export type ProxyKind = keyof typeof kinds;

export interface Proxy extends Server {
  readonly what: string;
  /** `http://127.0.0.1:1234`. */
  readonly origin: string;
}

/** What this machine lacks for these kinds; the others can be measured nevertheless. */
export function missingKinds(names: readonly ProxyKind[]): readonly ProxyKind[] {
  return names.filter((name) => {
    const { needs }: Kind = kinds[name];
    return needs !== undefined && missingPrograms(needs).length > 0;
  });
}

/** For `Comparison.remarks`: which kinds are not in it, and what they need. */
export function remarksOnMissing(names: readonly ProxyKind[]): readonly string[] {
  return missingKinds(names).map((name) => {
    const { what, needs }: Kind = kinds[name];
    return `Left out: ${what}; this machine has no ${needs}.`;
  });
}

/** Starts those of these kinds that this machine has, until the end of the part. */
export async function startProxies(
  names: readonly ProxyKind[],
  options: Omit<ProxyOptions, 'folder'>,
  { folder, started }: Pick<Surroundings, 'folder' | 'started'>,
): Promise<readonly Proxy[]> {
  const missing = missingKinds(names);
  const proxies: Proxy[] = [];
  for (const name of names.filter((each) => !missing.includes(each))) {
    const { what, start }: Kind = kinds[name];
    const server = await started(start({ ...options, folder: folder() }));
    const scheme = options.tls === undefined ? 'http' : 'https';
    proxies.push({ ...server, what, origin: `${scheme}://127.0.0.1:${server.port}` });
  }
  return proxies;
}

/** Alice's session with the Cardea among these. Everybody gets it, so that all requests are the same. */
export async function cookieOf(proxies: readonly Proxy[]): Promise<string> {
  const cardea = proxies.find(({ what }) => what === kinds.cardea.what);
  return cardea === undefined ? '' : sessionCookie(cardea.origin);
}
