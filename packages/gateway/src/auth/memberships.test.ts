import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../core/identity.ts';
import { type Directory, DirectoryError } from '../ports/directory.ts';
import type { FoundPerson, People, PersonKeys, Search } from '../ports/people.ts';
import { Outdated } from './outdated.ts';
import { keysOf, type MembershipsOptions, memberships } from './memberships.ts';

const second = 1_000;
const hour = 3_600_000;
const [sid, risk, staff] = ['S-1-5-21-1-2-3-1103', 'S-1-5-21-1-2-3-1', 'S-1-5-21-1-2-3-2'];

const identity: Identity = {
  subject: 'https://login.example|17',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: ['what the method said'],
  method: 'oidc',
  authenticatedAt: 0,
  expiresAt: hour,
};
const alice: FoundPerson = {
  sid,
  account: 'CORP\\alice',
  upn: 'alice@corp.example',
  name: 'Alice Smith',
  email: 'alice@corp.example',
  state: 'active',
  groups: [
    { sid: risk, name: undefined },
    { sid: staff, name: undefined },
  ],
};
const names: Directory = {
  groupNames: async (sids) =>
    new Map([[risk, 'risk'] as const, [staff, 'staff'] as const].filter(([each]) => sids.includes(each))),
  person: async () => undefined,
  ping: async () => {},
  close: async () => {},
};
const down = new DirectoryError('Cannot ask directory ldaps://dc1: connection refused');

/** Looks people up in what `found` says at the moment, and counts the questions. */
function make(options: Partial<MembershipsOptions> = {}) {
  const asked: PersonKeys[] = [];
  const state: { found: Search | DirectoryError } = { found: { kind: 'found', person: alice } };
  const people: People = {
    find: async (keys) => {
      asked.push(keys);
      if (state.found instanceof DirectoryError) throw state.found;
      return state.found;
    },
  };
  const lookUp = memberships({ people, names, freshMs: 600 * second, keepMs: 8 * hour, matchEmail: false, ...options });
  return { lookUp, asked, state };
}
const find = (person: Partial<FoundPerson>): Search => ({ kind: 'found', person: { ...alice, ...person } });

test('memberships() gives all groups of the directory, and particulars that the method did not know', async () => {
  const { lookUp } = make();
  assert.deepEqual(await lookUp({ ...identity, name: 'A. Smith' }, 0), {
    identity: {
      ...identity,
      name: 'A. Smith',
      email: 'alice@corp.example',
      upn: 'alice@corp.example',
      sids: [risk, staff],
      groups: ['risk', 'staff'],
    },
    note: undefined,
    barred: undefined,
    answer: 'found',
  });
});

test('memberships() takes names that the directory itself has for groups, also for those without a SID', async () => {
  const { lookUp, state } = make({ names: undefined });
  state.found = find({
    groups: [
      { sid: undefined, name: 'cloud' },
      { sid: risk, name: 'Risk' },
      { sid: staff, name: undefined },
    ],
  });
  const { identity: found } = await lookUp(identity, 0);
  assert.deepEqual(
    [found.sids, found.groups],
    [
      [risk, staff],
      ['cloud', 'Risk'],
    ],
  );
});

for (const [what, search] of [
  ['nobody', { kind: 'none', why: 'the directory knows no such account' }],
  ['two accounts', { kind: 'several', why: 'more than one account in the directory fits' }],
  ['an account that is locked', find({ state: 'locked' })],
  ['an account of which it cannot be seen whether it is disabled', find({ state: 'unknown' })],
  ['an account whose groups cannot be seen', find({ groups: undefined })],
] as const) {
  test(`memberships() gives no groups for ${what}, and says so`, async () => {
    const { lookUp, state } = make();
    state.found = search;
    const { identity: found, note, barred } = await lookUp({ ...identity, sids: [risk] }, 0);
    assert.deepEqual([found.groups, found.sids, barred], [[], [], undefined]);
    assert.match(note ?? '', /^no groups: /);
  });
}

for (const state of ['disabled', 'expired'] as const) {
  test(`memberships() bars an account that is ${state}`, async () => {
    const { lookUp, state: now } = make();
    now.found = find({ state });
    const { identity: found, barred } = await lookUp(identity, 0);
    assert.match(barred ?? '', new RegExp(state));
    assert.deepEqual([found.groups, found.sids], [[], []]);
  });
}

