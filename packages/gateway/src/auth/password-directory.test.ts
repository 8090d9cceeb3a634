import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { DirectoryError } from '../ports/directory.ts';
import type { PasswordDirectory, PasswordVerdict } from '../ports/password-directory.ts';
import { type PasswordOptions, type PasswordOutcome, passwordSource } from './password.ts';
import { hashPassword } from './password-hash.ts';
import type { PasswordUser } from './password-users.ts';

const hour = 3_600_000;
let operator: PasswordUser;

before(async () => {
  const passwordHash = await hashPassword('operator-secret', { memory: 256, passes: 1, parallelism: 1 });
  operator = { name: 'operator', passwordHash, groups: ['admins'] };
});

const right: PasswordVerdict = {
  kind: 'right',
  sid: 'S-1-5-21-1-2-3-1103',
  account: 'CORP\\alice',
  upn: 'alice@corp.example',
  name: 'Alice Smith',
  email: 'alice@corp.example',
};

/** A directory in which alice's password is `alice-secret`, and which remembers what it was asked. */
function make(options: Partial<PasswordOptions> = {}) {
  const asked: (readonly [name: string, password: string])[] = [];
  const state: { always: PasswordVerdict | Error | undefined } = { always: undefined };
  const directory: PasswordDirectory = {
    async check(name, password) {
      asked.push([name, password]);
      if (state.always instanceof Error) throw state.always;
      if (state.always !== undefined) return state.always;
      const known = /^(?:corp\\)?alice(?:@corp\.example)?$/i.test(name.trim()) && password === 'alice-secret';
      return known ? right : { kind: 'wrong', detail: 'CORP\\alice: wrong name or password (52e)' };
    },
    shortName: (name) => name.replace(/^corp\\/, '').replace(/@corp\.example$/, ''),
  };
  const passwords = passwordSource({ users: [operator], lifetimeMs: hour, directory, refusalStepMs: 1, ...options });
  return { passwords, asked, state };
}
const reason = (outcome: PasswordOutcome): string => (outcome.kind === 'rejected' ? outcome.reason : outcome.kind);

test('passwordSource() signs in whom the directory knows, by SID, and leaves the groups to it', async () => {
  const { passwords } = make();
  assert.deepEqual(await passwords.signIn('alice', 'alice-secret', '10.0.0.1', 1_000), {
    kind: 'accepted',
    identity: {
      subject: 'S-1-5-21-1-2-3-1103',
      account: 'CORP\\alice',
      upn: 'alice@corp.example',
      name: 'Alice Smith',
      email: 'alice@corp.example',
      sids: [],
      groups: [],
      method: 'password',
      authenticatedAt: 1_000,
      provenAt: 1_000,
      expiresAt: 1_000 + hour,
    },
    lookUpGroups: true,
  });
});

test('passwordSource() signs in by the users file, whose people keep the groups that stand there', async () => {
  const { passwords } = make();
  const outcome = await passwords.signIn('operator', 'operator-secret', '10.0.0.1', 0);
  assert.equal(outcome.kind === 'accepted' && outcome.lookUpGroups, false);
  assert.deepEqual(outcome.kind === 'accepted' && outcome.identity.groups, ['admins']);
  const { passwords: others } = make({ lookUpGroups: true });
  const looked = await others.signIn('operator', 'operator-secret', '10.0.0.1', 0);
  assert.equal(looked.kind === 'accepted' && looked.lookUpGroups, true);
});

test('passwordSource() tells the directory neither name nor password of somebody in the users file', async () => {
  const { passwords, asked } = make();
  for (const password of ['operator-secret', 'operator-secrte'])
    await passwords.signIn('Operator', password, '10.0.0.1', 0);
  assert.equal(asked.length, 2, 'it is asked about somebody else, and takes as long');
  for (const [name, password] of asked) {
    assert.match(name, /^cardea-/);
    assert.match(password, /^cardea-/);
  }
});

test('passwordSource() does not let the directory sign in a name of the users file', async () => {
  const { passwords, state } = make();
  state.always = right;
  assert.equal(reason(await passwords.signIn('operator', 'guess', '10.0.0.1', 0)), 'wrong-name-or-password');
});

test('passwordSource() answers the same for a wrong password and an unknown name, wherever the name is', async () => {
  const { passwords } = make();
  const outcomes: PasswordOutcome[] = [];
  for (const name of ['operator', 'alice', 'nobody'])
    outcomes.push(await passwords.signIn(name, 'guess', '10.0.0.1', 0));
  const seen = outcomes.map((outcome) => ({ ...outcome, detail: '' }));
  assert.deepEqual(seen[1], seen[0]);
  assert.deepEqual(seen[2], seen[0]);
  assert.match(String(outcomes[1]?.kind === 'rejected' && outcomes[1].detail), /52e/);
});

