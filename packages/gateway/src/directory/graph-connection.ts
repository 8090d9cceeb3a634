/**
 * Questions to Microsoft Graph in the name of the gateway itself (OAuth client credentials, RFC 6749, 4.4): one token for
 * all of them, and patience when Graph is down or asks to be left alone.
 *
 * @module
 */
import * as client from 'openid-client';
import { clientAuthentication } from '../auth/oidc/client-authentication.ts';
import type { ClientAuthentication } from '../auth/oidc/options.ts';
import { isLoopbackHost, openOutbound, type Outbound, OutboundError } from '../auth/oidc/outbound.ts';
import { quotable } from '../auth/oidc/refusal.ts';
import { isObject } from '../auth/oidc/token.ts';
import { DirectoryError } from '../ports/directory.ts';

export interface GraphServer {
  /** The directory (tenant) id. */
  readonly tenant: string;
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  /** `https://login.microsoftonline.com`, or that of a national cloud. */
  readonly login: string;
  /** `https://graph.microsoft.com`, or that of a national cloud. */
  readonly url: string;
  readonly ca: string | undefined;
  readonly proxy: string | undefined;
  readonly timeoutMs: number;
  /** Told when Graph stops answering, and when it answers again. Must not throw. */
  readonly onTrouble?: (message: string) => void;
  /** How requests go out; default: over connections of its own. */
  readonly outbound?: Outbound;
}

/** An answer that says something about what was asked, and nothing about Graph. */
export type GraphAnswer =
  | { readonly kind: 'ok'; readonly value: Readonly<Record<string, unknown>> }
  /** There is no such thing (404). */
  | { readonly kind: 'none' };

/** While Graph is down, people who sign in should not each wait for a time-out. */
const pauseMs = 5_000;
/** A secret that has expired does not get better by the second. */
const pauseAfterRefusalMs = 60_000;
/** `Retry-After` is followed, within reason. */
const longestPauseMs = 10 * 60_000;
/** A token is not used in its last minutes: clocks differ, and a question takes its time. */
const tokenMarginMs = 2 * 60_000;

interface Token {
  readonly text: string;
  readonly until: number;
}

class GraphFailure extends DirectoryError {
  readonly pauseMs: number;

  constructor(message: string, pause: number, cause?: unknown) {
    super(message, { cause });
    this.pauseMs = pause;
  }
}

/** Asks Graph, and remembers for a while that it is to be left alone. */
export class GraphConnection {
  readonly #server: GraphServer;
  readonly #outbound: Outbound;
  readonly #configuration: Promise<client.Configuration>;
  readonly #onTrouble: (message: string) => void;
  #token: Token | undefined;
  #asking: Promise<Token> | undefined;
  #pause: { readonly until: number; readonly error: DirectoryError } | undefined;

  /** Asks nothing yet. */
  constructor(server: GraphServer) {
    this.#server = server;
    const { ca, proxy, timeoutMs, onTrouble = () => {} } = server;
    this.#onTrouble = onTrouble;
    const loopbackHttp = [server.login, server.url].every(isLoopback);
    this.#outbound = server.outbound ?? openOutbound({ ca, proxy, timeoutMs, loopbackHttp, maxBytes: 4 * 1024 * 1024 });
    this.#configuration = configurationOf(server, this.#outbound);
    // Whoever asks first sees it; until then it must not end the process.
    this.#configuration.catch(() => {});
  }

  /**
   * `GET` of a path, or of an address that Graph itself has given. Throws `DirectoryError`, also when the address is another
   * server's: the token is for Graph alone.
   */
  async get(pathOrUrl: string, now: number, headers: Readonly<Record<string, string>> = {}): Promise<GraphAnswer> {
    const { url: origin } = this.#server;
    const url = pathOrUrl.startsWith('/') ? `${origin}${pathOrUrl}` : pathOrUrl;
    if (!URL.canParse(url) || new URL(url).origin !== new URL(origin).origin)
      throw this.#error('the next page is at another place');
    if (this.#pause !== undefined && now < this.#pause.until) throw this.#pause.error;
    try {
      const answer = await this.#ask(url, now, headers);
      if (this.#pause !== undefined) this.#onTrouble(`Microsoft Graph (${origin}) answers again`);
      this.#pause = undefined;
      return answer;
    } catch (error) {
      if (!(error instanceof GraphFailure)) throw error;
      if (this.#pause === undefined) this.#onTrouble(`${error.message}. What is remembered serves meanwhile`);
      this.#pause = { until: now + error.pauseMs, error };
      throw error;
    }
  }

  close(): void {
    this.#outbound.close();
  }

  async #ask(url: string, now: number, headers: Readonly<Record<string, string>>, again = false): Promise<GraphAnswer> {
    const token = await this.#tokenAt(now);
    let response: Response;
    let value: unknown;
    try {
      response = await this.#outbound.fetch(url, {
        headers: { accept: 'application/json', ...headers, authorization: `Bearer ${token.text}` },
      });
      value = response.status === 200 ? await response.json() : undefined;
    } catch (error) {
      throw this.#failure(error instanceof OutboundError ? error.message : 'its answer is not JSON', pauseMs, error);
    }
    switch (response.status) {
      case 200:
        if (!isObject(value)) throw this.#failure('its answer is not an object', pauseMs);
        return { kind: 'ok', value };
      case 404:
        return { kind: 'none' };
      case 401: {
        // The token may have been withdrawn before its end: a new one deserves one try.
        if (this.#token === token) this.#token = undefined;
        if (!again) return this.#ask(url, now, headers, true);
        throw this.#failure('it does not accept our token (401)', pauseAfterRefusalMs);
      }
      case 403:
        throw this.#failure(
          'the application may not read this (403): it needs User.Read.All and GroupMember.Read.All, with the consent of an administrator',
          pauseAfterRefusalMs,
        );
      case 400:
        // A name that Graph cannot read is a fault of the question alone: nobody else has to wait for it.
        throw this.#error('it does not understand the question (400)');
      default:
        throw this.#failure(`status ${response.status}`, pauseOf(response, now));
    }
  }

