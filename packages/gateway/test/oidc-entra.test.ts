/**
 * Microsoft Entra ID and Microsoft Graph, both **faked** by servers on loopback: requests to their real names are led there.
 * What they answer is written after Microsoft's documentation; no test here has seen the real ones.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import type { OidcOptions } from '../src/auth/oidc/options.ts';
import { openOutbound, type Outbound } from '../src/auth/oidc/outbound.ts';
import { type Claims, type HostileProvider, startHostileProvider } from './hostile-provider.ts';
import { oidcDefaults, type OidcHarness, type Page, startOidcHarness, TestBrowser } from './oidc-harness.ts';

const tenant = '2f0c7d1e-0a52-4c6a-9f4e-6a1f1f0e7c11';
const stranger = '99999999-9999-4999-9999-999999999999';
const login = 'https://login.microsoftonline.com';
const graphUrl = 'https://graph.microsoft.com';
const group = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

let gateway: OidcHarness;
let entra: HostileProvider;
let graph: Server;
let real: Outbound;
let graphAnswer: (request: IncomingMessage, body: string) => { readonly status?: number; readonly body: unknown };
let graphSeen: string[] = [];
const askedHosts = new Set<string>();

before(async () => {
  gateway = await startOidcHarness();
  entra = await startHostileProvider();
  graph = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      graphSeen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      const answer = graphAnswer(request, body);
      response.writeHead(answer.status ?? 200, { 'Content-Type': 'application/json' });
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => graph.listen(0, '127.0.0.1', resolve));
  real = openOutbound({ timeoutMs: 2_000, loopbackHttp: true });
});
after(async () => {
  await gateway.close();
  await entra.close();
  graph.closeAllConnections();
  graph.close();
  real.close();
});

/** Leads requests to Microsoft to the fakes. */
const led: Outbound = {
  fetch: (url, request) => {
    askedHosts.add(new URL(url).host);
    return real.fetch(
      url
        .replace(/^https:\/\/login\.microsoftonline\.com(?:\/organizations\/v2\.0)?/, entra.issuer)
        .replace(graphUrl, `http://127.0.0.1:${(graph.address() as AddressInfo).port}`),
      request,
    );
  },
  close: () => {},
};