test('passwordSource() counts every spelling of a name as one, those with a domain among them', async () => {
  const { passwords } = make();
  const spellings = [
    'alice',
    'CORP\\alice',
    'alice@corp.example',
    'ALICE',
    'corp\\ALICE',
    'Alice@CORP.example',
    ' alice',
  ];
  for (const name of [...spellings, ...spellings].slice(0, 10)) await passwords.signIn(name, 'guess', '10.0.0.1', 0);
  for (const name of spellings)
    assert.equal(reason(await passwords.signIn(name, 'alice-secret', '10.0.0.1', 0)), 'throttled', name);
  assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '10.0.0.2', 0)), 'accepted');
});

test('passwordSource() does not count successes of the directory', async () => {
  const { passwords } = make();
  for (let i = 0; i < 30; i++)
    assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '10.0.0.1', 0)), 'accepted');
});

test('passwordSource() passes on why a right password does not help, and does not count it as a guess', async () => {
  const { passwords, state } = make();
  state.always = { kind: 'barred', reason: 'password-expired', detail: 'CORP\\alice: its password has expired (532)' };
  for (let i = 0; i < 12; i++) {
    const outcome = await passwords.signIn('alice', 'alice-secret', '10.0.0.1', 0);
    assert.equal(reason(outcome), 'password-expired');
    assert.match(outcome.kind === 'rejected' ? outcome.detail : '', /532/);
  }
});

test('passwordSource() answers alike for all wrong passwords while the directory is down, and lets the users file sign in', async () => {
  const { passwords, state } = make();
  state.always = new DirectoryError('Cannot ask directory ldaps://dc1: connection refused');
  for (const name of ['alice', 'operator', 'nobody'])
    assert.equal(reason(await passwords.signIn(name, 'guess', '10.0.0.1', 0)), 'unavailable', name);
  assert.equal(reason(await passwords.signIn('operator', 'operator-secret', '10.0.0.1', 0)), 'accepted');
});

test('passwordSource() goes on counting guesses while the directory is down', async () => {
  const { passwords, state } = make();
  state.always = new DirectoryError('Cannot ask directory ldaps://dc1: connection refused');
  for (let i = 0; i < 10; i++) await passwords.signIn('operator', `guess ${i}`, '10.0.0.1', 0);
  assert.equal(reason(await passwords.signIn('operator', 'operator-secret', '10.0.0.1', 0)), 'throttled');
});

test('passwordSource() does not hide a bug of the directory, and lets the users file sign in nevertheless', async () => {
  const { passwords, state } = make();
  state.always = new RangeError('Invalid array length');
  await assert.rejects(passwords.signIn('alice', 'guess', '10.0.0.1', 0), RangeError);
  assert.equal(reason(await passwords.signIn('operator', 'operator-secret', '10.0.0.1', 0)), 'accepted');
});

test('passwordSource() says that many sign in at once when the directory has no room', async () => {
  const { passwords, state } = make();
  state.always = { kind: 'busy' };
  assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '10.0.0.1', 0)), 'busy');
});

test('passwordSource() hands neither an overlong name nor an overlong password to the directory', async () => {
  const { passwords, asked } = make();
  await passwords.signIn(`alice${' '.repeat(500)}`, 'alice-secret', '10.0.0.1', 0);
  await passwords.signIn('alice', 'x'.repeat(2_000), '10.0.0.1', 0);
  for (const [name] of asked) assert.match(name, /^cardea-/);
});

test('passwordSource() computes no hash when there is a directory and nobody in a users file', async () => {
  // Two hashes at once and none waiting: hundreds at the same moment would find no room.
  const { passwords } = make({ users: [], concurrency: 1, maxWaiting: 0 });
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, i) => passwords.signIn('alice', 'alice-secret', `10.0.0.${i}`, 0)),
  );
  assert.deepEqual(new Set(outcomes.map(reason)), new Set(['accepted']));
});

test('passwordSource() puts no password into what it says about the directory', async () => {
  const { passwords } = make();
  for (const name of ['alice', 'eve'])
    assert.ok(!JSON.stringify(await passwords.signIn(name, 'hunter2-hunter2', '10.0.0.1', 0)).includes('hunter2'));
});
