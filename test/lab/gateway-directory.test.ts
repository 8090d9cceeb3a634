import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { sidOf, startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { send } from '../../packages/gateway/test/harness.ts';
import { type LabGateway, ldapAt, oneToken, startLabGateway } from './gateway.ts';
import { type Line, openLine } from './line.ts';

suite('group names at sign-in', { skip: reasonToSkip() }, () => {
  before(() => startLab());

  const signOn = async (gateway: LabGateway) => {
    const response = await send(`${gateway.origin}/api/whoami`, { headers: gateway.fields(await oneToken()) });
    const cookie = response.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    return { status: response.status, visitor: JSON.parse(response.body), cookie };
  };

  suite('while the domain controller does not answer over LDAPS', () => {
    let line: Line;
    let gateway: LabGateway;
    let clock = Date.now();

    before(async () => {
      line = await openLine(636);
      line.cut('refuse');
      gateway = await startLabGateway({ directory: ldapAt(line.port), now: () => clock });
    });
    after(async () => {
      await gateway?.close();
      await line?.close();
    });

    test('people sign on without group names, the audit log says why, and all is well once it answers', async () => {
      const first = await signOn(gateway);
      assert.equal(first.status, 200);
      const { user, name, groups } = first.visitor;
      assert.deepEqual({ user, name, groups }, { user: 'CORP\\alice', name: 'Alice Smith', groups: [] });
      assert.match(String(gateway.audit('sign-in').at(-1)?.['note']), /Cannot ask directory/);
      const reports = await send(`${gateway.origin}/reports/`, {
        headers: { ...gateway.fields(), Cookie: first.cookie },
      });
      assert.equal(reports.status, 403);

      line.mend();
      clock += 5_000;
      const second = await signOn(gateway);
      assert.ok(second.visitor.groups.includes('dep1'));
      assert.equal(second.visitor.email, 'alice@corp.example');
      assert.equal(gateway.audit('sign-in').at(-1)?.['note'], undefined);

      // The session that began without names has them at the latest after a minute: its groups are in the cookie.
      clock += 60_000;
      const again = await send(`${gateway.origin}/reports/`, {
        headers: { ...gateway.fields(), Cookie: first.cookie },
      });
      assert.equal(again.status, 200);
    });
  });

  test('names come from a table in the configuration as well, without LDAP', async () => {
    const directory = `{ groups: { ${sidOf('team-ai')}: team-ai, ${sidOf('dep1')}: "Abteilung 1" } }`;
    const gateway = await startLabGateway({ directory });
    try {
      const { status, visitor } = await signOn(gateway);
      assert.equal(status, 200);
      assert.deepEqual(new Set(visitor.groups), new Set(['Abteilung 1', 'team-ai']));
      assert.deepEqual(visitor.roles, ['analyst']);
      assert.equal(visitor.email, undefined);
    } finally {
      await gateway.close();
    }
  });
});
