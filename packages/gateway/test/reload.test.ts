/**
 * Files that change while the gateway runs: it looks at them now and then, and at once when it is told to.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { connect } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { encodeKeytab } from '@cardea/kerberos';
import { type Account, createAccount, issueTicket, makeRequest } from '../../kerberos/test/initiator.ts';
import { startCardea } from './cardea-process.ts';
import { send, signIn, startTestGateway, type TestGateway, until, usersFile } from './harness.ts';

const pem = (name: string): string => readFileSync(join(import.meta.dirname, 'check/files', name), 'utf8');
const replace = (folder: string, name: string, contents: string | Uint8Array): void => {
  writeFileSync(join(folder, 'next'), contents, { mode: 0o600 });
  renameSync(join(folder, 'next'), join(folder, name));
};

const [before, renewed] = [createAccount(), createAccount()];

/** How often a ticket for this account is taken, of ten: each on a connection of its own, so that every thread is asked. */
async function taken(origin: string, account: Account): Promise<number> {
  const ask = async (): Promise<number> => {
    const now = Date.now();
    const { token } = makeRequest(issueTicket(account, now), now);
    const Authorization = `Negotiate ${Buffer.from(token).toString('base64')}`;
    return (await send(`${origin}/api/whoami`, { headers: { Authorization } })).status;
  };
  const statuses = await Promise.all(Array.from({ length: 10 }, ask));
  return statuses.filter((status) => status === 200).length;
}

const byPassword = `
sign_in: [{ password: { users: users.yaml } }]
apps: [{ name: sample, host: 127.0.0.1, upstream: "http://127.0.0.1:9", rules: [{ path: /**, signed_in: true }] }]
`;

const config = (upstream: string): string => `
sign_in:
  - negotiate: { keytab: http.keytab }
  - password: { users: users.yaml }
apps:
  - { name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }
`;

async function start(threads: number): Promise<TestGateway> {
  return startTestGateway({
    threads,
    listen: '{ address: "127.0.0.1:0", tls: { cert: gateway.pem, key: gateway.key } }',
    files: {
      'gateway.pem': pem('gateway.pem'),
      'gateway.key': pem('gateway.key'),
      'http.keytab': encodeKeytab(before.entries),
      'users.yaml': await usersFile({ alice: [] }),
    },
    config,
  });
}

async function shown(origin: string): Promise<string | undefined> {
  const { hostname: host, port } = new URL(origin);
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  return certificate?.serialNumber;
}

for (const threads of [1, 2])
  suite(`look(), with ${threads} thread(s)`, () => {
    test('takes a changed keytab, users file and certificate at once', async (t) => {
      const gateway = await start(threads);
      t.after(() => gateway.close());
      const { origin, folder } = gateway;
      assert.deepEqual([await taken(origin, before), await taken(origin, renewed)], [10, 0]);
      const alice = await signIn(origin, 'alice');
      await assert.rejects(signIn(origin, 'bob'), /Cannot sign in bob/);

      replace(folder, 'http.keytab', encodeKeytab(renewed.entries));
      replace(folder, 'users.yaml', await usersFile({ bob: ['risk'] }));
      replace(folder, 'gateway.pem', pem('wiki.pem'));
      await gateway.gateway.look();

      assert.deepEqual([await taken(origin, before), await taken(origin, renewed)], [0, 10]);
      assert.equal(await shown(origin), new X509Certificate(pem('wiki.pem')).serialNumber);
      await signIn(origin, 'bob');
      await assert.rejects(signIn(origin, 'alice'), /Cannot sign in alice/);
      // A session that has begun goes on.
      assert.equal((await send(`${origin}/api/whoami`, { headers: { Cookie: alice } })).status, 200);
      // What administrators ask is answered by the file as it is now.
      const explained = await send(`${gateway.admin}/api/explain`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ user: 'bob', app: 'sample', path: '/x' }),
      });
      assert.match(explained.body, /risk/);
    });

    test('goes on with what there was when the changed files cannot be used', async (t) => {
      const gateway = await start(threads);
      t.after(() => gateway.close());
      const { origin, folder } = gateway;
      replace(folder, 'http.keytab', 'nonsense');
      replace(folder, 'users.yaml', 'users: [{ name: alice }]');
      replace(folder, 'gateway.pem', 'nonsense');
      await gateway.gateway.look();
      assert.equal(await taken(origin, before), 10);
      await signIn(origin, 'alice');
      assert.equal(await shown(origin), new X509Certificate(pem('gateway.pem')).serialNumber);
      const said = gateway.written();
      for (const what of ['certificate', 'keytab', 'users file'])
        assert.match(said, new RegExp(`A changed ${what} is not used`));
      assert.doesNotMatch(said, /argon2id/);
    });
  });

for (const threads of [1, 2])
  test(`cardea serve survives SIGHUP and looks at its files, with ${threads} thread(s)`, async (t) => {
    const process = await startCardea(`threads: ${threads}\n${byPassword}`, {
      'users.yaml': await usersFile({ alice: [] }),
    });
    t.after(() => process.remove());
    await assert.rejects(signIn(process.origin, 'bob'), /Cannot sign in bob/);
    replace(process.folder, 'users.yaml', await usersFile({ bob: [] }));
    process.signal('SIGHUP');
    await until(() => process.log().includes('The changed users file is in use from now on'), 'the users file');
    assert.match(process.log(), /the configuration itself is read at the start alone/);
    await signIn(process.origin, 'bob');
    process.signal('SIGTERM');
    assert.equal(await process.ended, 0);
  });
