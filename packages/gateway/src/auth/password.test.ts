import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalName } from './canonical-name.ts';
import { type PasswordOutcome, type PasswordSource, passwordSource } from './password.ts';
import { hashPassword } from './password-hash.ts';
import type { PasswordUser } from './password-users.ts';

const hour = 3_600_000;
const minute = 60_000;
const cheap = { memory: 256, passes: 1, parallelism: 1 };
const users: PasswordUser[] = [];

before(async () => {
  users.push(
    {
      name: 'Alice',
      passwordHash: await hashPassword('alice-secret', cheap),
      account: 'DEMO\\alice',
      displayName: 'Alice Smith',
      email: 'alice@demo.example',
      upn: 'alice@demo.example',
      groups: ['staff', 'risk', 'staff'],
    },
    { name: 'bob', passwordHash: await hashPassword('bob-secret', cheap), groups: [] },
  );
});

const source = (): PasswordSource => passwordSource({ users, lifetimeMs: 8 * hour });
const reason = (outcome: PasswordOutcome): string => (outcome.kind === 'rejected' ? outcome.reason : outcome.kind);

test('passwordSource() gives everything that the users file says about a person', async () => {
  assert.deepEqual(await source().signIn('alice', 'alice-secret', '10.0.0.1', 1_000), {
    kind: 'accepted',
    identity: {
      subject: 'password:alice',
      account: 'DEMO\\alice',
      upn: 'alice@demo.example',
      name: 'Alice Smith',
      email: 'alice@demo.example',
      sids: [],
      groups: ['staff', 'risk'],
      method: 'password',
      authenticatedAt: 1_000,
      provenAt: 1_000,
      expiresAt: 1_000 + 8 * hour,
    },
    lookUpGroups: false,
  });
});

test('passwordSource() takes the canonical name for an account that is not given', async () => {
  const outcome = await source().signIn('BOB', 'bob-secret', '10.0.0.1', 0);
  assert.equal(outcome.kind === 'accepted' && outcome.identity.account, 'bob');
});

test('passwordSource() answers the same for a wrong password and an unknown name', async () => {
  const passwords = source();
  for (const [name, password] of [
    ['alice', 'bob-secret'],
    ['eve', 'alice-secret'],
    ['', ''],
    ['alice', ''],
  ] as const)
    assert.equal(reason(await passwords.signIn(name, password, '10.0.0.1', 0)), 'wrong-name-or-password');
});

test('passwordSource() works with no users at all', async () => {
  const outcome = await passwordSource({ users: [], lifetimeMs: hour }).signIn('alice', 'x', '10.0.0.1', 0);
  assert.equal(reason(outcome), 'wrong-name-or-password');
});

test('passwordSource() refuses after ten failures, even the right password, until five minutes have passed', async () => {
  const passwords = source();
  for (let i = 0; i < 10; i++) await passwords.signIn('alice', 'guess', '10.0.0.1', 0);
  const refused = await passwords.signIn('alice', 'alice-secret', '10.0.0.1', minute);
  assert.deepEqual([reason(refused), refused.kind === 'rejected' && refused.retryAfterMs], ['throttled', 4 * minute]);
  assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '10.0.0.1', 5 * minute)), 'accepted');
});

test('passwordSource() counts every spelling of a name as one', async () => {
  const passwords = source();
  const spellings = [
    'alice',
    'ALICE',
    ' Alice',
    'alice ',
    'ａｌｉｃｅ',
    'AlIcE',
    'alice\t',
    '𝒶lice',
    'Ａlice',
    'alicE',
  ];
  for (const name of spellings) await passwords.signIn(name, 'guess', '10.0.0.1', 0);
  assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '10.0.0.1', 0)), 'throttled');
});

test('passwordSource() does not let one place lock a person out everywhere', async () => {
  const passwords = source();
  for (let i = 0; i < 20; i++) await passwords.signIn('alice', 'guess', '10.0.0.1', 0);
  assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '10.0.0.2', 0)), 'accepted');
});

