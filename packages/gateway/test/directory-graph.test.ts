/**
 * Groups from Microsoft Entra ID for people whom another method has signed in. Microsoft Graph is **faked** (`fake-graph.ts`).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { Secret } from '../src/core/secret.ts';
import { type GraphDirectory, graphDirectory } from '../src/directory/graph.ts';
import { DirectoryError } from '../src/ports/directory.ts';
import type { PersonKeys, Search } from '../src/ports/people.ts';
import { type FakeGraph, startFakeGraph, syncedGroup, tenant } from './fake-graph.ts';
import { send, sessionOf, startTestGateway, type TestGateway } from './harness.ts';

const secretText = 'the-secret-of-the-application';
const minute = 60_000;

let fake: FakeGraph;
before(async () => {
  fake = await startFakeGraph();
});
after(() => fake.close());

const alice = {
  id: 'a0000000-0000-4000-8000-000000000001',
  userPrincipalName: 'alice@corp.example',
  displayName: 'Alice Smith',
  mail: 'alice.smith@corp.example',
  accountEnabled: true,
  onPremisesSecurityIdentifier: 'S-1-5-21-1-2-3-1001',
  onPremisesSamAccountName: 'alice',
  onPremisesDomainName: 'corp.example',
  groups: [syncedGroup(1, 'traders'), syncedGroup(2, 'everybody')],
};
/** Of the same short name, in another domain of the same tenant. */
const otherAlice = {
  ...alice,
  id: 'a0000000-0000-4000-8000-000000000002',
  userPrincipalName: 'alice@other.example',
  onPremisesSecurityIdentifier: 'S-1-5-21-9-9-9-1001',
  onPremisesDomainName: 'other.example',
  groups: [syncedGroup(9, 'others')],
};

beforeEach(() => {
  fake.users = [alice, otherAlice];
  fake.asked = [];
  fake.pageSize = 999;
  fake.tokenLifetime = 3_600;
  fake.instead = undefined;
});

