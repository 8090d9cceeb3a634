/**
 * Microsoft's token endpoint and Microsoft Graph, both **faked** by one server on loopback: what it answers is written after
 * Microsoft's documentation, and no test here has seen the real ones.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeUser {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly displayName?: string;
  readonly mail?: string;
  readonly accountEnabled?: boolean | null;
  readonly onPremisesSecurityIdentifier?: string;
  readonly onPremisesSamAccountName?: string;
  readonly onPremisesDomainName?: string;
  readonly groups?: readonly Readonly<Record<string, unknown>>[];
}

export interface FakeGraph {
  readonly origin: string;
  users: FakeUser[];
  /** Lines such as `GET /v1.0/users('alice%40corp.example')`, without their queries; tokens as `POST token`. */
  asked: string[];
  /** The parameters of the last request for a token. */
  form: URLSearchParams;
  /** Groups on a page. */
  pageSize: number;
  tokenLifetime: number;
  /** Answers in the place of the usual ones. Gives true when it has answered. */
  instead: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  close(): void;
}

export const tenant = '2f0c7d1e-0a52-4c6a-9f4e-6a1f1f0e7c11';

/** A security group that is synchronised from AD. */
export const syncedGroup = (n: number, name: string): Readonly<Record<string, unknown>> => ({
  id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  displayName: `Display of ${name}`,
  securityEnabled: true,
  onPremisesSamAccountName: name,
  onPremisesSecurityIdentifier: `S-1-5-21-1-2-3-${n}`,
});

export async function startFakeGraph(): Promise<FakeGraph> {
  let tokens = 0;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (pathname.startsWith(`/${tenant}/`)) fake.asked.push('POST token');
    else fake.asked.push(`${request.method} ${pathname}`);
    if (fake.instead?.(request, response) === true) return;
    if (pathname === `/${tenant}/oauth2/v2.0/token`) {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        fake.form = new URLSearchParams(body);
        json(200, { token_type: 'Bearer', expires_in: fake.tokenLifetime, access_token: `token-${++tokens}` });
      });
      return;
    }
    if (request.headers.authorization !== `Bearer token-${tokens}`)
      return json(401, { error: { code: 'InvalidAuthenticationToken' } });
    const none = (): void => json(404, { error: { code: 'Request_ResourceNotFound' } });
    const shown = (user: FakeUser): unknown => ({ ...user, groups: undefined });

    const members = /^\/v1\.0\/users\/([^/]+)\/transitiveMemberOf\/microsoft\.graph\.group$/.exec(pathname)?.[1];
    if (members !== undefined) {
      const user = fake.users.find(({ id }) => id === members);
      if (user === undefined) return none();
      const from = Number(searchParams.get('$skiptoken') ?? 0);
      const all = user.groups ?? [];
      const next = from + fake.pageSize;
      return json(200, {
        value: all.slice(from, next),
        ...(next < all.length ? { '@odata.nextLink': `${fake.origin}${pathname}?$skiptoken=${next}` } : {}),
      });
    }
    const upn = /^\/v1\.0\/users\('(.+)'\)$/.exec(pathname)?.[1];
    if (upn !== undefined) {
      const name = decodeURIComponent(upn).replaceAll("''", "'").toLowerCase();
      const user = fake.users.find(({ userPrincipalName }) => userPrincipalName.toLowerCase() === name);
      return user === undefined ? none() : json(200, shown(user));
    }
    if (pathname !== '/v1.0/users') return none();
    const filter = searchParams.get('$filter');
    if (filter === null) return json(200, { value: fake.users.slice(0, 1).map(shown) });
    const [, property, text = ''] = /^(\w+) eq '((?:[^']|'')*)'$/.exec(filter) ?? [];
    if (property === undefined) return json(400, { error: { code: 'Request_UnsupportedQuery' } });
    const wanted = text.replaceAll("''", "'").toLowerCase();
    const found = fake.users.filter(
      (user) => String(Object.entries(user).find(([name]) => name === property)?.[1]).toLowerCase() === wanted,
    );
    json(200, { value: found.map(shown) });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const fake: FakeGraph = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    users: [],
    asked: [],
    form: new URLSearchParams(),
    pageSize: 999,
    tokenLifetime: 3_600,
    instead: undefined,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return fake;
}
