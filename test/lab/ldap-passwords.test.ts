import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { baseDn, passwordOf, servicePassword } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { sidOf, startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { passwordSource } from '../../packages/gateway/src/auth/password.ts';
import { compareTimes } from '../../packages/gateway/src/auth/timing-testing.ts';
import { Secret } from '../../packages/gateway/src/core/secret.ts';
import {
  type LdapDirectory,
  type LdapDirectoryOptions,
  ldapDirectory,
} from '../../packages/gateway/src/directory/ldap.ts';
import { ldapPasswords } from '../../packages/gateway/src/directory/ldap-passwords.ts';
import { DirectoryError } from '../../packages/gateway/src/ports/directory.ts';
import type { PasswordDirectory, PasswordVerdict } from '../../packages/gateway/src/ports/password-directory.ts';
import { type Administrator, administrator, type TestAccount } from './accounts.ts';
import { openLine } from './line.ts';

suite('passwords against a real Active Directory domain', { skip: reasonToSkip() }, () => {
  let admin: Administrator;
  const opened: LdapDirectory[] = [];
  const now = Date.now();

  before(async () => {
    await startLab();
    admin = await administrator();
  });
  after(async () => {
    for (const directory of opened) await directory.close();
    await admin?.close();
  });

  const options = (change: Partial<LdapDirectoryOptions> = {}): LdapDirectoryOptions => ({
    url: `ldaps://${address}`,
    startTls: false,
    ca: readFileSync(paths.ca, 'utf8'),
    user: 'svc-cardea@corp.example',
    password: new Secret(servicePassword),
    base: '',
    timeoutMs: 5_000,
    ...change,
  });
  function open(change: Partial<LdapDirectoryOptions> = {}): PasswordDirectory {
    const directory = ldapDirectory(options(change));
    opened.push(directory);
    return ldapPasswords({ ...options(change), people: directory.people });
  }
  const word = (verdict: PasswordVerdict): string => (verdict.kind === 'barred' ? verdict.reason : verdict.kind);
  const detail = (verdict: PasswordVerdict): string => ('detail' in verdict ? verdict.detail : '');

  for (const [how, change] of [
    ['LDAPS', {}],
    ['StartTLS', { url: `ldap://${address}`, startTls: true }],
  ] as const) {
    test(`check() over ${how} knows a right password by every name of the account`, async () => {
      const passwords = open(change);
      const password = passwordOf('alice');
      for (const name of ['alice', 'ALICE', ' alice ', 'CORP\\alice', 'corp\\Alice', 'alice@corp.example'])
        assert.deepEqual(
          await passwords.check(name, password, now),
          {
            kind: 'right',
            sid: sidOf('alice'),
            account: 'CORP\\alice',
            upn: 'alice@corp.example',
            name: 'Alice Smith',
            email: 'alice@corp.example',
          },
          name,
        );
    });
  }

  test('check() takes names and passwords outside ASCII and with every sign that LDAP or a DN gives a meaning to', async () => {
    const passwords = open();
    assert.equal(word(await passwords.check('jürgen', passwordOf('jürgen'), now)), 'right');
    const odd = await admin.addUser("o'né (x) #!&{}$-.", { userPrincipalName: `odd+${now}@corp.example` });
    for (const name of [odd.name, `CORP\\${odd.name}`, `odd+${now}@corp.example`])
      assert.equal(word(await passwords.check(name, odd.password, now)), 'right', name);
  });

  test('check() refuses a wrong password, somebody else’s, an unknown name and another domain, all alike', async () => {
    const passwords = open();
    for (const [name, password] of [
      ['alice', 'Wrong-Passw0rd1'],
      ['alice', passwordOf('bob')],
      ['alice', passwordOf('alice').toLowerCase()],
      ['nobody', passwordOf('alice')],
      ['OTHER\\alice', passwordOf('alice')],
      ['alice@other.example', passwordOf('alice')],
      ['DC1$', 'x'],
      ['', passwordOf('alice')],
    ] as const)
      assert.equal(word(await passwords.check(name, password, now)), 'wrong', name);
  });

  test('check() never lets an empty password reach the server, which would say yes', async () => {
    const line = await openLine(636);
    const passwords = open({ url: `ldaps://${address}:${line.port}` });
    assert.equal(word(await passwords.check('alice', '', now)), 'wrong');
    assert.equal(line.connections(), 0);
    assert.equal(word(await passwords.check('alice', '\0', now)), 'wrong');
    await line.close();
  });

  test('check() takes no name for a filter, a DN or another form of name that the server would understand', async () => {
    const passwords = open();
    const password = passwordOf('alice');
    for (const name of [
      '*',
      'al*',
      'alice)(objectClass=*',
      'alice)(|(sAMAccountName=*',
      'CN=Alice Smith,CN=Users,DC=corp,DC=example',
      `<SID=${sidOf('alice')}>`,
      sidOf('alice'),
      'Alice Smith',
      'corp.example/Users/Alice Smith',
      'CORP\\\\alice',
      'CORP\\OTHER\\alice',
      'alice\0',
      'alice@corp.example@corp.example',
      'alice%00',
      'ａlice',
    ])
      assert.equal(word(await passwords.check(name, password, now)), 'wrong', JSON.stringify(name));
  });

  for (const [name, reason, code] of [
    ['dave', 'account-disabled', '533'],
    ['erin', 'password-must-change', '773'],
    ['frank', 'account-expired', '701'],
  ] as const) {
    test(`check() tells ${name} "${reason}" after a right password, and nothing after a wrong one`, async () => {
      const passwords = open();
      const right = await passwords.check(name, passwordOf(name), now);
      assert.equal(word(right), reason);
      assert.match(detail(right), new RegExp(`CORP\\\\${name}: .*\\(${code}\\)`));
      const wrong = await passwords.check(name, 'Wrong-Passw0rd1', now);
      assert.equal(word(wrong), 'wrong');
      assert.match(detail(wrong), /52e/);
    });
  }

  for (const [reason, code, prepare] of [
    [
      'password-expired',
      '532',
      async (user: TestAccount) => {
        await admin.addPasswordPolicy('aging', [user], { maximumAgeDays: 2 });
        await admin.agePassword(user);
      },
    ],
    ['not-at-this-time', '530', (user: TestAccount) => admin.set(user.dn, 'logonHours', Buffer.alloc(21))],
    ['not-from-this-machine', '531', (user: TestAccount) => admin.set(user.dn, 'userWorkstations', 'ELSEWHERE')],
  ] as const) {
    test(`check() tells "${reason}" after a right password, and nothing after a wrong one`, async () => {
      const user = await admin.addUser('barred');
      await prepare(user);
      const passwords = open();
      const right = await passwords.check(user.name, user.password, now);
      assert.equal(word(right), reason);
      assert.match(detail(right), new RegExp(`\\(${code}\\)`));
      const wrong = await passwords.check(user.name, 'Wrong-Passw0rd1', now);
      assert.equal(word(wrong), 'wrong');
      assert.match(detail(wrong), /52e/);
    });
  }

  test('check() leaves a locked account’s owner with the same answer as a wrong password, and says it in the detail', async () => {
    const user = await admin.addUser('locked');
    await admin.addPasswordPolicy('lock', [user], { lockoutThreshold: 2 });
    const passwords = open();
    for (let i = 0; i < 3; i++) assert.equal(word(await passwords.check(user.name, 'wrong', now)), 'wrong');
    const verdict = await passwords.check(user.name, user.password, now);
    assert.equal(word(verdict), 'wrong');
    assert.match(detail(verdict), /locked \(775\)/);
  });

  test('check() stops before the domain would lock an account, and forgets it when the domain does', async () => {
    await admin.set(baseDn, 'lockoutThreshold', '40'); // high enough for what other suites do meanwhile
    try {
      const user = await admin.addUser('guarded');
      const line = await openLine(636);
      const passwords = open({ url: `ldaps://${address}:${line.port}` });
      for (let i = 0; i < 38; i++) assert.match(detail(await passwords.check(user.name, 'wrong', now)), /52e/);
      for (let i = 0; i < 10; i++)
        assert.match(detail(await passwords.check(`CORP\\${user.name}`, 'wrong', now)), /not asked/);
      assert.equal(line.connections(), 1 + 38 + 10, 'with the steps that it takes for others');
      // The account itself is as it was: in Windows, its owner notices nothing.
      const elsewhere = open();
      assert.equal(word(await elsewhere.check(user.name, user.password, now)), 'right');
      assert.match(detail(await passwords.check(user.name, user.password, now)), /not asked/);
      assert.equal(word(await passwords.check(user.name, user.password, now + 31 * 60_000)), 'right');
      await line.close();
    } finally {
      await admin.set(baseDn, 'lockoutThreshold', '0');
    }
  });

  test('check() rejects when the controller is down, for every name alike, and says yes to nobody', async () => {
    const line = await openLine(636);
    const passwords = open({ url: `ldaps://${address}:${line.port}` });
    assert.equal(word(await passwords.check('alice', passwordOf('alice'), now)), 'right');
    line.cut('refuse');
    for (const name of ['alice', 'nobody', '*'])
      await assert.rejects(passwords.check(name, passwordOf('alice'), now), DirectoryError);
    line.mend();
    assert.equal(word(await passwords.check('alice', passwordOf('alice'), now + 5_000)), 'right');
    await line.close();
  });

  test('check() sends no password to a server whose certificate is not right', async () => {
    const passwords = open({ ca: undefined });
    await assert.rejects(passwords.check('alice', passwordOf('alice'), now), /certificate/i);
  });

  test('check() is not led to another account whose owner has chosen a name like that of the first', async () => {
    const victim = await admin.addUser('victim');
    const passwords = open();
    for (const [name, attributes] of [
      [`CORP\\${victim.name}`, { userPrincipalName: `CORP\\${victim.name}` }],
      [victim.name, { displayName: victim.name }],
      [victim.name, { userPrincipalName: victim.name }],
    ] as const) {
      const mallory = await admin.addUser('mallory', attributes).catch(() => undefined);
      if (mallory === undefined) continue; // the controller knows better
      assert.equal(word(await passwords.check(name, mallory.password, now)), 'wrong');
      assert.equal(word(await passwords.check(name, victim.password, now)), 'right');
    }
  });

  test('check() takes the same steps for an unknown name', async () => {
    const line = await openLine(636);
    const passwords = open({ url: `ldaps://${address}:${line.port}` });
    await passwords.check('alice', 'wrong', now);
    const made = line.connections();
    for (const name of ['alice', 'nobody', 'OTHER\\alice', '*)(cn=*']) {
      const before = line.connections();
      await passwords.check(name, 'wrong', now);
      assert.equal(line.connections() - before, made - 1, name);
    }
    await line.close();
  });

  test('check() leaves no connection open behind a question', async () => {
    const line = await openLine(636);
    const passwords = open({ url: `ldaps://${address}:${line.port}` });
    for (const password of [passwordOf('alice'), 'wrong']) await passwords.check('alice', password, now);
    const until = Date.now() + 2_000;
    while (line.open() > 1 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(line.open(), 1, 'the one that looks people up');
    assert.equal(line.connections(), 3);
    await line.close();
  });

  test('nothing that check() says or throws has the password in it', async () => {
    const passwords = open();
    const secret = 'Hunter2-hunter2';
    for (const name of ['alice', 'dave', 'nobody'])
      assert.ok(!JSON.stringify(await passwords.check(name, secret, now)).includes(secret));
    const broken = open({ url: 'ldaps://127.0.0.1:9' });
    await assert.rejects(broken.check('alice', secret, now), (error) => !String(error).includes(secret));
  });

  test('a form in front of it takes the same time for unknown names and wrong passwords, whatever the controller takes', async () => {
    await admin.set(baseDn, 'lockoutThreshold', '999'); // the controller now writes down each wrong password
    const hour = 3_600_000;
    try {
      const passwords = passwordSource({ users: [], lifetimeMs: hour, directory: open(), refusalStepMs: 100 });
      const known = await admin.addUser('timed');
      let clock = now;
      const guess = (name: string) => async () => {
        clock += hour; // the throttle has forgotten the one before
        const outcome = await passwords.signIn(name, 'guess', '10.0.0.1', clock);
        assert.equal(outcome.kind === 'rejected' && outcome.reason, 'wrong-name-or-password');
      };
      const { apart, text } = await compareTimes(80, guess(known.name), guess(`x${known.name.slice(1)}`));
      assert.equal(apart, false, text);
    } finally {
      await admin.set(baseDn, 'lockoutThreshold', '0');
    }
  });
});