suite('graphPeople', () => {
  let graph: GraphDirectory;
  let trouble: string[];
  let now = Date.parse('2026-11-22T10:00:00Z');

  beforeEach(() => {
    trouble = [];
    graph = open();
  });

  function open(names: 'none' | 'on_premises' | 'display' = 'on_premises', url = fake.origin): GraphDirectory {
    graph?.close();
    return graphDirectory({
      tenant,
      clientId: 'cardea',
      authentication: { kind: 'secret', secret: new Secret(secretText) },
      login: fake.origin,
      url,
      ca: undefined,
      proxy: undefined,
      timeoutMs: 2_000,
      onTrouble: (message) => trouble.push(message),
      names,
      groupNames: { '00000000-0000-4000-8000-000000000002': 'staff' },
      domains: { 'corp.example': 'CORP' },
    });
  }
  after(() => graph.close());

  const find = (keys: Partial<PersonKeys>): Promise<Search> =>
    graph.people.find({ sid: undefined, upn: undefined, account: undefined, email: undefined, ...keys }, now);
  const groupNames = (search: Search) =>
    search.kind === 'found' ? search.person.groups?.map(({ name }) => name) : search;
  const account = (domain: string, name: string) => ({ account: { domain, name } });

  test('graphPeople finds a person by UPN, with particulars and all security groups', async () => {
    const found = await find({ upn: 'Alice@Corp.example' });
    assert.deepEqual(found, {
      kind: 'found',
      person: {
        sid: 'S-1-5-21-1-2-3-1001',
        account: 'CORP\\alice',
        upn: 'alice@corp.example',
        name: 'Alice Smith',
        email: 'alice.smith@corp.example',
        state: 'active',
        groups: [
          { sid: 'S-1-5-21-1-2-3-1', name: 'traders' },
          { sid: 'S-1-5-21-1-2-3-2', name: 'staff' },
        ],
      },
    });
    assert.equal(fake.form.get('grant_type'), 'client_credentials');
    assert.equal(fake.form.get('scope'), `${fake.origin}/.default`);
    assert.equal(fake.form.get('client_secret'), secretText);
  });

  test('graphPeople finds a person by the SID of the synchronised account alone', async () => {
    assert.deepEqual(groupNames(await find({ sid: 'S-1-5-21-9-9-9-1001' })), ['others']);
    assert.equal((await find({ sid: 'S-1-5-21-9-9-9-1002' })).kind, 'none');
  });

  test('graphPeople finds an account of the named domain, and not its namesake of another', async () => {
    assert.deepEqual(groupNames(await find(account('corp', 'ALICE'))), ['traders', 'staff']);
    const unknown = await find(account('OTHER', 'alice'));
    assert.match(unknown.kind === 'none' ? unknown.why : '', /domains does not say which domain OTHER is/);
  });

  test('graphPeople takes nobody where UPN and account lead to two people', async () => {
    const both = { upn: 'alice@other.example', ...account('CORP', 'alice') };
    assert.equal((await find(both)).kind, 'several');
  });

  test('graphPeople takes nobody where two accounts have the same name in the same domain', async () => {
    fake.users = [alice, { ...otherAlice, onPremisesDomainName: 'corp.example' }];
    assert.equal((await find(account('CORP', 'alice'))).kind, 'several');
  });

  test('graphPeople is not led astray by names with quotation marks, slashes and percent signs', async () => {
    for (const name of ["o'neil", "x' or '1' eq '1", 'a/b', '50%', '../me']) {
      fake.users = [{ ...alice, userPrincipalName: `${name}@corp.example`, onPremisesSamAccountName: name }];
      assert.equal((await find({ upn: `${name}@corp.example` })).kind, 'found', name);
      assert.equal((await find(account('CORP', name))).kind, 'found', name);
    }
    fake.users = [alice, otherAlice];
    assert.equal((await find(account('CORP', "x' or '1' eq '1"))).kind, 'none');
  });

  test('graphPeople says of a disabled account that it is, and asks for no groups', async () => {
    fake.users = [{ ...alice, accountEnabled: false }];
    const found = await find({ upn: 'alice@corp.example' });
    assert.equal(found.kind === 'found' && found.person.state, 'disabled');
    assert.ok(!fake.asked.some((line) => line.includes('transitiveMemberOf')));
    fake.users = [{ ...alice, accountEnabled: null }];
    const hidden = await find({ upn: 'alice@corp.example' });
    assert.equal(hidden.kind === 'found' && hidden.person.state, 'unknown');
  });

  test('graphPeople reads groups page by page, and leaves lists of addressees out', async () => {
    fake.pageSize = 2;
    const groups = [1, 3, 4, 5, 6].map((n) => syncedGroup(n, `g${n}`));
    fake.users = [{ ...alice, groups: [...groups, { ...syncedGroup(7, 'mail'), securityEnabled: false }] }];
    assert.deepEqual(groupNames(await find({ upn: alice.userPrincipalName })), ['g1', 'g3', 'g4', 'g5', 'g6']);
  });

  test('graphPeople names groups as the configuration says, and no name passes for an app role', async () => {
    const cloud = { id: 'b', displayName: 'role:Admin', securityEnabled: true, onPremisesSamAccountName: null };
    fake.users = [{ ...alice, groups: [syncedGroup(1, 'traders'), cloud] }];
    const of = async () => groupNames(await find({ upn: alice.userPrincipalName }));
    assert.deepEqual(await of(), ['traders', 'b']);
    graph = open('display');
    assert.deepEqual(await of(), ['Display of traders', 'group:role:Admin']);
    graph = open('none');
    assert.deepEqual(await of(), ['00000000-0000-4000-8000-000000000001', 'b']);
  });

  for (const [what, next] of [
    ['another place', 'another place'],
    ['a path that is no URL', '/v1.0/more'],
    ['itself for ever', undefined],
  ] as const)
    test(`graphPeople does not follow a next page at ${what}`, async () => {
      fake.instead = ({ url = '' }, response) => {
        if (!url.includes('transitiveMemberOf')) return false;
        // Of another name, where the same server would answer.
        const elsewhere = `${fake.origin.replace('127.0.0.1', 'localhost')}/v1.0/more`;
        const link = next === 'another place' ? elsewhere : (next ?? `${fake.origin}${url}`);
        response.end(JSON.stringify({ value: [], '@odata.nextLink': link }));
        return true;
      };
      await assert.rejects(find({ upn: alice.userPrincipalName }), DirectoryError);
      assert.ok(fake.asked.length < 30);
      assert.ok(!fake.asked.includes('GET /v1.0/more'));
    });

  test('graphPeople fails where the application may not read groups, rather than knowing none', async () => {
    fake.users = [{ ...alice, groups: [{ id: 'a', securityEnabled: null, displayName: null }] }];
    await assert.rejects(find({ upn: alice.userPrincipalName }), /GroupMember\.Read\.All/);
  });

  test('graphDirectory uses one token for all until shortly before its end, fetched once for those who wait', async () => {
    const tokens = () => fake.asked.filter((line) => line === 'POST token').length;
    await Promise.all([1, 2, 3, 4].map(() => find({ upn: alice.userPrincipalName })));
    assert.equal(tokens(), 1);
    now += 57 * minute;
    await find({ upn: alice.userPrincipalName });
    assert.equal(tokens(), 1);
    now += 2 * minute;
    await find({ upn: alice.userPrincipalName });
    assert.equal(tokens(), 2);
  });

  test('graphDirectory gets a new token, once, when the one it has is no longer accepted', async () => {
    let refusals = 0;
    fake.instead = ({ url = '' }, response) => {
      if (url.includes('/oauth2/') || refusals > 0) return false;
      refusals++;
      response.writeHead(401).end();
      return true;
    };
    assert.equal((await find({ upn: alice.userPrincipalName })).kind, 'found');
    fake.instead = ({ url = '' }, response) => {
      if (url.includes('/oauth2/')) return false;
      response.writeHead(401).end();
      return true;
    };
    fake.asked = [];
    await assert.rejects(find({ upn: alice.userPrincipalName }), /does not accept our token/);
    assert.equal(fake.asked.length, 3);
  });

  test('graphDirectory leaves Graph alone for as long as it asks, and says so once', async () => {
    fake.instead = (_request, response) => {
      response.writeHead(429, { 'Retry-After': '30' }).end();
      return true;
    };
    for (const wait of [0, 10_000, 19_000]) {
      now += wait;
      await assert.rejects(find({ upn: alice.userPrincipalName }), DirectoryError);
    }
    assert.equal(fake.asked.length, 1);
    fake.instead = undefined;
    now += 2_000;
    assert.equal((await find({ upn: alice.userPrincipalName })).kind, 'found');
    assert.equal(trouble.length, 2);
    assert.match(trouble[1] ?? '', /answers again/);
  });

  test('graphDirectory does not follow a Retry-After of a year', async () => {
    fake.instead = ({ url = '' }, response) => {
      if (url.includes('/oauth2/')) return false;
      response.writeHead(503, { 'Retry-After': '900000' }).end();
      return true;
    };
    await assert.rejects(find({ upn: alice.userPrincipalName }), /status 503/);
    fake.instead = undefined;
    now += 10 * minute;
    assert.equal((await find({ upn: alice.userPrincipalName })).kind, 'found');
  });

  test('graphDirectory does not make others wait for a question that Graph does not understand', async () => {
    fake.instead = ({ url = '' }, response) => {
      if (!url.includes('strange')) return false;
      response.writeHead(400).end('{}');
      return true;
    };
    await assert.rejects(find({ upn: 'strange@corp.example' }), /does not understand/);
    assert.equal((await find({ upn: alice.userPrincipalName })).kind, 'found');
  });

  test('graphDirectory names what Entra has against the secret, and neither secret nor token', async () => {
    fake.instead = (_request, response) => {
      const description = `AADSTS7000222: The provided client secret keys for app ${secretText} are expired.`;
      response.writeHead(401, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ error: 'invalid_client', error_description: description }));
      return true;
    };
    await assert.rejects(find({ upn: alice.userPrincipalName }), (error: Error) => {
      assert.match(error.message, /invalid_client.*AADSTS7000222/);
      assert.ok(!error.message.includes(secretText));
      return true;
    });
    await assert.rejects(find({ upn: alice.userPrincipalName }));
    assert.equal(fake.asked.length, 1);
  });

  test('graphDirectory asks for readiness twice a minute at most', async () => {
    await graph.ping(now);
    await graph.ping(now + 20_000);
    assert.deepEqual(fake.asked, ['POST token', 'GET /v1.0/users']);
    await graph.ping(now + 31_000);
    assert.equal(fake.asked.length, 3);
  });
});

