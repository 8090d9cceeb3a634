import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../core/identity.ts';
import { type Directory, DirectoryError } from '../ports/directory.ts';
import { withGroupNames } from './group-names.ts';

const alice: Identity = {
  subject: 'S-1-5-21-1-2-3-1103',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: ['S-1-5-21-1-2-3-1', 'S-1-5-21-1-2-3-2', 'S-1-5-21-1-2-3-3'],
  groups: [],
  method: 'negotiate',
  authenticatedAt: 0,
  expiresAt: 1_000,
};

const directory = (groupNames: Directory['groupNames']): Directory => ({
  groupNames,
  person: async () => undefined,
  ping: async () => {},
  close: async () => {},
});

test('withGroupNames() adds the names that the directory knows, each once', async () => {
  const names = new Map([
    ['S-1-5-21-1-2-3-1', 'staff'],
    ['S-1-5-21-1-2-3-2', 'risk'],
    ['S-1-5-21-1-2-3-3', 'staff'],
  ]);
  const { identity, note } = await withGroupNames(
    alice,
    directory(async () => names),
    0,
  );
  assert.deepEqual(identity, { ...alice, groups: ['staff', 'risk'] });
  assert.equal(note, undefined);
});

test('withGroupNames() ignores names for groups that were not asked for', async () => {
  const { identity } = await withGroupNames(
    alice,
    directory(async () => new Map([['S-1-5-21-1-2-3-512', 'Domain Admins']])),
    0,
  );
  assert.deepEqual(identity.groups, []);
});

test('withGroupNames() leaves out what a directory that is down does not remember, and says so', async () => {
  const known = new Map([['S-1-5-21-1-2-3-1', 'staff']]);
  const down = directory(() =>
    Promise.reject(new DirectoryError('Cannot ask directory: connection refused', { known })),
  );
  const { identity, note } = await withGroupNames(alice, down, 0);
  assert.deepEqual(identity.groups, ['staff']);
  assert.equal(note, '2 of 3 groups have no name: Cannot ask directory: connection refused');
});

test('withGroupNames() does not hide a bug behind the note', async () => {
  const broken = directory(() => Promise.reject(new RangeError('Invalid array length')));
  await assert.rejects(withGroupNames(alice, broken, 0), RangeError);
});

test('withGroupNames() asks nobody about a person without SIDs', async () => {
  const demo = { ...alice, sids: [], groups: ['staff'] };
  const never = directory(() => Promise.reject(new Error('asked')));
  assert.deepEqual(await withGroupNames(demo, never, 0), { identity: demo, note: undefined });
});
