import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { StrongerHashes } from '../ports/stronger-hashes.ts';
import { hashPassword, verifyPassword } from './password-hash.ts';
import { type PasswordUser, PasswordUsers } from './password-users.ts';

const cheap = { memory: 256, passes: 1, parallelism: 1 };
const dearer = { memory: 512, passes: 2, parallelism: 1 };
let alice: PasswordUser;

before(async () => {
  alice = { name: 'Alice', passwordHash: await hashPassword('alice-secret', cheap), groups: [] };
});

/** Kept in memory, as the database keeps them. */
function inMemory() {
  const kept = new Map<string, { readonly replaces: string; readonly hash: string }>();
  const stronger: StrongerHashes = {
    find: (name, replaces) => (kept.get(name)?.replaces === replaces ? kept.get(name)?.hash : undefined),
    put: (name, replaces, hash) => void kept.set(name, { replaces, hash }),
    keepOnly: (current) => {
      for (const [name, { replaces }] of kept)
        if (!current.some((each) => each.name === name && each.replaces === replaces)) kept.delete(name);
    },
  };
  return { kept, stronger };
}
const parametersOf = (hash: string | undefined) => /\$(m=[^$]*)\$/.exec(hash ?? '')?.[1];

test('PasswordUsers makes a weak hash anew when its owner signs in, and uses it from then on', async () => {
  const { kept, stronger } = inMemory();
  const users = new PasswordUsers({ users: [alice], parameters: dearer, stronger });
  assert.equal(await users.check('alice', 'alice-secret'), alice);
  const hash = kept.get('alice')?.hash;
  assert.equal(parametersOf(hash), 'm=512,t=2,p=1');
  assert.equal(await verifyPassword('alice-secret', hash ?? ''), true);
  assert.equal(await users.check('alice', 'alice-secret'), alice);
  assert.equal(await users.check('alice', 'guess'), undefined);
  assert.equal(kept.get('alice')?.hash, hash, 'made once');
});

test('PasswordUsers goes by the stronger hash after a restart, and not by the one in the file', async () => {
  const { kept, stronger } = inMemory();
  await new PasswordUsers({ users: [alice], parameters: dearer, stronger }).check('alice', 'alice-secret');
  const replaces = kept.get('alice')?.replaces ?? '';
  kept.set('alice', { replaces, hash: await hashPassword('known to the new hash alone', dearer) });
  const users = new PasswordUsers({ users: [alice], parameters: dearer, stronger });
  assert.equal(await users.check('alice', 'known to the new hash alone'), alice);
  assert.equal(await users.check('alice', 'alice-secret'), undefined);
});

test('PasswordUsers goes by the users file again when its owner has written another hash there', async () => {
  const { kept, stronger } = inMemory();
  await new PasswordUsers({ users: [alice], parameters: dearer, stronger }).check('alice', 'alice-secret');
  const changed = { ...alice, passwordHash: await hashPassword('new-secret', cheap) };
  const users = new PasswordUsers({ users: [changed], parameters: dearer, stronger });
  assert.equal(kept.size, 0);
  assert.equal(await users.check('alice', 'alice-secret'), undefined);
  assert.equal(await users.check('alice', 'new-secret'), changed);
});

test('PasswordUsers forgets the hash of somebody who is no longer in the file', async () => {
  const { kept, stronger } = inMemory();
  await new PasswordUsers({ users: [alice], parameters: dearer, stronger }).check('alice', 'alice-secret');
  assert.equal(kept.size, 1);
  const users = new PasswordUsers({ users: [], parameters: dearer, stronger });
  assert.equal(kept.size, 0);
  assert.equal(await users.check('alice', 'alice-secret'), undefined);
});

test('PasswordUsers makes nothing anew for a wrong password, nor for a hash that is good enough', async () => {
  const { kept, stronger } = inMemory();
  await new PasswordUsers({ users: [alice], parameters: dearer, stronger }).check('alice', 'guess');
  await new PasswordUsers({ users: [alice], parameters: cheap, stronger }).check('alice', 'alice-secret');
  await new PasswordUsers({ users: [alice], stronger }).check('alice', 'alice-secret');
  assert.equal(kept.size, 0);
});

for (const [parameters, made] of [
  [{ memory: 512, passes: 1, parallelism: 1 }, 'm=512,t=3,p=1'],
  [{ memory: 128, passes: 4, parallelism: 1 }, 'm=256,t=4,p=1'],
] as const) {
  test(`PasswordUsers lowers neither memory nor passes: ${made}`, async () => {
    const { kept, stronger } = inMemory();
    const passwordHash = await hashPassword('alice-secret', { memory: 256, passes: 3, parallelism: 1 });
    const users = new PasswordUsers({ users: [{ ...alice, passwordHash }], parameters, stronger });
    await users.check('alice', 'alice-secret');
    assert.equal(parametersOf(kept.get('alice')?.hash), made);
  });
}

test('PasswordUsers signs people in when a stronger hash cannot be kept, and says why', async () => {
  const told: string[] = [];
  const { stronger } = inMemory();
  const full: StrongerHashes = {
    ...stronger,
    put: () => {
      throw new Error('database or disk is full');
    },
  };
  const options = {
    users: [alice],
    parameters: dearer,
    stronger: full,
    onTrouble: (text: string) => void told.push(text),
  };
  assert.equal(await new PasswordUsers(options).check('alice', 'alice-secret'), alice);
  assert.deepEqual(told, ['Cannot keep the stronger password hash of user "alice": database or disk is full']);
});

test('PasswordUsers does not go by a kept hash that is none', async () => {
  const { kept, stronger } = inMemory();
  await new PasswordUsers({ users: [alice], parameters: dearer, stronger }).check('alice', 'alice-secret');
  kept.set('alice', { replaces: kept.get('alice')?.replaces ?? '', hash: 'damaged' });
  assert.equal(await new PasswordUsers({ users: [alice], stronger }).check('alice', 'alice-secret'), alice);
});
