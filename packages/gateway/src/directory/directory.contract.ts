import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Directory } from '../ports/directory.ts';

/** A directory to test, and what is in it. */
export interface OpenedDirectory {
  readonly directory: Directory;
  /** Groups that it knows, by SID. At least two. */
  readonly groups: Readonly<Record<string, string>>;
}

const nobody = 'S-1-5-21-11-22-33-4294967295';

/** What every directory must do. `open` gives one that answers; the contract closes it. */
export function directoryContract(name: string, open: () => Promise<OpenedDirectory>): void {
  suite(`${name} directory`, () => {
    test('groupNames() names what it knows and leaves out the rest', async () => {
      const { directory, groups } = await open();
      const names = await directory.groupNames([...Object.keys(groups), nobody], 0);
      assert.deepEqual(Object.fromEntries(names), groups);
      await directory.close();
    });

    test('groupNames() gives the same answer again, in any order and with repetitions', async () => {
      const { directory, groups } = await open();
      const sids = Object.keys(groups);
      await directory.groupNames(sids, 0);
      const names = await directory.groupNames([...sids, ...sids].toReversed(), 1);
      assert.deepEqual(Object.fromEntries(names), groups);
      await directory.close();
    });

    test('groupNames() answers many who ask at once', async () => {
      const { directory, groups } = await open();
      const answers = await Promise.all(Array.from({ length: 50 }, () => directory.groupNames(Object.keys(groups), 0)));
      for (const names of answers) assert.deepEqual(Object.fromEntries(names), groups);
      await directory.close();
    });

    test('groupNames() of nobody names nobody', async () => {
      const { directory } = await open();
      assert.equal((await directory.groupNames([], 0)).size, 0);
      assert.equal((await directory.groupNames([nobody], 0)).size, 0);
      await directory.close();
    });

    test('groupNames() takes a text that is not a SID for an unknown group', async () => {
      const { directory } = await open();
      assert.equal((await directory.groupNames(['', 'team-ai', '*', 'S-1-5-21-*', '(objectSid=*)'], 0)).size, 0);
      await directory.close();
    });

    test('person() of an unknown SID is nobody', async () => {
      const { directory } = await open();
      assert.equal(await directory.person(nobody, 0), undefined);
      assert.equal(await directory.person('alice', 0), undefined);
      await directory.close();
    });

    test('ping() succeeds', async () => {
      const { directory } = await open();
      await directory.ping();
      await directory.close();
    });
  });
}
