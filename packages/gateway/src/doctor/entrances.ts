/**
 * The ways in to the gateway: as `listen` has them, or as the command line names them.
 *
 * @module
 */
import { isIP } from 'node:net';
import type { App, Listener } from '../config/schema.ts';
import { addressText } from '../config/values/address.ts';
import type { Env } from './check.ts';
import type { Place } from './connect.ts';

/** One way to one app, by one of its names. */
export interface Entrance {
  readonly app: App;
  /** A name of the app; for `"*"` the address itself. */
  readonly host: string;
  readonly url: URL;
  readonly place: Place;
  /** `undefined` for one that the command line names: something else may stand there. */
  readonly listener: Listener | undefined;
}

/** Whether an address stands for all of this machine's. */
export const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** Every name of every app by every way in. Listeners that want the PROXY protocol are left out. */
export async function entrances(env: Env): Promise<readonly Entrance[]> {
  const { apps } = env.loaded.config;
  const named = apps.flatMap((app) => app.host.map((host) => ({ app, host })));
  const ways = env.urls.length > 0 ? byUrl(env, named) : byListener(env, named);
  return (await Promise.all(ways)).flat();
}

type Named = { readonly app: App; readonly host: string };

function byListener(env: Env, named: readonly Named[]): Promise<readonly Entrance[]>[] {
  const listeners = env.loaded.config.listen.filter(({ proxy_protocol: proxied }) => proxied === undefined);
  return listeners.flatMap((listener) =>
    named.map(async ({ app, host }) => {
      const { port } = listener.address;
      const scheme = listener.tls === undefined ? 'http' : 'https';
      return (await placesOf(env, listener, host)).map((at): Entrance => {
        const name = host === '*' ? bracketed(at) : host;
        const url = new URL(`${scheme}://${name}:${port}${app.path}`);
        return { app, host: name, url, place: { host: at, port }, listener };
      });
    }),
  );
}

/** One address is enough: what listens on all of them is one program. */
async function placesOf(env: Env, { address }: Listener, host: string): Promise<readonly string[]> {
  if (env.side === 'gateway') {
    if (!isWildcard(address.host)) return [address.host];
    // Not by loopback, if there is another way: what comes from there may be trusted more than what comes from others.
    const others = env.addresses.filter(
      (one) => !isLoopbackAddress(one) && isIP(one) === (address.host === '::' ? 6 : 4),
    );
    return [others[0] ?? (address.host === '::' ? '::1' : '127.0.0.1')];
  }
  if (env.targets.length > 0) return env.targets;
  return host === '*' ? [] : (await env.names.addresses(host).catch(() => [])).slice(0, 1);
}

function byUrl(env: Env, named: readonly Named[]): Promise<readonly Entrance[]>[] {
  return env.urls.map(async (url): Promise<readonly Entrance[]> => {
    const host = url.hostname;
    const { app } = named.find((one) => one.host === host) ?? named.find((one) => one.host === '*') ?? {};
    if (app === undefined) return [];
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    const [address] = env.targets.length > 0 ? env.targets : await env.names.addresses(plain(host));
    const at = new URL(app.path, url);
    return address === undefined ? [] : [{ app, host, url: at, place: { host: address, port }, listener: undefined }];
  });
}

const plain = (host: string): string => host.replace(/^\[|\]$/g, '');
const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** Whether only this machine can reach an address. */
export const isLoopbackAddress = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** `https://desk.corp.example:8443 at 10.0.0.5:8443`. */
export const entranceText = ({ url, place }: Entrance): string => `${url.origin} at ${addressText(place)}`;
