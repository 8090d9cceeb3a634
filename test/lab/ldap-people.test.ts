import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { Client } from 'ldapts';
import { servicePassword } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { sidOf, startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { type LookUpGroups, memberships } from '../../packages/gateway/src/auth/memberships.ts';
import type { Identity } from '../../packages/gateway/src/core/identity.ts';
import { Secret } from '../../packages/gateway/src/core/secret.ts';
import {
  type LdapDirectory,
  type LdapDirectoryOptions,
  ldapDirectory,
} from '../../packages/gateway/src/directory/ldap.ts';
import type { PersonKeys, Search } from '../../packages/gateway/src/ports/people.ts';
import { type Administrator, administrator, type TestAccount } from './accounts.ts';
import { openLine } from './line.ts';

const hour = 3_600_000;

suite('people and their groups in a real Active Directory domain', { skip: reasonToSkip() }, () => {
  let admin: Administrator;
  let directory: LdapDirectory;
  const now = Date.now();

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

  before(async () => {
    await startLab();
    admin = await administrator();
    directory = ldapDirectory(options());
  });
  after(async () => {
    await directory?.close();
    await admin?.close();
  });

  const find = (keys: Partial<PersonKeys>): Promise<Search> =>
    directory.people.find({ sid: undefined, upn: undefined, account: undefined, email: undefined, ...keys }, now);
  const account = (name: string, domain = 'CORP') => ({ account: { domain, name } });
  const sidFound = (search: Search) => (search.kind === 'found' ? search.person.sid : search.kind);

  test('find() knows somebody by SID, by UPN and by account, in upper and lower case', async () => {
    const alice = sidOf('alice');
    for (const keys of [
      { sid: alice },
      { upn: 'alice@corp.example' },
      { upn: 'ALICE@Corp.Example' },
      account('alice'),
      account('ALICE', 'corp'),
      { upn: 'alice@corp.example', ...account('alice') },
    ])
      assert.equal(sidFound(await find(keys)), alice, JSON.stringify(keys));
  });

  test('find() gives every group, also by way of others, and the particulars', async () => {
    const search = await find(account('alice'));
    assert.ok(search.kind === 'found');
    const { groups, ...person } = search.person;
    assert.deepEqual(person, {
      sid: sidOf('alice'),
      account: 'CORP\\alice',
      upn: 'alice@corp.example',
      name: 'Alice Smith',
      email: 'alice@corp.example',
      state: 'active',
    });
    const sids = (groups ?? []).map(({ sid }) => sid);
    for (const name of ['team-ai', 'dep1', 'max_group', 'loc1', 'uni1', 'Domain Users'])
      assert.ok(sids.includes(sidOf(name)), name);
    assert.ok(!sids.includes(sidOf('dep2')));
  });

  test('find() reads names outside ASCII and four hundred groups', async () => {
    assert.equal(sidFound(await find(account('jürgen'))), sidOf('jürgen'));
    assert.equal(sidFound(await find(account('ju\u0308rgen'.normalize('NFC')))), sidOf('jürgen'));
    const big = await find(account('biguser'));
    assert.ok(big.kind === 'found' && (big.person.groups?.length ?? 0) > 400);
  });

  test('find() finds nobody by a name that only resembles one', async () => {
    for (const name of ['jurgen', 'ａlice', 'alice ', ' alice', 'alicé', 'ali', 'alice\0', 'DC1$'])
      assert.equal((await find(account(name))).kind, 'none', JSON.stringify(name));
  });

  test('find() cannot be talked into another question', async () => {
    const payloads = [
      '*',
      'a*',
      '*)(objectClass=*',
      'alice)(|(objectClass=*',
      'alice)(!(objectClass=computer))',
      '\\2a',
      'alice\\00',
      '\\61lice',
      'Administrator,CN=Users,DC=corp,DC=example',
      ')(',
      '&',
      'x)(sAMAccountName=alice',
    ];
    for (const name of payloads) {
      assert.equal((await find(account(name))).kind, 'none', name);
      assert.equal((await find({ upn: name })).kind, 'none', name);
      assert.equal((await find({ upn: `${name}@corp.example` })).kind, 'none', name);
      assert.equal((await find({ email: name })).kind, 'none', name);
      assert.equal((await find({ sid: name })).kind, 'none', name);
    }
  });

  test('find() takes an account of another domain for nobody, whatever else is known', async () => {
    assert.equal((await find(account('alice', 'OTHER'))).kind, 'none');
    assert.equal((await find({ upn: 'alice@corp.example', ...account('alice', 'OTHER') })).kind, 'none');
    assert.equal((await find({ sid: 'S-1-5-21-1-2-3-500' })).kind, 'none');
  });

  test('find() knows the UPN that an account has in any case, and not one with another suffix', async () => {
    const own = await admin.addUser('own', { userPrincipalName: 'someone.else@corp.example' });
    assert.equal(sidFound(await find({ upn: `${own.name}@corp.example` })), own.sid);
    assert.equal(sidFound(await find({ upn: 'someone.else@corp.example' })), own.sid);
    assert.equal(sidFound(await find({ upn: `${own.name}@other.example` })), 'none');
  });

  test('find() takes nobody when UPN and account lead to two people', async () => {
    assert.equal((await find({ upn: 'bob@corp.example', ...account('alice') })).kind, 'several');
  });

  test('find() goes by an e-mail address only when nothing else leads to somebody, and never to one of two', async () => {
    const mail = `shared.${Date.now()}@mail.example`;
    const one = await admin.addUser('one', { mail });
    assert.equal(sidFound(await find({ email: mail.toUpperCase() })), one.sid);
    assert.equal(sidFound(await find({ email: mail, ...account('alice') })), sidOf('alice'));
    for (let i = 0; i < 4; i++) await admin.addUser('other', { mail });
    assert.equal((await find({ email: mail })).kind, 'several');
  });

  for (const [state, attributes] of [
    ['disabled', { userAccountControl: '514' }],
    ['expired', { accountExpires: '126227808000000000' }],
    ['active', { accountExpires: '0' }],
    ['active', { accountExpires: String((BigInt(now) + 60_000n + 11_644_473_600_000n) * 10_000n) }],
  ] as const) {
    test(`find() tells that an account with ${JSON.stringify(attributes)} is ${state}`, async () => {
      const { name } = await admin.addUser('state', attributes);
      const search = await find(account(name));
      assert.equal(search.kind === 'found' && search.person.state, state);
    });
  }

  test('find() shows the account that signs in to the directory no more than another', async () => {
    const search = await find(account('svc-cardea'));
    assert.equal(search.kind, 'found');
  });

  test('find() answers fifty who ask at once over one connection', async () => {
    const line = await openLine(636);
    const through = ldapDirectory(options({ url: `ldaps://${address}:${line.port}` }));
    const keys = { sid: undefined, upn: undefined, email: undefined };
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, i) => through.people.find({ ...keys, ...account(i % 2 ? 'alice' : 'bob') }, now)),
    );
    for (const [i, search] of all.entries()) assert.equal(sidFound(search), sidOf(i % 2 ? 'alice' : 'bob'));
    assert.equal(line.connections(), 1);
    await through.close();
    await line.close();
  });

  suite('memberships() on top of it', () => {
    const person = (found: TestAccount): Identity => ({
      subject: 'test',
      account: `CORP\\${found.name}`,
      upn: undefined,
      name: undefined,
      email: undefined,
      sids: [],
      groups: [],
      method: 'trusted_header',
      authenticatedAt: now,
      expiresAt: now + 8 * hour,
    });
    const over = (opened: LdapDirectory): LookUpGroups =>
      memberships({ people: opened.people, names: opened, freshMs: 1_000, keepMs: hour, matchEmail: false });

    test('names the groups, and sees what an administrator has changed', async () => {
      const user = await admin.addUser('member');
      const first = await admin.addGroup('first-', [user]);
      await admin.addGroup('outer-', [first]);
      const lookUp = over(directory);
      const { identity, note, barred } = await lookUp(person(user), now);
      assert.deepEqual([note, barred], [undefined, undefined]);
      assert.ok(identity.groups.includes(first.name));
      assert.ok(identity.groups.some((name) => name.startsWith('outer-')));
      assert.ok(identity.groups.includes('Domain Users'));
      assert.ok(identity.sids.includes(first.sid));
      await admin.set(first.dn, 'member');
      const later = await lookUp(person(user), now + 1_000);
      assert.ok(!later.identity.groups.includes(first.name));
      assert.ok(!later.identity.groups.some((name) => name.startsWith('outer-')));
      await admin.set(user.dn, 'userAccountControl', '514');
      assert.match((await lookUp(person(user), now + 2_000)).barred ?? '', /disabled/);
    });

    test('keeps the last groups for its time while the controller cannot be reached, then none, then the new ones', async () => {
      const user = await admin.addUser('kept');
      const group = await admin.addGroup('kept-', [user]);
      const line = await openLine(636);
      const through = ldapDirectory(options({ url: `ldaps://${address}:${line.port}` }));
      const lookUp = over(through);
      assert.ok((await lookUp(person(user), now)).identity.groups.includes(group.name));
      line.cut('refuse');
      const kept = await lookUp(person(user), now + hour - 1);
      assert.ok(kept.identity.groups.includes(group.name));
      assert.match(kept.note ?? '', /groups are those of .*Cannot ask directory/);
      const gone = await lookUp(person(user), now + hour);
      assert.deepEqual(gone.identity.groups, []);
      line.mend();
      assert.ok((await lookUp(person(user), now + 2 * hour)).identity.groups.includes(group.name));
      await through.close();
      await line.close();
    });

    test('gives no groups while an account is locked, and does not bar it', async () => {
      const user = await admin.addUser('locked');
      await admin.addPasswordPolicy('lock', [user], { lockoutThreshold: 2 });
      for (let i = 0; i < 4; i++) {
        const client = new Client({ url: `ldaps://${address}`, tlsOptions: { ca: readFileSync(paths.ca, 'utf8') } });
        await assert.rejects(client.bind(user.dn, 'wrong'));
        await client.unbind();
      }
      const { identity, note, barred } = await over(directory)(person(user), now);
      assert.deepEqual([identity.groups, barred], [[], undefined]);
      assert.match(note ?? '', /locked/);
    });
  });
});
