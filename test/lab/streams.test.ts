import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { servicePassword } from '../../lab/domain.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { send, sessionOf, startTestGateway, type TestGateway, until } from '../../packages/gateway/test/harness.ts';
import { openEvents, openWs } from '../../packages/gateway/test/streams-testing.ts';
import { type Administrator, administrator, type TestAccount } from './accounts.ts';
import { ldapAt } from './gateway.ts';
import { type Line, openLine } from './line.ts';

const minute = 60_000;

/** With and without a session: groups come from the domain in both cases. */
for (const session of [true, false])
  suite(`streams of people whose groups are in the domain, ${session ? 'with' : 'without'} a session`, {
    skip: reasonToSkip(),
  }, () => {
    let admin: Administrator;
    let line: Line;
    let gateway: TestGateway;
    let user: TestAccount;
    let group: TestAccount;
    let clock = Date.now();

    before(async () => {
      await startLab();
      admin = await administrator();
      line = await openLine(636);
      user = await admin.addUser('streams');
      group = await admin.addGroup('streams-group', [user]);
      gateway = await startTestGateway({
        now: () => clock,
        env: { LDAP_PASSWORD: servicePassword },
        config: (upstream) => `
sign_in:
  - trusted_header: { default_domain: CORP, groups_from: directory, session: ${session} }
directory: ${ldapAt(line.port)}
apps:
  - name: sample
    host: "*"
    upstream: ${upstream}
    rules: [{ path: /ws, groups: [${group.name}] }, { path: /**, signed_in: true }]
`,
      });
    });
    after(async () => {
      await gateway?.close();
      await line?.close();
      await admin?.close();
    });

    async function open() {
      const named = { 'X-Remote-User': user.name };
      const first = await send(`${gateway.origin}/api/whoami`, { headers: named });
      const headers = session ? { Cookie: sessionOf(first) } : named;
      const socket = await openWs(`${gateway.origin}/ws`, headers);
      return { socket, stream: await openEvents(`${gateway.origin}/events`, headers) };
    }
    /** So much time goes by, and what is due is looked at. */
    async function pass(ms: number, ended: () => boolean): Promise<void> {
      clock += ms;
      const looks = performance.now() + 1_500;
      await until(() => ended() || performance.now() > looks, 'looks');
    }

    test('a controller that does not answer for a while ends nothing', async () => {
      const { socket, stream } = await open();
      line.cut('refuse');
      for (let i = 0; i < 4; i++) await pass(11 * minute, socket.ended);
      line.mend();
      await pass(11 * minute, socket.ended);
      assert.deepEqual([socket.ended(), stream.ended()], [false, false]);
      socket.socket.terminate();
      stream.close();
    });

    test('whoever leaves the group loses the socket that it is for, with 4403, and nothing else', async () => {
      const { socket, stream } = await open();
      await admin.set(group.dn, 'member');
      await pass(11 * minute, socket.ended);
      const { code, reason } = await socket.closing;
      assert.deepEqual([code, reason], [4403, 'no-longer-allowed']);
      assert.equal(stream.ended(), false);
      await admin.set(group.dn, 'member', user.dn);
      clock += 11 * minute;
      stream.close();
    });

    test('whose account is disabled loses all of them, with 4401', async () => {
      const { socket, stream } = await open();
      await admin.set(user.dn, 'userAccountControl', '514');
      await pass(11 * minute, socket.ended);
      const { code, reason } = await socket.closing;
      assert.deepEqual([code, reason], [4401, session ? 'session-revoked' : 'credential-revoked']);
      await stream.cut;
    });
  });
