/**
 * Where the keys of a bearer token's issuer come from: an address, the issuer's metadata,
 * or a file.
 *
 * @module
 */
import type { JSONWebKeySet } from 'jose';
import { isProviderUrl, type Outbound } from './oidc/outbound.ts';
import { ProviderKeys } from './oidc/provider-keys.ts';
import { ProviderUnavailable } from './oidc/refusal.ts';
import { isObject } from './oidc/token.ts';

/** Gives the keys of one issuer. Rejects with `ProviderUnavailable` when it is not known where they are. */
export type IssuerKeys = (now: number) => ProviderKeys | Promise<ProviderKeys>;

/** The keys at an address (RFC 7517, 5): fetched when first needed, and once more for a key that is not among them. */
export function keysAt(url: string, outbound: Pick<Outbound, 'fetch'>): IssuerKeys {
  const keys = new ProviderKeys(url, outbound);
  return () => keys;
}

/** The keys of a file that was read at the start. */
export function keysOf(set: JSONWebKeySet): IssuerKeys {
  return keysAt('', { fetch: async () => Response.json(set) });
}

/** How long nobody asks again for metadata that could not be had. */
const pauseMs = 10_000;

/** The keys that the issuer's metadata names (OpenID Connect Discovery 1.0, 4; RFC 8414, 3). Looked for until it was found once. */
export function keysByDiscovery(issuer: string, outbound: Pick<Outbound, 'fetch'>, loopbackHttp: boolean): IssuerKeys {
  let found: ProviderKeys | undefined;
  let asking: Promise<ProviderKeys> | undefined;
  let failure: { readonly message: string; readonly until: number } | undefined;

  async function discover(now: number): Promise<ProviderKeys> {
    try {
      const url = await keysUrl(issuer, outbound, loopbackHttp);
      found = new ProviderKeys(url, outbound);
      return found;
    } catch (error) {
      const message = `Cannot read the metadata of ${issuer}: ${error instanceof Error ? error.message : 'unknown error'}`;
      failure = { message, until: now + pauseMs };
      throw new ProviderUnavailable(message, pauseMs, { cause: error });
    } finally {
      asking = undefined;
    }
  }

  return (now) => {
    if (found !== undefined) return found;
    if (asking === undefined && failure !== undefined && now < failure.until)
      return Promise.reject(new ProviderUnavailable(failure.message, failure.until - now));
    asking ??= discover(now);
    return asking;
  };
}

async function keysUrl(issuer: string, outbound: Pick<Outbound, 'fetch'>, loopbackHttp: boolean): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await outbound.fetch(address, { headers: { accept: 'application/json' } });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  const metadata: unknown = await response.json();
  if (!isObject(metadata)) throw new Error('it is not a JSON object');
  // Whoever may write below this address must not speak for another issuer.
  if (metadata['issuer'] !== issuer) throw new Error('it states another issuer');
  const url = metadata['jwks_uri'];
  if (typeof url !== 'string' || !isProviderUrl(url, loopbackHttp)) throw new Error('its jwks_uri is not an https URL');
  return url;
}
