/**
 * A provider's metadata (OpenID Connect Discovery 1.0): fetched when first needed and kept for an hour. A provider that
 * is down makes nobody wait twice: until the next try is due, the answer is there at once.
 *
 * @module
 */
import * as client from 'openid-client';
import { clientAuthentication, clientMetadata } from './client-authentication.ts';
import type { OidcOptions } from './options.ts';
import { isLoopbackHost, isProviderUrl, type Outbound } from './outbound.ts';
import { ProviderKeys } from './provider-keys.ts';
import { ProviderUnavailable } from './refusal.ts';

/** What is known about a provider that has been found. */
export interface Discovered {
  readonly issuer: string;
  readonly configuration: client.Configuration;
  readonly keys: ProviderKeys;
  /** Whether answers carry `iss` (RFC 9207). */
  readonly statesIssuer: boolean;
  readonly endSession: boolean;
}

const maxAgeMs = 3_600_000;
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

/** One provider's metadata. */
export class Discovery {
  readonly #options: OidcOptions;
  readonly #outbound: Outbound;
  readonly #exchanges: Outbound;
  #known: { readonly found: Discovered; readonly at: number } | undefined;
  #asking: Promise<Discovered> | undefined;
  #failure: { readonly message: string; readonly nextTryAt: number; readonly pauseMs: number } | undefined;

  /** `exchanges`: the way for what is asked with the metadata that was found. */
  constructor(options: OidcOptions, outbound: Outbound, exchanges: Outbound) {
    this.#options = options;
    this.#outbound = outbound;
    this.#exchanges = exchanges;
  }

  /** Throws `ProviderUnavailable` when there is no metadata to be had. What is too old serves on while newer cannot be had. */
  async current(now: number): Promise<Discovered> {
    if (this.#known !== undefined && now - this.#known.at < maxAgeMs) return this.#known.found;
    const old = this.#known?.found;
    if (this.#asking === undefined && this.#failure !== undefined && now < this.#failure.nextTryAt) {
      if (old !== undefined) return old;
      throw new ProviderUnavailable(this.#failure.message, this.#failure.nextTryAt - now);
    }
    this.#asking ??= this.#ask(now).finally(() => {
      this.#asking = undefined;
    });
    if (old === undefined) return this.#asking;
    return this.#asking.catch(() => old);
  }

  async #ask(now: number): Promise<Discovered> {
    try {
      const found = await discover(this.#options, this.#outbound, this.#known?.found);
      found.configuration[client.customFetch] = (url, init) => this.#exchanges.fetch(url, init);
      this.#known = { found, at: now };
      this.#failure = undefined;
      return found;
    } catch (error) {
      const pauseMs = Math.min(longestPauseMs, (this.#failure?.pauseMs ?? firstPauseMs / 2) * 2);
      const message = `Cannot read the metadata of "${this.#options.id}": ${why(error)}`;
      this.#failure = { message, nextTryAt: now + pauseMs, pauseMs };
      throw new ProviderUnavailable(message, pauseMs, { cause: error });
    }
  }
}

/** Plain HTTP is for a provider on this machine only, and only when the configuration itself names it so. */
export function usesLoopbackHttp({ issuer, discovery }: Pick<OidcOptions, 'issuer' | 'discovery'>): boolean {
  const url = new URL(discovery ?? issuer ?? 'https://invalid');
  return url.protocol === 'http:' && isLoopbackHost(url.hostname);
}

async function discover(options: OidcOptions, outbound: Outbound, before: Discovered | undefined): Promise<Discovered> {
  const loopbackHttp = usesLoopbackHttp(options);
  const configuration = await client.discovery(
    new URL(options.discovery ?? options.issuer ?? ''),
    options.clientId,
    clientMetadata,
    await clientAuthentication(options.authentication),
    {
      [client.customFetch]: (url, init) => outbound.fetch(url, init),
      timeout: options.timeoutMs / 1000,
      execute: loopbackHttp ? [client.allowInsecureRequests] : [],
    },
  );
  const metadata = configuration.serverMetadata();
  const { issuer, jwks_uri: jwksUri } = metadata;
  if (options.issuer !== undefined && options.discovery !== undefined && issuer !== options.issuer)
    throw new Error('it states another issuer than the configuration');
  if (issuer.includes('{tenantid}') && options.tenants.length === 0)
    throw new Error('its issuer stands for every tenant, and the configuration names no tenants');
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const)
    if (metadata[name] === undefined) throw new Error(`it has no ${name}`);
  for (const name of endpoints) {
    const url = metadata[name];
    // The authorization and end-session endpoints go to the browser: nothing but a web address may stand there.
    if (url !== undefined && (typeof url !== 'string' || !isProviderUrl(url, loopbackHttp)))
      throw new Error(`its ${name} is not an https URL`);
  }
  return {
    issuer,
    configuration,
    // The keys outlive the metadata, as long as they are at the same place.
    keys: before !== undefined && before.keys.url === jwksUri ? before.keys : new ProviderKeys(jwksUri ?? '', outbound),
    statesIssuer: metadata.authorization_response_iss_parameter_supported === true,
    endSession: metadata.end_session_endpoint !== undefined,
  };
}

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'end_session_endpoint',
] as const;

/** The library puts the reason into the cause of an error that says little. */
function why(error: unknown): string {
  let deepest: unknown = error;
  for (let i = 0; i < 5 && deepest instanceof Error && deepest.cause instanceof Error; i++) deepest = deepest.cause;
  return deepest instanceof Error ? deepest.message : 'unknown error';
}
