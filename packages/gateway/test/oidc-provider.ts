/**
 * A real OpenID Connect provider (`oidc-provider`) on loopback, for tests. Its keys can be changed while it runs.
 *
 * @module
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

export interface TestAccount {
  readonly name: string;
  groups: readonly string[];
  disabled?: boolean;
}

export interface TestProviderOptions {
  /** `localhost`, so that its cookies are not those of the gateway at 127.0.0.1: browsers do not tell ports apart. */
  readonly host?: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  /** The gateway's origin. */
  readonly gateway: string;
  /** The id of its entry in the gateway. */
  readonly id: string;
}

export interface TestProvider {
  readonly issuer: string;
  /** By login name. Any other name is nobody; every password is right. */
  readonly accounts: Map<string, TestAccount>;
  /** Requests so far to a path that ends like this. */
  requests(end: string): number;
  /** Signs with a new key from now on, and forgets the old one. */
  rotateKeys(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a provider with one client. Close it at the end of the test. */
export async function startOidcProvider(options: TestProviderOptions): Promise<TestProvider> {
  const { host = 'localhost', clientId, clientSecret, gateway, id } = options;
  const accounts = new Map<string, TestAccount>([
    ['alice', { name: 'Alice Smith', groups: ['team-ai', 'traders'] }],
    ['bob', { name: 'Bob Jones', groups: [] }],
  ]);
  const seen: string[] = [];
  const stored = new Map<string, Stored>();
  let answer: ReturnType<Provider['callback']> | undefined;
  const server = createServer((request, response) => {
    seen.push((request.url ?? '').split('?')[0] ?? '');
    void answer?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, host === 'localhost' ? '127.0.0.1' : host, resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `http://${host}:${port}`;

  async function renew(): Promise<void> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const key = await exportJWK(privateKey);
    const provider = new Provider(issuer, {
      adapter: storeIn(stored),
      jwks: { keys: [{ ...key, alg: 'RS256', use: 'sig', kid: `key-${Math.random()}` }] },
      clients: [
        {
          client_id: clientId,
          ...(clientSecret === undefined ? { token_endpoint_auth_method: 'none' } : { client_secret: clientSecret }),
          redirect_uris: [`${gateway}/auth/callback/${id}`],
          post_logout_redirect_uris: [`${gateway}/auth/logout`],
          backchannel_logout_uri: `${gateway}/auth/backchannel-logout/${id}`,
          backchannel_logout_session_required: true,
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
        },
      ],
      cookies: { keys: ['of the tests alone'] },
      claims: {
        openid: ['sub'],
        profile: ['name', 'preferred_username', 'groups'],
        email: ['email', 'email_verified'],
      },
      conformIdTokenClaims: false,
      features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
      // Its own way of asking keeps it from talking to loopback, which is where the gateway is.
      fetch: (url: string, { method, headers, body }: RequestInit) =>
        fetch(url, { method, headers, body } as RequestInit),
      issueRefreshToken: () => true,
      async findAccount(_context: unknown, subject: string) {
        const account = accounts.get(subject);
        if (account === undefined || account.disabled === true) return undefined;
        return {
          accountId: subject,
          claims: () => ({
            sub: subject,
            name: account.name,
            preferred_username: subject,
            email: `${subject}@corp.example`,
            email_verified: true,
            groups: account.groups,
          }),
        };
      },
    });
    answer = provider.callback();
  }

  await renew();
  return {
    issuer,
    accounts,
    requests: (end) => seen.filter((path) => path.endsWith(end)).length,
    rotateKeys: renew,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

interface Stored {
  readonly payload: Record<string, unknown>;
  consumed?: number;
}

/** The provider's sessions and codes, which have to outlive a change of its keys. */
function storeIn(stored: Map<string, Stored>): unknown {
  return class {
    readonly #kind: string;
    constructor(kind: string) {
      this.#kind = kind;
    }

    async upsert(id: string, payload: Record<string, unknown>): Promise<void> {
      stored.set(`${this.#kind}:${id}`, { payload });
    }

    async find(id: string): Promise<Record<string, unknown> | undefined> {
      return read(stored.get(`${this.#kind}:${id}`));
    }

    async findByUid(uid: string): Promise<Record<string, unknown> | undefined> {
      return read([...stored.values()].find(({ payload }) => payload['uid'] === uid));
    }

    async findByUserCode(): Promise<undefined> {}

    async destroy(id: string): Promise<void> {
      stored.delete(`${this.#kind}:${id}`);
    }

    async consume(id: string): Promise<void> {
      const found = stored.get(`${this.#kind}:${id}`);
      if (found !== undefined) found.consumed = Math.floor(Date.now() / 1000);
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [key, { payload }] of stored) if (payload['grantId'] === grantId) stored.delete(key);
    }
  };
}

const read = (found: Stored | undefined): Record<string, unknown> | undefined =>
  found && { ...found.payload, ...(found.consumed === undefined ? {} : { consumed: found.consumed }) };