  /** The token of the moment; everybody who asks while it is being fetched waits for the same one. */
  #tokenAt(now: number): Promise<Token> | Token {
    if (this.#token !== undefined && now < this.#token.until) return this.#token;
    this.#asking ??= this.#fetchToken(now).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #fetchToken(now: number): Promise<Token> {
    const { url } = this.#server;
    try {
      const configuration = await this.#configuration;
      const granted = await client.clientCredentialsGrant(configuration, { scope: `${url}/.default` });
      const { access_token: text, expires_in: seconds = 0 } = granted;
      const token = { text, until: now + Math.max(0, seconds * 1_000 - tokenMarginMs) };
      this.#token = token;
      return token;
    } catch (error) {
      throw this.#tokenFailure(error, now);
    }
  }

  #tokenFailure(error: unknown, now: number): GraphFailure {
    const outbound = causes(error).find((one) => one instanceof OutboundError);
    if (outbound !== undefined) return this.#failure(outbound.message, pauseMs, outbound);
    if (error instanceof client.ResponseBodyError) {
      const { error: code, error_description: description = '', status } = error;
      const refused = status < 500 && status !== 429;
      // Entra's description begins with its own number for what is wrong, such as AADSTS7000222 for an expired secret.
      const [number = ''] = /AADSTS\d+/.exec(description) ?? [];
      return this.#failure(
        `the token endpoint says "${quotable(code)}" ${number}`.trim(),
        refused ? pauseAfterRefusalMs : pauseOf(error.response, now),
      );
    }
    const response = error instanceof Error && error.cause instanceof Response ? error.cause : undefined;
    if (response !== undefined)
      return this.#failure(`the token endpoint answers with status ${response.status}`, pauseOf(response, now));
    return this.#failure('the token endpoint gives no token', pauseAfterRefusalMs);
  }

  #failure(why: string, pause: number, cause?: unknown): GraphFailure {
    return new GraphFailure(`Cannot ask Microsoft Graph (${this.#server.url}): ${why}`, pause, cause);
  }

  #error(why: string): DirectoryError {
    return new DirectoryError(`Cannot ask Microsoft Graph (${this.#server.url}): ${why}`);
  }
}

/** What the token endpoint is, without asking for metadata: its address is part of Microsoft's contract. */
async function configurationOf(server: GraphServer, outbound: Outbound): Promise<client.Configuration> {
  const { tenant, clientId, authentication, login, timeoutMs } = server;
  const issuer = `${login}/${tenant}/v2.0`;
  const configuration = new client.Configuration(
    { issuer, token_endpoint: `${login}/${tenant}/oauth2/v2.0/token` },
    clientId,
    undefined,
    // Entra takes the secret in either way; in the form it needs no encoding that servers disagree about.
    await clientAuthentication(
      authentication.kind === 'secret' ? { ...authentication, kind: 'client_secret_post' } : authentication,
    ),
  );
  configuration[client.customFetch] = (url, init) => outbound.fetch(url, init);
  configuration.timeout = timeoutMs / 1_000;
  if (isLoopback(login)) client.allowInsecureRequests(configuration);
  return configuration;
}

/** Plain HTTP is for a test on this machine only, and only when the configuration itself names it so. */
const isLoopback = (url: string): boolean => new URL(url).protocol === 'http:' && isLoopbackHost(new URL(url).hostname);

/** How long to leave it alone: as it says (RFC 9110, 10.2.3), or a while. */
function pauseOf(response: Response, now: number): number {
  const text = response.headers.get('retry-after') ?? '';
  const wanted = /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isFinite(wanted) ? Math.min(Math.max(wanted, 1_000), longestPauseMs) : pauseMs;
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && chain.length < 6; at = at.cause) chain.push(at);
  return chain;
}
