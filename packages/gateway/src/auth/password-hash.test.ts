import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword, maxPasswordLength, parsePasswordHash, verifyPassword } from './password-hash.ts';

const cheap = { memory: 64, passes: 1, parallelism: 1 };

test('verifyPassword() knows the hash that the reference implementation makes', async () => {
  // phc-winner-argon2, src/test.c: password "password", salt "somesalt".
  const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  assert.equal(await verifyPassword('password', reference), true);
  assert.equal(await verifyPassword('Password', reference), false);
});

test('hashPassword() makes a hash with the recommended parameters that its password alone verifies', async () => {
  const hash = await hashPassword('correct horse');
  assert.match(hash, /^\$argon2id\$v=19\$m=65536,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.equal(await verifyPassword('correct horse', hash), true);
  assert.equal(await verifyPassword('correct horse ', hash), false);
});

test('hashPassword() salts: the same password never has the same hash', async () => {
  assert.notEqual(await hashPassword('same', cheap), await hashPassword('same', cheap));
});

test('verifyPassword() takes both ways of typing an accented letter for the same password', async () => {
  const hash = await hashPassword('gr\u00fcn', cheap);
  assert.equal(await verifyPassword('gru\u0308n', hash), true);
});

test('hashPassword() refuses a password that could never be used', async () => {
  await assert.rejects(hashPassword('', cheap), RangeError);
  await assert.rejects(hashPassword('x'.repeat(maxPasswordLength + 1), cheap), RangeError);
});

test('verifyPassword() does no work for a password that is too long', async () => {
  assert.equal(await verifyPassword('x'.repeat(maxPasswordLength + 1), await hashPassword('x', cheap)), false);
});

const salt = 'c29tZXNhbHQ';
const hash = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
const wrong: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['another algorithm', `$argon2i$v=19$m=65536,t=3,p=1$${salt}$${hash}`],
  ['bcrypt', '$2b$12$KIXQJ1Yq1Yq1Yq1Yq1Yq1u'],
  ['an older version', `$argon2id$v=16$m=65536,t=3,p=1$${salt}$${hash}`],
  ['a missing version', `$argon2id$m=65536,t=3,p=1$${salt}$${hash}`],
  ['parameters in another order', `$argon2id$v=19$t=3,m=65536,p=1$${salt}$${hash}`],
  ['a number with a leading zero', `$argon2id$v=19$m=065536,t=3,p=1$${salt}$${hash}`],
  ['memory that would take the machine', `$argon2id$v=19$m=4194304,t=3,p=1$${salt}$${hash}`],
  ['less memory than the algorithm needs', `$argon2id$v=19$m=15,t=3,p=2$${salt}$${hash}`],
  ['passes without end', `$argon2id$v=19$m=65536,t=1000,p=1$${salt}$${hash}`],
  ['no passes', `$argon2id$v=19$m=65536,t=0,p=1$${salt}$${hash}`],
  ['no lanes', `$argon2id$v=19$m=65536,t=3,p=0$${salt}$${hash}`],
  ['a short salt', `$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$${hash}`],
  ['a short hash', `$argon2id$v=19$m=65536,t=3,p=1$${salt}$CTFhFdXPJO0`],
  ['padding', `$argon2id$v=19$m=65536,t=3,p=1$${salt}=$${hash}=`],
  ['spare bits', `$argon2id$v=19$m=65536,t=3,p=1$${salt}$${hash.slice(0, -1)}d`],
  ['a line after it', `$argon2id$v=19$m=65536,t=3,p=1$${salt}$${hash}\n`],
  ['more parts', `$argon2id$v=19$m=65536,t=3,p=1,keyid=AA$${salt}$${hash}`],
];
for (const [name, text] of wrong) {
  test(`parsePasswordHash() refuses ${name}, and does not quote it`, () => {
    const parsed = parsePasswordHash(text);
    assert.equal(parsed.kind, 'wrong');
    if (parsed.kind === 'wrong') assert.ok(!parsed.reason.includes(hash.slice(0, 8)));
  });
}

test('verifyPassword() throws for a text that is no hash, rather than calling the password wrong', async () => {
  await assert.rejects(verifyPassword('password', 'password'), RangeError);
});
