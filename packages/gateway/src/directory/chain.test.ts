import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Directory, DirectoryError, type Person } from '../ports/directory.ts';
import { chainDirectories } from './chain.ts';
import { directoryContract } from './directory.contract.ts';
import { tableDirectory } from './table.ts';

const [one, two, three] = ['S-1-5-21-1-2-3-1', 'S-1-5-21-1-2-3-2', 'S-1-5-21-1-2-3-3'];
const alice: Person = { name: 'Alice', email: undefined, upn: undefined };

directoryContract('chain', async () => ({
  directory: chainDirectories([tableDirectory({ [one]: 'first' }), tableDirectory({ [two]: 'second' })]),
  groups: { [one]: 'first', [two]: 'second' },
}));

const error = new DirectoryError('Cannot ask directory: it is down', { known: new Map([[two, 'remembered']]) });
const down: Directory = {
  groupNames: () => Promise.reject(error),
  person: () => Promise.reject(error),
  ping: () => Promise.reject(error),
  close: async () => {},
};

test('chainDirectories() believes the first that knows a name', async () => {
  const chain = chainDirectories([
    tableDirectory({ [one]: 'first' }),
    tableDirectory({ [one]: 'other', [two]: 'second' }),
  ]);
  assert.deepEqual(Object.fromEntries(await chain.groupNames([one, two], 0)), { [one]: 'first', [two]: 'second' });
});

test('chainDirectories() asks the later ones only for the rest, and not at all when there is none', async () => {
  const asked: (readonly string[])[] = [];
  const last = {
    ...down,
    groupNames: async (sids: readonly string[]) => (asked.push(sids), new Map<string, string>()),
  };
  const chain = chainDirectories([tableDirectory({ [one]: 'first' }), last]);
  await chain.groupNames([one], 0);
  await chain.groupNames([one, two], 0);
  assert.deepEqual(asked, [[two]]);
});

test('chainDirectories() does not mind a directory that is down when the others know every name', async () => {
  const chain = chainDirectories([down, tableDirectory({ [one]: 'first', [two]: 'second' })]);
  assert.deepEqual(Object.fromEntries(await chain.groupNames([one, two], 0)), { [one]: 'first', [two]: 'remembered' });
});

test('chainDirectories() throws with the names that are known when one that is down might know the others', async () => {
  const chain = chainDirectories([tableDirectory({ [one]: 'first' }), down]);
  await assert.rejects(
    chain.groupNames([one, two, three], 0),
    (thrown) =>
      thrown instanceof DirectoryError &&
      thrown.message === error.message &&
      thrown.known.get(one) === 'first' &&
      thrown.known.get(two) === 'remembered' &&
      thrown.known.size === 2,
  );
});

test('chainDirectories() gives the first person that anyone knows, and throws only if nobody does and one is down', async () => {
  const knows = { ...down, person: async () => alice };
  assert.equal(await chainDirectories([tableDirectory({}), down, knows]).person(one, 0), alice);
  await assert.rejects(chainDirectories([tableDirectory({}), down]).person(one, 0), DirectoryError);
  assert.equal(await chainDirectories([tableDirectory({})]).person(one, 0), undefined);
});

test('chainDirectories() is as ready as its least ready directory', async () => {
  await assert.rejects(chainDirectories([tableDirectory({}), down]).ping(), DirectoryError);
});
