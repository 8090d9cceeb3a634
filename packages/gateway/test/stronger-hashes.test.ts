import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { signIn, startTestGateway, type TestGateway, usersFile } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-test-'));
after(() => rmSync(folder, { recursive: true }));

async function start(argon2: string): Promise<TestGateway> {
  return startTestGateway({
    folder,
    files: { 'users.yaml': await usersFile({ alice: ['staff'], bob: [] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml${argon2} } }]
apps: [{ name: sample, host: "*", upstream: ${upstream}, rules: [{ path: /**, signed_in: true }] }]
`,
  });
}
const kept = (gateway: TestGateway) =>
  gateway
    .database()
    .prepare('SELECT name, hash FROM stronger_hash')
    .all()
    .map(({ name, hash }) => [name, /\$(m=[^$]*)\$/.exec(String(hash))?.[1]]);

test('a hash that is too weak is made anew at the sign-in, serves after a restart, and stands in no log', async () => {
  const first = await start(', argon2: { memory: 9MiB, passes: 2 }');
  await signIn(first.origin, 'alice');
  await assert.rejects(signIn(first.origin, 'bobby'));
  assert.deepEqual(kept(first), [['alice', 'm=9216,t=2,p=1']]);
  assert.doesNotMatch(first.written(), /argon2id/);
  await first.close();

  const second = await start(', argon2: { memory: 9MiB, passes: 2 }');
  await signIn(second.origin, 'alice');
  await signIn(second.origin, 'bob');
  assert.deepEqual(kept(second), [
    ['alice', 'm=9216,t=2,p=1'],
    ['bob', 'm=9216,t=2,p=1'],
  ]);
  await second.close();
});

test('without a word about it, hashes become what Cardea itself makes', async () => {
  const gateway = await start(', ldap: false');
  await signIn(gateway.origin, 'alice');
  assert.deepEqual(kept(gateway)[0], ['alice', 'm=65536,t=3,p=1']);
  await gateway.close();
});