suite('groups from Entra for people whom a server in front has signed in', () => {
  let gateway: TestGateway;
  let clock = Date.now();

  before(async () => {
    gateway = await startTestGateway({
      now: () => clock,
      env: { GRAPH: secretText },
      config: (upstream) => `
sign_in:
  - trusted_header: { default_domain: CORP, groups_from: directory, session: true }
directory:
  graph:
    tenant: ${tenant}
    client_id: cardea
    client_secret: "\${env:GRAPH}"
    login: ${fake.origin}
    url: ${fake.origin}
    domains: { corp.example: CORP }
    keep_for: 1h
roles: { trader: { groups: [traders], modules: [Orders] } }
apps:
  - name: sample
    host: "*"
    upstream: ${upstream}
    rules: [{ path: /orders/**, module: Orders }, { path: /**, signed_in: true }]
`,
    });
  });
  after(() => gateway?.close());
  // Each test begins with an empty memory of answers: they are old by then.
  beforeEach(() => (clock += 24 * 60 * minute));

  const ask = (user: string | undefined, path = '/api/whoami', cookie = '') =>
    send(`${gateway.origin}${path}`, {
      headers: {
        ...(user === undefined ? {} : { 'X-Remote-User': user }),
        ...(cookie === '' ? {} : { Cookie: cookie }),
      },
    });

  for (const name of ['CORP\\alice', 'alice', 'alice@corp.example'])
    test(`${name} has the groups that Entra has, and rules go by them`, async () => {
      const { groups, roles, email } = JSON.parse((await ask(name)).body);
      assert.deepEqual([groups, roles, email], [['traders', 'everybody'], ['trader'], 'alice.smith@corp.example']);
      // The app itself has no such page.
      assert.equal((await ask(name, '/orders/')).status, 404);
    });

  test('who is not in Entra has no groups, and the audit log says why', async () => {
    const response = await ask('CORP\\nobody');
    assert.deepEqual(JSON.parse(response.body).groups, []);
    assert.match(String(gateway.audit('sign-in').at(-1)?.['note']), /no groups: Entra knows no such account/);
    assert.equal((await ask('CORP\\nobody', '/orders/')).status, 403);
  });

  test('who is disabled in Entra during the day is out at the next look, with a session too', async () => {
    const cookie = sessionOf(await ask('alice'));
    assert.equal((await ask(undefined, '/api/whoami', cookie)).status, 200);
    fake.users = [{ ...alice, accountEnabled: false }];
    clock += 12 * minute;
    assert.equal((await ask(undefined, '/api/whoami', cookie)).status, 401);
    assert.equal((await ask('alice')).status, 401);
    assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'account-barred');
  });

  test('while Graph is down the last known groups serve, for a while', async () => {
    assert.deepEqual(JSON.parse((await ask('alice')).body).roles, ['trader']);
    fake.instead = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    clock += 30 * minute;
    assert.deepEqual(JSON.parse((await ask('alice')).body).roles, ['trader']);
    clock += 31 * minute;
    assert.deepEqual(JSON.parse((await ask('alice')).body).groups, []);
  });

  test('readiness says that Graph cannot be asked, and goes on serving', async () => {
    fake.instead = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    const { status, body } = await send(`${gateway.admin}/readyz`);
    assert.equal(status, 200);
    assert.match(body, /degraded/);
    assert.ok(!gateway.written().includes(secretText));
  });
});
