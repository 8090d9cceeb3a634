import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { passwordOf, servicePassword } from '../../lab/domain.ts';
import { sidOf, startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import {
  asBrowser,
  openSocket,
  send,
  sessionOf,
  startTestGateway,
  type TestGateway,
  type TestResponse,
  usersFile,
} from '../../packages/gateway/test/harness.ts';
import { type Administrator, administrator } from './accounts.ts';
import { ldapAt } from './gateway.ts';
import { type Line, openLine } from './line.ts';

const minute = 60_000;

suite('a gateway where people sign in with their Windows password', { skip: reasonToSkip() }, () => {
  let admin: Administrator;
  let line: Line;
  let gateway: TestGateway;
  let clock = Date.now();

  before(async () => {
    await startLab();
    admin = await administrator();
    line = await openLine(636);
    gateway = await startTestGateway({
      now: () => clock,
      env: { LDAP_PASSWORD: servicePassword },
      files: { 'users.yaml': await usersFile({ operator: ['it-admins'], bob: [] }) },
      config: (upstream) => `
session: { lifetime: 12h, idle: 12h }
sign_in: [{ password: { users: users.yaml, ldap: true, argon2: { memory: 8MiB, passes: 1 } } }]
directory: ${ldapAt(line.port).replace('ldap: {', 'ldap: { keep_for: 2h,')}
roles:
  analyst: { groups: [dep1], modules: [Reports] }
  admin: { groups: [it-admins], modules: ["*"] }
apps:
  - name: sample
    host: "*"
    upstream: ${upstream}
    rules:
      - { path: /reports/**, module: Reports }
      - { path: /**, signed_in: true }
`,
    });
  });
  after(async () => {
    await gateway?.close();
    await line?.close();
    await admin?.close();
  });

  const attempt = (name: string, password: string): Promise<TestResponse> =>
    send(`${gateway.origin}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ name, password, return: '/' }).toString(),
    });
  async function signIn(name: string, password: string): Promise<string> {
    const response = await attempt(name, password);
    assert.equal(response.status, 303, response.body);
    return sessionOf(response);
  }
  const whoami = async (cookie: string) => {
    const { status, body } = await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: cookie } });
    return { status, visitor: JSON.parse(body) };
  };

  test('the app learns account, name and all groups, nested ones among them; rules go by them, also on a WebSocket', async () => {
    const cookie = await signIn('alice', passwordOf('alice'));
    const { visitor } = await whoami(cookie);
    const { user, name, email, groups, roles } = visitor;
    assert.deepEqual({ user, name, email }, { user: 'CORP\\alice', name: 'Alice Smith', email: 'alice@corp.example' });
    for (const group of ['team-ai', 'dep1', 'loc1', 'uni1']) assert.ok(groups.includes(group), group);
    assert.deepEqual(roles, ['analyst']);
    const reports = await send(`${gateway.origin}/reports/`, { headers: { Cookie: cookie } });
    assert.equal(reports.status, 200);
    const socket = await openSocket(`${gateway.origin}/ws`, { Cookie: cookie });
    assert.ok(socket.kind === 'open');
    assert.equal(JSON.parse(await socket.first).visitor.user, 'CORP\\alice');
    socket.socket.terminate();
    const event = gateway.audit('sign-in').at(-1);
    assert.deepEqual(
      [event?.['subject'], event?.['account'], event?.['method'], event?.['note']],
      [sidOf('alice'), 'CORP\\alice', 'password', undefined],
    );
  });

  test('four hundred groups fit into a session', async () => {
    const cookie = await signIn('biguser', passwordOf('biguser'));
    assert.ok(cookie.length < 1_000, `${cookie.length} bytes`);
    assert.ok((await whoami(cookie)).visitor.groups.length > 400);
  });

  test('people of the users file sign in beside them, and a name that is there is nobody else’s', async () => {
    const { visitor } = await whoami(await signIn('operator', 'operator-password'));
    assert.deepEqual(visitor.groups, ['it-admins']);
    assert.equal((await attempt('bob', passwordOf('bob'))).status, 403);
    const { visitor: windowsBob } = await whoami(await signIn('CORP\\bob', passwordOf('bob')));
    assert.ok(windowsBob.groups.includes('dep2'));
  });

  test('a wrong password and an unknown name get the same page, and the audit log knows the difference', async () => {
    const pages = [await attempt('carol', 'guess'), await attempt('nobod', 'guess')];
    const [wrong, unknown] = pages.map(({ status, body }) => ({
      status,
      body: body.replaceAll(/carol|nobod/g, 'name').replaceAll(/[0-9a-f-]{20,}/g, 'id'),
    }));
    assert.deepEqual(unknown, wrong);
    const details = gateway
      .audit('sign-in-failed')
      .slice(-2)
      .map((event) => String(event['detail']));
    assert.match(details[0] ?? '', /CORP\\carol: .*52e/);
    assert.match(details[1] ?? '', /no such account/);
  });

  test('a right password that does not help is explained, and a wrong one for the same account is not', async () => {
    const right = await attempt('dave', passwordOf('dave'));
    assert.equal(right.status, 403);
    assert.match(right.body, /disabled/i);
    assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'account-disabled');
    const wrong = await attempt('dave', 'guess');
    assert.doesNotMatch(wrong.body, /disabled/i);
    assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'wrong-name-or-password');
  });

  test('groups that an administrator changes are heard of during the session, and who is disabled is signed out', async () => {
    const user = await admin.addUser('session');
    const group = await admin.addGroup('session-', [user]);
    const cookie = await signIn(user.name, user.password);
    assert.ok((await whoami(cookie)).visitor.groups.includes(group.name));
    await admin.set(group.dn, 'member');
    clock += 11 * minute;
    assert.ok(!(await whoami(cookie)).visitor.groups.includes(group.name));
    await admin.set(user.dn, 'userAccountControl', '514');
    clock += 11 * minute;
    const gone = await send(`${gateway.origin}/`, { headers: { ...asBrowser, Cookie: cookie } });
    assert.equal(gone.status, 303);
    assert.match(gone.headers.location ?? '', /^\/auth\/login/);
    assert.match(String(gone.headers['set-cookie']), /Max-Age=0/);
  });

  test('while the controller is down sessions keep their groups for two hours, and then have none', async () => {
    const cookie = await signIn('alice', passwordOf('alice'));
    line.cut('refuse');
    clock += 119 * minute;
    assert.ok((await whoami(cookie)).visitor.groups.includes('dep1'));
    assert.equal((await send(`${gateway.origin}/reports/`, { headers: { Cookie: cookie } })).status, 200);
    const failed = await attempt('alice', passwordOf('alice'));
    assert.equal(failed.status, 503);
    assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'unavailable');
    await signIn('operator', 'operator-password');
    clock += 2 * minute;
    const { status, visitor } = await whoami(cookie);
    assert.deepEqual([status, visitor.user, visitor.groups], [200, 'CORP\\alice', []]);
    assert.equal((await send(`${gateway.origin}/reports/`, { headers: { Cookie: cookie } })).status, 403);
    line.mend();
    clock += 2 * minute;
    assert.ok((await whoami(cookie)).visitor.groups.includes('dep1'));
  });

  test('respelled names share one throttle, whatever domain they are written with', async () => {
    const user = await admin.addUser('throttled');
    const spellings = [
      user.name,
      user.name.toUpperCase(),
      `CORP\\${user.name}`,
      `${user.name}@corp.example`,
      ` ${user.name} `,
    ];
    for (const name of [...spellings, ...spellings]) assert.equal((await attempt(name, 'guess')).status, 403);
    for (const name of spellings) assert.equal((await attempt(name, user.password)).status, 429, name);
  });

  test('no password stands in any log', () => {
    for (const name of ['alice', 'bob', 'dave', 'biguser']) assert.ok(!gateway.written().includes(passwordOf(name)));
    assert.ok(!gateway.written().includes(servicePassword));
  });
});