test('memberships() asks again when the answer is no longer fresh, and believes the new one', async () => {
  const { lookUp, asked, state } = make();
  await lookUp(identity, 0);
  state.found = find({ groups: [{ sid: staff, name: undefined }] });
  assert.deepEqual((await lookUp(identity, 600 * second - 1)).identity.groups, ['risk', 'staff']);
  assert.deepEqual((await lookUp(identity, 600 * second)).identity.groups, ['staff']);
  assert.equal(asked.length, 2);
});

test('memberships() takes nothing that was found out before the groups were seen to be others, and serves it in an outage', async () => {
  const outdated = new Outdated(hour);
  const { lookUp, asked, state } = make({ outdated });
  const at = async (time: number) => (await lookUp(identity, time)).identity.groups;
  await at(0);
  outdated.note(identity.subject, second);
  state.found = down;
  assert.deepEqual(await at(2 * second), ['risk', 'staff']);
  state.found = find({ groups: [{ sid: staff, name: undefined }] });
  assert.deepEqual([await at(3 * second), await at(4 * second)], [['staff'], ['staff']]);
  assert.equal(asked.length, 3);
});

test('memberships() does not wait for an answer to a question that is too old, nor lets it replace a newer one', async () => {
  const outdated = new Outdated(hour);
  const answers = Array.from({ length: 2 }, () => Promise.withResolvers<Search>());
  let asked = 0;
  const people: People = { find: async () => (await answers[asked++]?.promise) ?? { kind: 'none', why: '' } };
  const { lookUp } = make({ outdated, people });
  const before = lookUp(identity, 0);
  outdated.note(identity.subject, second);
  const [after, joined] = [lookUp(identity, 2 * second), lookUp(identity, 2 * second)];
  answers[1]?.resolve(find({ groups: [{ sid: staff, name: undefined }] }));
  assert.deepEqual([(await after).identity.groups, (await joined).identity.groups, asked], [['staff'], ['staff'], 2]);
  answers[0]?.resolve(find({}));
  await before;
  assert.deepEqual((await lookUp(identity, 3 * second)).identity.groups, ['staff']);
});

test('memberships() asks about an unknown account again after a minute', async () => {
  const { lookUp, asked, state } = make();
  state.found = { kind: 'none', why: 'the directory knows no such account' };
  await lookUp(identity, 0);
  await lookUp(identity, 60 * second - 1);
  assert.equal(asked.length, 1);
  state.found = find({});
  assert.deepEqual((await lookUp(identity, 60 * second)).identity.groups, ['risk', 'staff']);
});

test('memberships() keeps the last known groups while the directory is down, for so long and no longer', async () => {
  const { lookUp, state } = make();
  await lookUp(identity, 0);
  state.found = down;
  const kept = await lookUp(identity, 8 * hour - 1);
  assert.deepEqual(kept.identity.groups, ['risk', 'staff']);
  assert.match(kept.note ?? '', /those of 1970-01-01T00:00:00\.000Z: Cannot ask directory/);
  const gone = await lookUp(identity, 8 * hour);
  assert.deepEqual([gone.identity.groups, gone.identity.sids], [[], []]);
  assert.match(gone.note ?? '', /no groups: Cannot ask directory/);
});

test('memberships() counts the age of what is known from when the directory said it, not from when it was used', async () => {
  const { lookUp, state } = make();
  await lookUp(identity, 0);
  state.found = down;
  for (let now = hour; now < 8 * hour; now += hour) await lookUp(identity, now);
  assert.deepEqual((await lookUp(identity, 8 * hour)).identity.groups, []);
});

test('memberships() keeps somebody barred while the directory is down', async () => {
  const { lookUp, state } = make();
  state.found = find({ state: 'disabled' });
  await lookUp(identity, 0);
  state.found = down;
  assert.match((await lookUp(identity, hour)).barred ?? '', /disabled/);
});

test('memberships() gives no groups when the directory is down from the start, and all once it answers', async () => {
  const { lookUp, state } = make();
  state.found = down;
  assert.deepEqual((await lookUp(identity, 0)).identity.groups, []);
  state.found = find({});
  assert.deepEqual((await lookUp(identity, 1)).identity.groups, ['risk', 'staff']);
});

test('memberships() asks once for everybody who comes at the same time', async () => {
  const { lookUp, asked } = make();
  const all = await Promise.all(Array.from({ length: 50 }, () => lookUp(identity, 0)));
  assert.equal(asked.length, 1);
  for (const { identity: found } of all) assert.deepEqual(found.groups, ['risk', 'staff']);
});