const metadata = (): Claims => ({
  issuer: `${login}/{tenantid}/v2.0`,
  authorization_endpoint: `${login}/authorize`,
  token_endpoint: `${login}/token`,
  jwks_uri: `${login}/jwks`,
  response_types_supported: ['code'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
});

const entry = (change: Partial<OidcOptions> = {}): OidcOptions => ({
  ...oidcDefaults,
  id: 'entra',
  issuer: `${login}/organizations/v2.0`,
  clientId: 'cardea',
  tenants: [tenant],
  claims: { ...oidcDefaults.claims, subject: 'oid', roles: 'roles' },
  groupNames: { [group(1).toUpperCase()]: 'traders' },
  ...change,
});

const signInWith = async (claims: Claims, change: Partial<OidcOptions> = {}): Promise<Page> => {
  gateway.serve([entry(change)], { outbound: led });
  entra.behave({
    discovery: metadata,
    claims: (right) => ({
      ...right,
      iss: `${login}/${tenant}/v2.0`,
      tid: tenant,
      oid: 'object-1',
      preferred_username: 'alice@corp.example',
      ...claims,
    }),
    authorize: (url) => {
      url.searchParams.delete('iss'); // Entra does not send it
      return url;
    },
  });
  const browser = new TestBrowser();
  const page = await browser.visit(`${gateway.origin}/x`, undefined, (url) => url.startsWith(login));
  return browser.visit(page.url.replace(login, entra.issuer));
};
const reason = (): unknown => {
  const event = gateway.audit.at(-1);
  return event?.kind === 'sign-in-failed' ? event.reason : event?.kind;
};
const overage = {
  _claim_names: { groups: 'src1' },
  _claim_sources: { src1: { endpoint: 'https://graph.windows.net/x' } },
};

beforeEach(() => {
  graphSeen = [];
  graphAnswer = () => ({ body: { value: [] } });
});

test('a person of an allowed tenant gets a subject of tenant and object id, named groups and app roles', async () => {
  const page = await signInWith({ groups: [group(1), group(2)], roles: ['Trader'] });
  const { subject, account, groups } = JSON.parse(page.body);
  assert.deepEqual(
    { subject, account, groups },
    {
      subject: `${login}/${tenant}/v2.0|object-1`,
      account: 'alice@corp.example',
      groups: ['traders', group(2), 'role:Trader'],
    },
  );
  assert.deepEqual(graphSeen, []);
});

test('a person of another tenant does not get in', async () => {
  const page = await signInWith({ tid: stranger, iss: `${login}/${stranger}/v2.0` });
  assert.equal(page.status, 403);
  assert.equal(reason(), 'tenant-not-allowed');
});

test('an issuer for all tenants without a list of tenants is not usable', async () => {
  assert.equal((await signInWith({}, { tenants: [] })).status, 503);
  const event = gateway.audit.at(-1);
  assert.match((event?.kind === 'sign-in-failed' && event.detail) || '', /names no tenants/);
});

for (const [what, claims] of [
  ['a distributed claim', overage],
  ['hasgroups', { hasgroups: true }],
] as const) {
  test(`more groups than fit into a token (${what}) are asked of Graph with the person's own token`, async () => {
    graphAnswer = () => ({ body: { value: [group(1), group(3)] } });
    const page = await signInWith({ ...claims, roles: ['Trader'] });
    assert.deepEqual(JSON.parse(page.body).groups, ['traders', group(3), 'role:Trader']);
    assert.deepEqual(graphSeen, ['POST /v1.0/me/getMemberObjects Bearer access']);
  });
}

test('names come from Graph page by page, and the table has the last word', async () => {
  const next = `${graphUrl}/v1.0/me/transitiveMemberOf/microsoft.graph.group?$skiptoken=2`;
  graphAnswer = ({ url = '' }) =>
    url.includes('skiptoken')
      ? { body: { value: [{ id: group(3), displayName: 'Everyone is admin', onPremisesSamAccountName: null }] } }
      : {
          body: {
            value: [
              { id: group(1), displayName: 'x', onPremisesSamAccountName: 'x' },
              { id: group(2), displayName: 'Risk Team', onPremisesSamAccountName: 'risk-team' },
            ],
            '@odata.nextLink': next,
          },
        };
  const page = await signInWith(overage, { graph: { ...oidcDefaults.graph, names: 'on_premises' } });
  assert.deepEqual(JSON.parse(page.body).groups, ['traders', 'risk-team', group(3)]);
  const shown = await signInWith({}, { groupsFrom: 'graph', graph: { ...oidcDefaults.graph, names: 'display' } });
  assert.deepEqual(JSON.parse(shown.body).groups, ['traders', 'Risk Team', 'Everyone is admin']);
});

const failures: readonly (readonly [what: string, answer: typeof graphAnswer])[] = [
  ['refuses', () => ({ status: 403, body: { error: { code: 'Authorization_RequestDenied' } } })],
  ['is down', () => ({ status: 503, body: 'down' })],
  ['answers with something else', () => ({ body: '<html>' })],
  ['answers without a list', () => ({ body: {} })],
  ['answers with ids that are none', () => ({ body: { value: [7] } })],
];
for (const [what, answer] of failures) {
  test(`when Graph ${what}, nobody gets in without groups by mistake`, async () => {
    graphAnswer = answer;
    const page = await signInWith(overage);
    assert.equal(page.status, 403);
    assert.equal(reason(), 'groups-unavailable');
  });
}

test('when Graph is down, people get in without groups where the configuration says so, and the audit log says it too', async () => {
  graphAnswer = () => ({ status: 503, body: 'down' });
  const page = await signInWith(
    { ...overage, roles: ['Trader'] },
    { graph: { ...oidcDefaults.graph, onFailure: 'without_groups' } },
  );
  assert.deepEqual(JSON.parse(page.body).groups, ['role:Trader']);
  const event = gateway.audit.at(-1);
  assert.match(
    (event?.kind === 'sign-in' && event.note) || '',
    /signed in without groups: Microsoft Graph: status 503/,
  );
});

for (const [what, next] of [
  ['another place', 'https://evil.example/v1.0/more'],
  ['itself for ever', `${graphUrl}/v1.0/me/transitiveMemberOf/again`],
] as const) {
  test(`a next page at ${what} is not followed with the person's token`, async () => {
    graphAnswer = () => ({ body: { value: [], '@odata.nextLink': next } });
    const page = await signInWith(overage, { graph: { ...oidcDefaults.graph, names: 'display' } });
    assert.equal(page.status, 403);
    assert.equal(reason(), 'groups-unavailable');
    assert.ok(graphSeen.length <= 20);
    assert.ok(!askedHosts.has('evil.example'));
  });
}

test('only members of the groups that may sign in get in, and others see why', async () => {
  const inside = await signInWith({ groups: [group(1)] }, { groupsAllowed: ['Traders'] });
  assert.equal(inside.status, 200);
  const outside = await signInWith({ groups: [group(2)] }, { groupsAllowed: ['Traders'] });
  assert.equal(outside.status, 403);
  assert.match(outside.body, /not among those that may use this site/);
  assert.equal(reason(), 'group-not-allowed');
});

test('where the directory knows the groups, those of the provider are not read', async () => {
  const page = await signInWith({ groups: [group(1)] }, { groupsFrom: 'directory' });
  assert.deepEqual(JSON.parse(page.body).groups, []);
  assert.equal([...gateway.sessions.values()].at(-1)?.groupsFrom, 'lookup');
});
