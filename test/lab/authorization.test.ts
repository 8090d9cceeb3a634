/** The authorization API with a real Active Directory: other people's groups, and what becomes of it when nobody answers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { baseDn, passwordOf, servicePassword } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { sidOf, startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { run } from '../../lab/processes.ts';
import { makeKey, postJson } from '../../packages/gateway/test/credentials.ts';
import { send, sessionOf, startTestGateway, type TestGateway, withCsrf } from '../../packages/gateway/test/harness.ts';
import { type Administrator, administrator, type TestAccount } from './accounts.ts';
import { type Line, openLine } from './line.ts';

const minute = 60_000;

suite('the authorization API and a directory', { skip: reasonToSkip() }, () => {
  let admin: Administrator;
  let gateway: TestGateway;
  let line: Line;
  let key: string;
  let clock = Date.now();

  before(async () => {
    await startLab();
    admin = await administrator();
    line = await openLine(636);
    gateway = await startTestGateway({
      now: () => clock,
      files: { 'ldap-password': servicePassword },
      config: (upstream) => `
sign_in: [{ password: { ldap: true } }, { api_key: {} }]
directory:
  ldap:
    url: "ldaps://${address}:${line.port}"
    ca: ${paths.ca}
    bind: { user: svc-cardea@corp.example, password: "\${file:ldap-password}" }
    base: "${baseDn}"
    cache: 10m
    keep_for: 8h
roles: { analyst: { groups: [team-ai], modules: [Reports] } }
apps:
  - name: desk
    host: 127.0.0.1
    upstream: ${upstream}
    rules:
      - { path: /reports/**, module: Reports }
      - { path: /sign, groups: [dep1], max_age: 15m }
      - { path: /inside/**, groups: [dep1], networks: 10.0.0.0/8 }
      - { path: /not-remote/**, groups: [dep1], not: { networks: 192.168.0.0/16 } }
      - { path: /by/**, groups: [dep1], signed_in_by: [password] }
      - { path: /not-ai/**, not: { groups: [team-ai] } }
      - { path: /**, signed_in: true }
`,
    });
    key = await makeKey(gateway.folder, 'desk-backend', '--app', 'desk', '--may', 'check');
  });
  after(async () => {
    await gateway?.close();
    await line?.close();
    await admin?.close();
  });

  const ask = (body: object) => postJson(`${gateway.origin}/auth/check`, body, { 'X-API-Key': key });
  const about = async (user: string, ...checks: readonly object[]): Promise<readonly unknown[]> => {
    const { status, body } = await ask({ user, checks });
    assert.equal(status, 200, body);
    const { answers }: { answers: readonly { allow: boolean; reason?: string }[] } = JSON.parse(body);
    return answers.map(({ allow, reason }) => (allow ? true : reason));
  };

  test('other people are who the directory says, under each of their names', async () => {
    const upnOf = (name: string) => `${name}@corp.example`;
    for (const user of ['CORP\\alice', 'corp\\ALICE', upnOf('alice'), sidOf('alice')])
      assert.deepEqual(
        await about(user, { group: 'team-ai' }, { group: 'DEP1' }, { role: 'analyst' }, { module: 'Reports' }),
        [true, true, true, true],
        user,
      );
    assert.deepEqual(
      await about('CORP\\bob', { group: 'team-ai' }, { role: 'analyst' }, { path: '/reports/x' }, { path: '/' }),
      ['not-allowed', 'not-allowed', 'not-allowed', true],
    );
  });

  test('groups in groups count, by name and by SID', async () => {
    assert.deepEqual(
      await about('CORP\\alice', { all_of_groups: ['team-ai', 'dep1', 'loc1'] }, { group: sidOf('dep1') }),
      [true, true],
    );
    assert.deepEqual(await about('CORP\\biguser', { group: 'big-group-399' }, { group: 'dep1' }), [
      true,
      'not-allowed',
    ]);
  });

  test('names in other scripts are names like any other', async () => {
    const person: TestAccount = await admin.addUser('иван');
    const team = await admin.addGroup('отдел-', [person]);
    const above = await admin.addGroup('Управление-', [team]);
    assert.deepEqual(
      await about(`CORP\\${person.name}`, { group: team.name }, { group: above.name.toUpperCase() }, { path: '/' }),
      [true, true, true],
    );
    assert.deepEqual(await about('CORP\\jürgen', { group: 'ökonomie-経理' }), [true]);
    assert.equal(
      gateway.audit('authorization-asked').some(({ about: whom }) => whom === `CORP\\${person.name}`),
      true,
    );
  });

  test('who is unknown, or barred, gets nothing', async () => {
    for (const user of [
      'CORP\\nobody-of-this-name',
      'OTHER\\alice',
      'nobody@corp.example',
      'CORP\\*',
      `${sidOf('alice')}9`,
    ])
      assert.deepEqual(await about(user, { path: '/' }, { group: 'dep1' }), ['unknown-user', 'unknown-user'], user);
    for (const user of ['CORP\\dave', 'CORP\\frank'])
      assert.deepEqual(
        await about(user, { path: '/' }, { group: 'Domain Users' }),
        ['not-allowed', 'not-allowed'],
        user,
      );
  });

  test('what only a request can tell is not answered with yes', async () => {
    const inside = { path: '/inside/x', address: '10.1.2.3' };
    const outside = { path: '/inside/x', address: '192.0.2.1' };
    assert.deepEqual(
      await about(
        'CORP\\alice',
        { path: '/sign' },
        { path: '/inside/x' },
        inside,
        outside,
        { path: '/not-remote/x' },
        { path: '/not-remote/x', address: '10.1.2.3' },
        { path: '/by/x' },
        { path: '/not-ai/x' },
      ),
      [
        'sign-in-too-old',
        'depends-on-request',
        true,
        'not-allowed',
        'depends-on-request',
        true,
        'depends-on-request',
        'not-allowed',
      ],
    );
    assert.deepEqual(await about('CORP\\bob', { path: '/sign' }, inside), ['not-allowed', 'not-allowed']);
  });

  test('a change in the directory is heard within its cache; while it is down, nothing is allowed that is older', async () => {
    const person = await admin.addUser('leaver');
    const team = await admin.addGroup('leavers', [person]);
    const user = `CORP\\${person.name}`;
    assert.deepEqual(await about(user, { group: team.name }), [true]);
    await admin.set(team.dn, 'member');
    clock += 10 * minute;
    assert.deepEqual(await about(user, { group: team.name }), ['not-allowed']);

    line.cut('refuse');
    try {
      assert.deepEqual(await about(user, { group: 'Domain Users' }), [true]); // asked a moment ago
      clock += 10 * minute;
      const checks = [{ group: 'Domain Users' }, { path: '/' }, { user: 'CORP\\alice', group: 'dep1' }];
      const { status, body, headers } = await ask({ user, checks });
      assert.deepEqual([status, JSON.parse(body).error], [503, 'directory-unavailable']);
      assert.equal(headers['retry-after'], '5');
      assert.doesNotMatch(body, /allow"/);
    } finally {
      line.mend();
    }
    clock += minute; // the connection waits a while before it tries again
    assert.deepEqual(await about(user, { group: 'Domain Users' }), [true]);
  });

  test('docs/authorization-api.md: every example gives what stands there', async () => {
    const signedIn = await send(`${gateway.origin}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ name: 'alice', password: passwordOf('alice'), return: '/' }).toString(),
    });
    const { Cookie, 'X-CSRF-Token': csrf } = await withCsrf(gateway.origin, sessionOf(signedIn));
    const text = readFileSync(join(import.meta.dirname, '../../docs/authorization-api.md'), 'utf8');
    const examples = [...text.matchAll(/```sh\n([\s\S]*?)```\n\n```json\n([\s\S]*?)```/g)];
    assert.equal(examples.length, text.split('```sh\n').length - 1);
    assert.ok(examples.length >= 4);
    for (const [, command = '', answer = ''] of examples) {
      const here = command
        .replaceAll('https://desk.corp.example', gateway.origin)
        .replaceAll('http://127.0.0.1:9464', gateway.admin);
      const values = `COOKIE='${Cookie}'; CSRF='${csrf}'; KEY='${key}'\n`;
      assert.equal((await run('/bin/bash', ['-c', values + here])).trim(), answer.trim(), command);
    }
  });
});
