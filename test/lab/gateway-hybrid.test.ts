import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { servicePassword } from '../../lab/domain.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { send, sessionOf, startTestGateway, type TestGateway } from '../../packages/gateway/test/harness.ts';
import { type Administrator, administrator } from './accounts.ts';
import { ldapAt, oneToken, startLabGateway } from './gateway.ts';

const minute = 60_000;

for (const session of [false, true]) {
  suite(`names from a server in front, groups from the domain, ${session ? 'with' : 'without'} a session`, {
    skip: reasonToSkip(),
  }, () => {
    let admin: Administrator;
    let gateway: TestGateway;
    let clock = Date.now();

    before(async () => {
      await startLab();
      admin = await administrator();
      gateway = await startTestGateway({
        now: () => clock,
        env: { LDAP_PASSWORD: servicePassword },
        config: (upstream) => `
sign_in:
  - trusted_header: { default_domain: CORP, groups_from: directory, session: ${session} }
directory: ${ldapAt(636)}
roles: { analyst: { groups: [dep1], modules: [Reports] } }
apps:
  - name: sample
    host: "*"
    upstream: ${upstream}
    rules: [{ path: /reports/**, module: Reports }, { path: /**, signed_in: true }]
`,
      });
    });
    after(async () => {
      await gateway?.close();
      await admin?.close();
    });

    const ask = (user: string | undefined, path = '/api/whoami', cookie = '') =>
      send(`${gateway.origin}${path}`, {
        headers: {
          ...(user === undefined ? {} : { 'X-Remote-User': user }),
          ...(cookie === '' ? {} : { Cookie: cookie }),
        },
      });
    const visitor = async (user: string) => JSON.parse((await ask(user)).body);

    for (const name of ['CORP\\alice', 'corp\\ALICE', 'alice', 'alice@corp.example']) {
      test(`${name} has all groups, and rules go by them`, async () => {
        const { groups, roles, name: shown, email } = await visitor(name);
        for (const group of ['team-ai', 'dep1', 'loc1', 'uni1']) assert.ok(groups.includes(group), group);
        assert.deepEqual([roles, shown, email], [['analyst'], 'Alice Smith', 'alice@corp.example']);
        assert.equal((await ask(name, '/reports/')).status, 200);
      });
    }

    for (const name of ['OTHER\\alice', 'alice@other.example', 'CORP\\nobody']) {
      test(`${name} has no groups, and the audit log says why`, async () => {
        const response = await ask(name);
        assert.equal(response.status, 200);
        assert.deepEqual(JSON.parse(response.body).groups, []);
        assert.match(String(gateway.audit('sign-in').at(-1)?.['note']), /no groups: /);
        assert.equal((await ask(name, '/reports/')).status, 403);
      });
    }

    test('an account that is disabled or has expired is not let in, although the server in front says who it is', async () => {
      for (const name of ['CORP\\dave', 'CORP\\frank']) {
        const response = await ask(name);
        assert.equal(response.status, 401);
        assert.equal(sessionOf(response), '');
        assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'account-barred');
      }
    });

    test('who is disabled during the day is out at the next look', async () => {
      const user = await admin.addUser('hybrid');
      const first = await ask(`CORP\\${user.name}`);
      assert.equal(first.status, 200);
      const cookie = session ? sessionOf(first) : '';
      const again = () => (session ? ask(undefined, '/api/whoami', cookie) : ask(`CORP\\${user.name}`));
      assert.equal((await again()).status, 200);
      await admin.set(user.dn, 'userAccountControl', '514');
      clock += 11 * minute;
      assert.equal((await again()).status, 401);
    });
  });
}

suite('the person from the Windows ticket, all groups from the directory', { skip: reasonToSkip() }, () => {
  before(() => startLab());

  test('groups are those of the directory also in the session, and the ticket tells none', async () => {
    const gateway = await startLabGateway({ negotiate: 'groups_from: directory' });
    try {
      const first = await send(`${gateway.origin}/api/whoami`, { headers: gateway.fields(await oneToken()) });
      const { user, groups, roles } = JSON.parse(first.body);
      assert.equal(user, 'CORP\\alice');
      for (const group of ['team-ai', 'dep1', 'loc1', 'uni1']) assert.ok(groups.includes(group), group);
      assert.deepEqual(roles, ['analyst']);
      const headers = { ...gateway.fields(), Cookie: sessionOf(first) };
      assert.equal((await send(`${gateway.origin}/reports/`, { headers })).status, 200);
    } finally {
      await gateway.close();
    }
  });
});