test('passwordSource() counts the addresses of one IPv6 network as one', async () => {
  const passwords = source();
  for (let i = 0; i < 10; i++) await passwords.signIn('alice', 'guess', `2001:db8::${i}:1`, 0);
  assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '2001:db8::ffff', 0)), 'throttled');
  assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '2001:db8:0:1::1', 0)), 'accepted');
});

test('passwordSource() refuses an address that tries a hundred names', async () => {
  const passwords = source();
  for (let i = 0; i < 100; i++) await passwords.signIn(`user ${i}`, 'guess', '10.0.0.1', 0);
  assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '10.0.0.1', 0)), 'throttled');
});

test('passwordSource() refuses a name that two hundred places try', async () => {
  const passwords = source();
  for (let i = 0; i < 200; i++) await passwords.signIn('alice', 'guess', `10.0.${i}.1`, 0);
  assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '10.1.0.1', 0)), 'throttled');
});

test('passwordSource() does not count successes', async () => {
  const passwords = source();
  for (let i = 0; i < 150; i++)
    assert.equal(reason(await passwords.signIn('bob', 'bob-secret', '10.0.0.1', 0)), 'accepted');
});

test('passwordSource() counts guesses that are made at the same time', async () => {
  const passwords = source();
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, () => passwords.signIn('alice', 'guess', '10.0.0.1', 0)),
  );
  assert.equal(outcomes.filter((outcome) => reason(outcome) === 'wrong-name-or-password').length, 10);
});

test('passwordSource() turns away sign-ins when too many wait, without counting them as failures', async () => {
  const passwords = passwordSource({ users, lifetimeMs: hour, concurrency: 1, maxWaiting: 1 });
  const together = await Promise.all(
    Array.from({ length: 30 }, (_, i) => passwords.signIn('alice', 'alice-secret', `10.0.0.${i}`, 0)),
  );
  assert.deepEqual(together.map(reason).sort(), [...Array(2).fill('accepted'), ...Array(28).fill('busy')]);
  assert.equal(reason(await passwords.signIn('alice', 'alice-secret', '10.0.0.29', 0)), 'accepted');
});

test('passwordSource() refuses users whose names are one name', () => {
  const [alice] = users;
  assert.ok(alice !== undefined);
  const twice = [alice, { ...alice, name: 'ALICE ' }];
  assert.throws(() => passwordSource({ users: twice, lifetimeMs: hour }), /another one has the same name/);
});

test('passwordSource() refuses a hash that is none, and does not quote it', () => {
  const wrong = [{ name: 'alice', passwordHash: 'plain-text-password', groups: [] }];
  assert.throws(
    () => passwordSource({ users: wrong, lifetimeMs: hour }),
    (error) =>
      error instanceof RangeError && error.message.includes('"alice"') && !error.message.includes('plain-text'),
  );
});

test('passwordSource() puts no password into what it says', async () => {
  const passwords = source();
  for (const name of ['alice', 'eve']) {
    const outcome = await passwords.signIn(name, 'hunter2-hunter2', '10.0.0.1', 0);
    assert.ok(!JSON.stringify(outcome).includes('hunter2'));
  }
});

test('canonicalName() leaves a canonical name as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) =>
      assert.equal(canonicalName(canonicalName(name)), canonicalName(name)),
    ),
    { numRuns: 2_000 },
  );
});

test('canonicalName() takes a character, its capital, its small and its decomposed form for the same name', () => {
  for (let code = 0; code < 0x2_0000; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const character = String.fromCodePoint(code);
    const canonical = canonicalName(character);
    const forms = [character.toUpperCase(), character.toLowerCase(), character.normalize('NFD'), canonical];
    if (forms.some((form) => canonicalName(form) !== canonical)) assert.fail(`U+${code.toString(16)}`);
  }
});

for (const [one, other] of [
  ['STRASSE', 'straße'],
  ['STRAẞE', 'straße'],
  ['ΣΟΦΟΣ', 'σοφος'],
  ['ﬁnn', 'FINN'],
  ['Ä', 'a\u0308'],
] as const) {
  test(`canonicalName() takes ${one} and ${other} for the same name`, () => {
    assert.equal(canonicalName(one), canonicalName(other));
  });
}
