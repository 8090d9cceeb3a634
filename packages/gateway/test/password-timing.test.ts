import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { before, test } from 'node:test';
import type { PasswordDirectory } from '../src/ports/password-directory.ts';
import { type PasswordSource, passwordSource } from '../src/auth/password.ts';
import { hashPassword } from '../src/auth/password-hash.ts';
import type { PasswordUser } from '../src/auth/password-users.ts';
import { compareSamples, compareTimes } from '../src/auth/timing-testing.ts';

const hour = 3_600_000;
const tries = 1_000;
const users: PasswordUser[] = [];

before(async () => {
  // Cheap, so that differences beside the hash weigh more; and not alike, as after a change of parameters.
  for (const [name, memory] of [
    ['alice', 256],
    ['bob', 1_024],
  ] as const)
    users.push({
      name,
      passwordHash: await hashPassword(`${name}-secret`, { memory, passes: 1, parallelism: 1 }),
      groups: [],
    });
});

let clock = 0;

/** Tries a wrong password, each time after the throttle has forgotten the one before. */
const guess = (passwords: PasswordSource, name: string, password = 'guess') => {
  return async () => {
    clock += hour;
    const outcome = await passwords.signIn(name, password, '10.0.0.1', clock);
    assert.equal(outcome.kind === 'rejected' && outcome.reason, 'wrong-name-or-password');
  };
};

test('compareTimes() tells apart what differs by a thirtieth of a millisecond in two', async () => {
  // The power of the measurement itself, on samples with the noise of a busy machine.
  const noisy = (base: number) =>
    Array.from({ length: tries }, () => base + 0.1 * Math.random() + (Math.random() < 0.1 ? 5 : 0));
  assert.equal(compareSamples(noisy(2), noisy(2.033)).apart, true);
  assert.equal(compareSamples(noisy(2), noisy(2)).apart, false);
});

test('passwordSource() takes the same time for an unknown name and for a wrong password', async () => {
  const [alice] = users;
  assert.ok(alice !== undefined);
  const passwords = passwordSource({ users: [alice], lifetimeMs: hour });
  await compareTimes(100, guess(passwords, 'alice'), guess(passwords, 'nobody')); // until everything is compiled
  const { apart, text } = await compareTimes(tries, guess(passwords, 'alice'), guess(passwords, 'nobody'));
  assert.equal(apart, false, text);
});

test('compareTimes() notices when no hash is computed', async () => {
  const passwords = passwordSource({ users, lifetimeMs: hour });
  // A password that is too long is refused before.
  const { apart, text } = await compareTimes(
    100,
    guess(passwords, 'alice'),
    guess(passwords, 'alice', 'x'.repeat(2_000)),
  );
  assert.equal(apart, true, text);
});

test('passwordSource() gives unknown names the parameters of known ones, and to each always the same', async () => {
  const passwords = passwordSource({ users, lifetimeMs: hour });
  const names = Array.from({ length: 16 }, (_, i) => `nobody-${i}`);
  const asAlice = guess(passwords, 'alice');
  const asBob = guess(passwords, 'bob');
  const kinds: string[] = [];
  for (const name of names) {
    const as = guess(passwords, name);
    const [alike, unlike] = [await compareTimes(30, asAlice, as), await compareTimes(30, asBob, as)];
    kinds.push(Math.abs(alike.z) < Math.abs(unlike.z) ? 'alice' : 'bob');
  }
  assert.ok(kinds.includes('alice') && kinds.includes('bob'), kinds.join());
});

/** A directory that is slower about names that it knows. */
const directory: PasswordDirectory = {
  async check(name) {
    await delay(name === 'alice' ? 12 + 6 * Math.random() : 3 + 6 * Math.random());
    return { kind: 'wrong', detail: 'no' };
  },
  shortName: (name) => name,
};

async function refusalTimes(refusalStepMs: number): Promise<readonly [known: number[], unknown: number[]]> {
  const passwords = passwordSource({ users: [], lifetimeMs: hour, directory, refusalStepMs });
  const times: [number[], number[]] = [[], []];
  const attempt = async (i: number): Promise<void> => {
    const known = i % 2;
    const start = performance.now();
    await passwords.signIn(known === 0 ? 'alice' : 'nobody', 'guess', `10.${i % 250}.0.1`, i * hour);
    times[known]?.push(performance.now() - start);
  };
  for (let i = 0; i < 400; i += 20) await Promise.all(Array.from({ length: 20 }, (_, j) => attempt(i + j)));
  return times;
}

test('passwordSource() hides whom a directory knows behind the steps of its refusals', async () => {
  const [known, unknown] = await refusalTimes(50);
  const { apart, text } = compareSamples(known, unknown);
  assert.equal(apart, false, text);
  assert.equal(compareSamples(...(await refusalTimes(1))).apart, true, 'without them it would show');
});
