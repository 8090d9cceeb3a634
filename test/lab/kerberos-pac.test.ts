import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { domainSid } from '../../lab/domain.ts';
import { paths } from '../../lab/files.ts';
import { sidOf, startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { run } from '../../lab/processes.ts';
import { makeTokens } from '../../lab/tokens.ts';
import { createAcceptor, MemoryReplayCache, type Pac, parseKeytab } from '../../packages/kerberos/src/index.ts';

suite('PACs of a real domain', { skip: reasonToSkip() }, () => {
  before(() => startLab());

  for (const user of ['alice', 'bob', 'carol', 'jürgen', 'biguser'])
    test(`accept() finds in ${user}'s PAC what Samba's own decoder finds`, async () => {
      const [token] = await makeTokens({ user });
      assert.ok(token);
      assert.deepEqual(comparable(await ourPac(token)), await referencePac(token));
    });

  test('accept() gives alice the group that contains her group', async () => {
    const [token] = await makeTokens({ user: 'alice' });
    assert.ok(token);
    const { logon } = await ourPac(token);
    const groups = ['team-ai', 'dep1', 'max_group', 'loc1', 'uni1', 'Domain Users'].map(sidOf);
    // S-1-18-1: the KDC itself checked the password.
    assert.deepEqual(new Set(logon?.groupSids), new Set([...groups, 'S-1-18-1']));
  });

  test('accept() finds all of 400 groups', async () => {
    const [token] = await makeTokens({ user: 'biguser' });
    assert.ok(token);
    const { logon } = await ourPac(token);
    const found = new Set(logon?.groupSids);
    for (let i = 0; i < 400; i++) assert.ok(found.has(sidOf(`big-group-${String(i).padStart(3, '0')}`)));
  });

  test('accept() finds the same PAC under AES128 and RC4 keys', async () => {
    for (const host of ['aes128.corp.example', 'rc4.corp.example']) {
      const [token] = await makeTokens({ user: 'alice', host });
      assert.ok(token);
      const pac = await ourPac(token);
      assert.equal(pac.logon?.userSid, sidOf('alice'));
      assert.equal(pac.logon?.domainSid, domainSid);
    }
  });
});

async function ourPac(token: Uint8Array): Promise<Pac> {
  const keytab = parseKeytab(readFileSync(paths.keytab));
  const replayCache = new MemoryReplayCache({ now: Date.now });
  const acceptor = createAcceptor({ keytab, replayCache, dangerouslyAllowRc4: true });
  const result = await acceptor.accept(token, { now: Date.now() });
  assert.equal(result.kind, 'accepted');
  assert.ok(result.client.pac);
  return result.client.pac;
}

const comparable = ({ logon, upn, dnsDomain, samName, sid }: Pac): unknown => ({
  ...logon,
  groupSids: [...(logon?.groupSids ?? [])].sort(),
  upn,
  dnsDomain,
  samName,
  sid,
});

/** What MIT Kerberos and python3-samba find in the token; see lab/pac.py. */
async function referencePac(token: Uint8Array): Promise<unknown> {
  const input = JSON.stringify({ keytab: paths.keytab, token: Buffer.from(token).toString('base64') });
  return JSON.parse(await run('/usr/bin/python3', [join(import.meta.dirname, '../../lab/pac.py')], { input }));
}
