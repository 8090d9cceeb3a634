import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { baseDn, groups as labGroups, servicePassword } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { sidOf, startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { Secret } from '../../packages/gateway/src/core/secret.ts';
import { directoryContract } from '../../packages/gateway/src/directory/directory.contract.ts';
import { type LdapDirectoryOptions, ldapDirectory } from '../../packages/gateway/src/directory/ldap.ts';
import { DirectoryError } from '../../packages/gateway/src/ports/directory.ts';
import { type Line, openLine } from './line.ts';

suite('ldapDirectory() against a real Active Directory domain', { skip: reasonToSkip() }, () => {
  const known: Record<string, string> = {};
  const lines: Line[] = [];

  before(async () => {
    await startLab();
    for (const name of ['team-ai', 'dep1', 'loc1', 'uni1', 'Ökonomie-経理']) known[sidOf(name)] = name;
    known['S-1-5-32-545'] = 'Users';
  });
  after(async () => {
    for (const line of lines) await line.close();
  });

  const options = (change: Partial<LdapDirectoryOptions> = {}): LdapDirectoryOptions => ({
    url: `ldaps://${address}`,
    startTls: false,
    ca: readFileSync(paths.ca, 'utf8'),
    user: 'svc-cardea@corp.example',
    password: new Secret(servicePassword),
    base: baseDn,
    timeoutMs: 5_000,
    ...change,
  });

  /** The same over a line of its own, on the controller's address, so that its certificate fits. */
  async function through(target: number, change: Partial<LdapDirectoryOptions> = {}) {
    const line = await openLine(target);
    lines.push(line);
    const scheme = target === 636 ? 'ldaps' : 'ldap';
    return {
      line,
      options: options({ url: `${scheme}://${address}:${line.port}`, startTls: target === 389, ...change }),
    };
  }

  directoryContract('ldaps', async () => ({ directory: ldapDirectory(options()), groups: known }));
  directoryContract('StartTLS', async () => ({
    directory: ldapDirectory(options({ url: `ldap://${address}`, startTls: true })),
    groups: known,
  }));

  test('groupNames() names 400 groups, in batches, and asks nobody the second time', async () => {
    const { line, options: opened } = await through(636);
    const directory = ldapDirectory(opened);
    const big = labGroups.filter(({ name }) => name.startsWith('big-group-')).map(({ name }) => name);
    const sids = big.map(sidOf);
    assert.deepEqual([...(await directory.groupNames(sids, 0)).values()].sort(), big.sort());
    line.cut('refuse');
    assert.equal((await directory.groupNames(sids, 1_000)).size, 400);
    await directory.close();
  });

  test('groupNames() finds the base by itself when none is given', async () => {
    const directory = ldapDirectory(options({ base: '' }));
    assert.deepEqual(Object.fromEntries(await directory.groupNames(Object.keys(known), 0)), known);
    await directory.close();
  });

  test('person() knows name, e-mail address and UPN, and non-ASCII ones', async () => {
    const directory = ldapDirectory(options());
    assert.equal((await directory.person(sidOf('alice'), 0))?.upn, 'alice@corp.example');
    assert.equal((await directory.person(sidOf('jürgen'), 0))?.name, 'Jürgen Müller');
    await directory.close();
  });

  test('everyone who asks at once shares one connection and one question', async () => {
    const sent: number[] = [];
    for (const askers of [1, 50]) {
      const { line, options: opened } = await through(636);
      const directory = ldapDirectory(opened);
      const asking = Array.from({ length: askers }, () => [
        directory.groupNames(Object.keys(known), 0),
        directory.person(sidOf('alice'), 0),
      ]);
      await Promise.all(asking.flat());
      assert.equal(line.connections(), 1);
      sent.push(line.sent());
      await directory.close();
    }
    assert.ok(Math.max(...sent) < 1.2 * Math.min(...sent), `bytes sent: ${sent.join(' for one, ')} for fifty`);
  });

  test('a StartTLS connection that ended long ago costs no time-out', async () => {
    const { line, options: opened } = await through(389, { timeoutMs: 10_000 });
    const directory = ldapDirectory(opened);
    const [one = '', two = ''] = Object.keys(known);
    await directory.groupNames([one], 0);
    line.cut('once');
    await setTimeout(50); // until our side has seen it, which nothing tells
    const start = performance.now();
    assert.equal((await directory.groupNames([two], 0)).size, 1);
    assert.ok(performance.now() - start < 5_000);
    await directory.close();
    assert.ok(performance.now() - start < 5_000);
  });

  for (const target of [636, 389] as const) {
    test(`a connection to port ${target} that was cut is made again, signed in and encrypted`, async () => {
      const { line, options: opened } = await through(target);
      const directory = ldapDirectory(opened);
      const [one = '', two = ''] = Object.keys(known);
      assert.equal((await directory.groupNames([one], 0)).size, 1);
      line.cut('once');
      assert.equal((await directory.groupNames([two], 0)).size, 1);
      assert.equal(line.connections(), 2);
      await directory.close();
    });

    test(`a connection to port ${target} that has gone silent is given up after the time-out, and made again`, async () => {
      const { line, options: opened } = await through(target, { timeoutMs: 300 });
      const directory = ldapDirectory(opened);
      const [one = '', two = ''] = Object.keys(known);
      assert.equal((await directory.groupNames([one], 0)).size, 1);
      line.mute();
      assert.equal((await directory.groupNames([two], 0)).size, 1);
      await directory.close();
    });
  }

  test('what is remembered serves while the directory is down, and the trouble is told once', async () => {
    const told: string[] = [];
    const { line, options: opened } = await through(636, {
      cacheMs: 1_000,
      onTrouble: (message) => void told.push(message),
    });
    const directory = ldapDirectory(opened);
    const sids = Object.keys(known);
    const alice = sidOf('alice');
    await directory.groupNames(sids, 0);
    const person = await directory.person(alice, 0);
    line.cut('refuse');
    for (const now of [10_000, 20_000, 30_000]) {
      assert.deepEqual(Object.fromEntries(await directory.groupNames(sids, now)), known);
      assert.deepEqual(await directory.person(alice, now), person);
    }
    line.mend();
    assert.deepEqual(Object.fromEntries(await directory.groupNames(sids, 40_000)), known);
    assert.equal(told.length, 2);
    assert.match(told[0] ?? '', /^Cannot ask directory ldaps:/);
    assert.match(told[1] ?? '', /answers again/);
    await directory.close();
  });

  test('groupNames() throws for a name that nobody remembers, and gives the others with the error', async () => {
    const { line, options: opened } = await through(636, { cacheMs: 1_000 });
    const directory = ldapDirectory(opened);
    const [one = '', two = ''] = Object.keys(known);
    await directory.groupNames([one], 0);
    line.cut('refuse');
    await assert.rejects(
      directory.groupNames([one, two], 10_000),
      (error) => error instanceof DirectoryError && error.known.get(one) === known[one] && error.known.size === 1,
    );
    await directory.close();
  });

  test('a directory that is down is not asked again at once', async () => {
    const { line, options: opened } = await through(636);
    const directory = ldapDirectory(opened);
    const [one = ''] = Object.keys(known);
    line.cut('refuse');
    await assert.rejects(directory.groupNames([one], 0), DirectoryError);
    line.mend();
    await assert.rejects(directory.groupNames([one], 4_999), DirectoryError);
    assert.equal(line.connections(), 0);
    assert.equal((await directory.groupNames([one], 5_000)).size, 1);
    await directory.close();
  });

  test('a refused password is not tried again for a minute, lest it lock the account', async () => {
    const { line, options: opened } = await through(636, { password: new Secret('Wrong-Passw0rd1') });
    const directory = ldapDirectory(opened);
    const [one = ''] = Object.keys(known);
    const refusal = (error: unknown): boolean =>
      error instanceof DirectoryError &&
      error.message.includes('wrong name or password (52e)') &&
      !error.message.includes('Wrong-P');
    await assert.rejects(directory.groupNames([one], 0), refusal);
    await assert.rejects(directory.groupNames([one], 59_999), refusal);
    assert.equal(line.connections(), 1);
    await directory.close();
  });

  test('a certificate of an unknown authority is refused', async () => {
    for (const change of [{ ca: undefined }, { ca: undefined, url: `ldap://${address}`, startTls: true }]) {
      const directory = ldapDirectory(options(change));
      await assert.rejects(directory.ping(), /Cannot ask directory .*certificate/i);
      await directory.close();
    }
  });

  test('a certificate for another host is refused', async () => {
    for (const [scheme, port] of [
      ['ldaps', 636],
      ['ldap', 389],
    ] as const) {
      const line = await openLine(port, '127.0.0.1');
      lines.push(line);
      // The same controller, under a name that its certificate does not have.
      const directory = ldapDirectory(
        options({ url: `${scheme}://localhost:${line.port}`, startTls: scheme === 'ldap' }),
      );
      await assert.rejects(directory.ping(), /Cannot ask directory .*(altnames|does not match)/i);
      await directory.close();
    }
  });

  test('a base that does not exist is reported as such', async () => {
    const directory = ldapDirectory(options({ base: 'DC=nowhere,DC=example' }));
    await assert.rejects(directory.ping(), DirectoryError);
    await directory.close();
  });

  test('close() ends the connection, and a closed directory is not asked', async () => {
    const { line, options: opened } = await through(636);
    const directory = ldapDirectory(opened);
    await directory.ping();
    await directory.close();
    await assert.rejects(directory.ping(), /closed/);
    assert.equal(line.connections(), 1);
  });
});