test('memberships() does not take one person for another', async () => {
  const { lookUp, asked } = make();
  await lookUp(identity, 0);
  await lookUp({ ...identity, account: 'CORP\\bob' }, 0);
  await lookUp({ ...identity, upn: 'alice@corp.example' }, 0);
  assert.equal(asked.length, 3);
});

test('memberships() asks about a few at a time, and leaves without groups those who would wait too long', async () => {
  let [running, most] = [0, 0];
  const release = Promise.withResolvers<void>();
  const people: People = {
    async find() {
      most = Math.max(most, ++running);
      await release.promise;
      running--;
      return { kind: 'found', person: alice };
    },
  };
  const { lookUp } = make({ people, concurrency: 2, maxWaiting: 3 });
  const asking = Array.from({ length: 10 }, (_, i) => lookUp({ ...identity, account: `CORP\\user${i}` }, 0));
  release.resolve();
  const notes = (await Promise.all(asking)).map(({ note }) => note);
  assert.equal(most, 2);
  assert.equal(notes.filter((note) => note === undefined).length, 5);
  assert.equal(notes.filter((note) => note?.includes('too many people')).length, 5);
});

test('memberships() remembers a bounded number of people, the latest', async () => {
  const { lookUp, asked } = make({ maxEntries: 2 });
  const at = (name: string, now: number) => lookUp({ ...identity, account: `CORP\\${name}` }, now);
  for (const [i, name] of ['one', 'two', 'three'].entries()) await at(name, i);
  await at('three', 3);
  await at('two', 3);
  assert.equal(asked.length, 3);
  await at('one', 4);
  assert.equal(asked.length, 4);
});

test('memberships() says how many groups have no name when names cannot be asked for', async () => {
  const known = new Map([[risk, 'risk']]);
  const partly = {
    ...names,
    groupNames: () => Promise.reject(new DirectoryError('Cannot ask directory: down', { known })),
  };
  const { identity: found, note } = await make({ names: partly }).lookUp(identity, 0);
  assert.deepEqual([found.sids, found.groups], [[risk, staff], ['risk']]);
  assert.equal(note, '1 of 2 groups have no name: Cannot ask directory: down');
});

test('memberships() does not hide a bug behind a note', async () => {
  const people: People = { find: () => Promise.reject(new RangeError('Invalid array length')) };
  await assert.rejects(make({ people }).lookUp(identity, 0), RangeError);
});

test('memberships() asks nobody about somebody whom no directory could know', async () => {
  const { lookUp, asked } = make();
  const { identity: found, note } = await lookUp({ ...identity, account: 'alice', email: 'alice@corp.example' }, 0);
  assert.deepEqual([found.groups, asked.length], [[], 0]);
  assert.match(note ?? '', /nothing that the directory knows people by/);
});

const none = { sid: undefined, upn: undefined, account: undefined, email: undefined };

test('keysOf() goes by the SID alone where there is one', () => {
  assert.deepEqual(keysOf({ ...identity, subject: sid, upn: 'alice@corp.example', email: 'a@b.example' }, true), {
    ...none,
    sid,
  });
});

test('keysOf() takes UPN and account, an account that is a UPN, and an e-mail address only where it may', () => {
  const account = { domain: 'CORP', name: 'alice' };
  assert.deepEqual(keysOf({ ...identity, upn: 'al@corp.example' }, false), {
    ...none,
    upn: 'al@corp.example',
    account,
  });
  const plain = { ...identity, account: 'al@corp.example', method: 'trusted_header' };
  assert.deepEqual(keysOf(plain, false), { ...none, upn: 'al@corp.example' });
  assert.deepEqual(keysOf({ ...identity, email: 'a@b.example' }, true), { ...none, account, email: 'a@b.example' });
  assert.deepEqual(keysOf({ ...identity, email: 'a@b.example' }, false), { ...none, account });
});

for (const method of ['oidc', 'bearer'])
  test(`keysOf() takes no account out of claims for a UPN: ${method}`, () => {
    assert.equal(keysOf({ ...identity, account: 'boss@corp.example', method }, false), undefined);
  });

for (const account of [
  'alice',
  'CORP\\',
  '\\alice',
  'A\\B\\alice',
  'CORP\\alice\\x',
  'a@b@c',
  '@corp.example',
  'alice@',
])
  test(`keysOf() takes "${account}" for no account`, () =>
    assert.equal(keysOf({ ...identity, account }, false), undefined));
