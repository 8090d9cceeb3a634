import { tokenEndpoint } from './addresses.ts';
import { fetchWithToken } from './fetch.ts';
import { readAnswer } from './issuer-answer.ts';
import type { Negotiate, NegotiateAnswer } from './negotiate.ts';
import { renewalTime, worthOf } from './renewal.ts';
import type { KeptToken, TokenCache } from './token-cache.ts';
import { TokenError } from './token-error.ts';

export interface TokenClientOptions {
  /** The issuer: `https://auth.corp.example`. With a path, the address of the endpoint itself. */
  readonly url: string | URL;
  /** Signs in: `systemNegotiate()` of `@cardea/client/node`, or one of your own. */
  readonly negotiate: Negotiate;
  /** `client_id`: one of `issuer.clients` in the gateway's configuration. Default: its first. */
  readonly client?: string;
  /** Whom the token is for. Default: the first audience of the client. */
  readonly audience?: string;
  /** Only these of the groups that the token would have. */
  readonly groups?: readonly string[];
  /** Only these of the client's scopes. */
  readonly scopes?: readonly string[];
  /** A shorter life than the client's, in seconds. */
  readonly lifetimeSeconds?: number;
  /** What sends requests. Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Keeps tokens beyond this process, besides the memory. */
  readonly cache?: TokenCache;
  /** Where `client.fetch` may send the token: origins such as `https://llm.corp.example`. Default: wherever it is called for. */
  readonly origins?: readonly string[];
  /** How long getting a token may take, sign-on included. Default: 30 s. */
  readonly timeoutMs?: number;
  /** Lets tokens go over plain HTTP to other machines, where anybody in between can take them. */
  readonly dangerouslyAllowHttp?: boolean;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

export interface TokenClient {
  /** A token that is good for another ten seconds at least. Throws `TokenError`. */
  token(options?: { readonly signal?: AbortSignal | undefined }): Promise<string>;
  /** As the global one, with the token; the `fetch` of an SDK. After a 401 it asks once more with a new token. */
  readonly fetch: typeof fetch;
  /** Forgets the token, here and in the cache. */
  forget(): Promise<void>;
}

/** A background renewal that failed is tried again after this. */
const pauseMs = 30_000;
/** A token that is refused so soon is not made better by another: the audience is wrong, or the person may not. */
const youngMs = 5_000;

interface Current {
  readonly token: KeptToken;
  readonly renewAt: number;
}

/**
 * Makes a client that gets a token when one is needed, keeps it, and renews it before it ends. Callers that need one at the
 * same time share one request. It has no timers: nothing goes on when nobody asks.
 */
export function createTokenClient(options: TokenClientOptions): TokenClient {
  const { negotiate, cache, now = Date.now, random = Math.random, timeoutMs = 30_000 } = options;
  const allowHttp = options.dangerouslyAllowHttp ?? false;
  const endpoint = tokenEndpoint(options.url, allowHttp);
  const send: typeof fetch = options.fetch ?? ((input, init) => fetch(input, init));
  const body = requestBody(options);
  const key = JSON.stringify([endpoint.href, body]);

  let current: Current | undefined;
  let inFlight: Promise<Current> | undefined;
  let refused: string | undefined;
  let notBefore = 0;

  const held = (token: KeptToken): Current => ({ token, renewAt: renewalTime(token, random()) });
  const worth = ({ token, renewAt }: Current): string => worthOf(token, renewAt, now());

  async function fromIssuer(): Promise<KeptToken> {
    const signal = AbortSignal.timeout(timeoutMs);
    const sent = negotiate.post({ url: endpoint, body, signal, fetch: send });
    let answer: NegotiateAnswer;
    try {
      // A sign-on that hangs in the system's library hears no signal.
      answer = await withSignal(sent, signal);
    } catch (error) {
      if (error instanceof TokenError) throw error;
      const what = signal.aborted
        ? `${endpoint.origin} has not answered in time`
        : `${endpoint.origin} cannot be reached`;
      throw new TokenError('issuer-unreachable', `${what}: check the address, and the network or VPN`, {
        cause: error,
      });
    }
    return readAnswer(answer, now());
  }

  async function next(): Promise<Current> {
    // Another process may have renewed it.
    const kept = await cache?.read(key);
    if (kept !== undefined && kept.value !== refused) {
      const found = held(kept);
      if (worth(found) === 'good') return found;
    }
    const token = await fromIssuer();
    await cache?.write(key, token).catch(() => {});
    return held(token);
  }

  /** All who need a token now wait for the same one. */
  function obtain(): Promise<Current> {
    inFlight ??= next()
      .then((found) => (current = found))
      .finally(() => (inFlight = undefined));
    return inFlight;
  }

  async function give(signal: AbortSignal | undefined): Promise<KeptToken> {
    signal?.throwIfAborted();
    const state = current === undefined ? 'over' : worth(current);
    if (current === undefined || state === 'over') return (await withSignal(obtain(), signal)).token;
    if (state === 'due' && now() >= notBefore) {
      notBefore = now() + pauseMs;
      // This one is still good. When the renewal fails, the next call tries again, and says why when this one has ended.
      obtain().catch(() => {});
    }
    return current.token;
  }

  return {
    token: async ({ signal } = {}) => (await give(signal)).value,
    fetch: fetchWithToken({
      send,
      allowHttp,
      origins: options.origins === undefined ? undefined : new Set(options.origins.map((one) => new URL(one).origin)),
      token: give,
      async another(old, signal) {
        if (current?.token.value === old.value) {
          if (now() - old.receivedAt < youngMs) return undefined;
          current = undefined;
          refused = old.value;
        }
        return give(signal);
      },
    }),
    async forget() {
      refused = current?.token.value;
      current = undefined;
      await cache?.write(key, undefined);
    },
  };
}

function requestBody({ client, audience, groups, scopes, lifetimeSeconds }: TokenClientOptions): string {
  return JSON.stringify({
    ...(client === undefined ? {} : { client_id: client }),
    ...(audience === undefined ? {} : { audience }),
    ...(groups === undefined ? {} : { groups }),
    ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
    ...(lifetimeSeconds === undefined ? {} : { expires_in: lifetimeSeconds }),
  });
}

/** One who waits may go away; what is waited for goes on, for the others. */
async function withSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let abort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
