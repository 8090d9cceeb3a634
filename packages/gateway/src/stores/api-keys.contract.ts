import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ApiKey, ApiKeys } from '../ports/api-keys.ts';

export const anApiKey = (particulars: Partial<ApiKey> = {}): ApiKey => ({
  id: 'abcdefghij',
  hash: Buffer.alloc(32, 7),
  name: 'nightly',
  owner: 'Ops Team',
  scope: { apps: ['desk'], paths: ['/api/**'], methods: ['GET', 'POST'] },
  groups: ['exporters'],
  rights: ['check'],
  createdAt: 1_000,
  expiresAt: 9_000,
  lastUsedAt: undefined,
  revokedAt: undefined,
  ...particulars,
});

const key = anApiKey();
const plain = (found: ApiKey | undefined) => found && { ...found, hash: Buffer.from(found.hash).toString('hex') };

/** What every store of API keys must do. `open` gives an empty one. */
export function apiKeysContract(
  name: string,
  open: () => ApiKeys | Promise<ApiKeys>,
  options: { readonly skip?: string | false } = {},
): void {
  suite(`${name} API keys`, { skip: options.skip ?? false }, () => {
    test('find() gives what create() was given, to the last particular', async () => {
      const keys = await open();
      assert.equal(await keys.create(key), true);
      assert.deepEqual(plain(await keys.find(key.id)), plain(key));
      await keys.close();
    });

    test('find() keeps "all" and "none" apart, and no end from an end', async () => {
      const keys = await open();
      const all = anApiKey({
        scope: { apps: undefined, paths: [], methods: undefined },
        groups: [],
        rights: [],
        expiresAt: undefined,
      });
      await keys.create(all);
      assert.deepEqual(plain(await keys.find(all.id)), plain(all));
      await keys.close();
    });

    test('find() knows nothing of an id that nobody has', async () => {
      const keys = await open();
      await keys.create(key);
      for (const id of ['', 'ABCDEFGHIJ', 'abcdefghi', '*', 'constructor'])
        assert.equal(await keys.find(id), undefined);
      await keys.close();
    });

    test('create() does not replace a key that has the same id', async () => {
      const keys = await open();
      assert.equal(await keys.create(key), true);
      assert.equal(await keys.create(anApiKey({ name: 'other' })), false);
      assert.equal((await keys.find(key.id))?.name, 'nightly');
      await keys.close();
    });

    test('list() gives all of them, newest first', async () => {
      const keys = await open();
      assert.deepEqual(await keys.list(), []);
      for (const [i, id] of ['aaaaaaaaaa', 'bbbbbbbbbb', 'cccccccccc'].entries())
        await keys.create(anApiKey({ id, createdAt: i }));
      assert.deepEqual(
        (await keys.list()).map(({ id }) => id),
        ['cccccccccc', 'bbbbbbbbbb', 'aaaaaaaaaa'],
      );
      await keys.close();
    });

    test('revoke() marks a key once, and says whether it did', async () => {
      const keys = await open();
      await keys.create(key);
      assert.equal(await keys.revoke(key.id, 5_000), true);
      assert.equal(await keys.revoke(key.id, 6_000), false);
      assert.equal(await keys.revoke('nobody0000', 6_000), false);
      assert.equal((await keys.find(key.id))?.revokedAt, 5_000);
      assert.equal(await keys.find('nobody0000'), undefined);
      await keys.close();
    });

    test('used() writes many uses at once, never an older one over a newer, and makes no key', async () => {
      const keys = await open();
      await keys.create(key);
      await keys.create(anApiKey({ id: 'bbbbbbbbbb' }));
      await keys.used([
        { id: key.id, at: 3_000 },
        { id: 'bbbbbbbbbb', at: 4_000 },
        { id: 'nobody0000', at: 5_000 },
      ]);
      await keys.used([
        { id: key.id, at: 2_000 },
        { id: 'bbbbbbbbbb', at: 4_500 },
      ]);
      await keys.used([]);
      assert.equal((await keys.find(key.id))?.lastUsedAt, 3_000);
      assert.equal((await keys.find('bbbbbbbbbb'))?.lastUsedAt, 4_500);
      assert.equal((await keys.list()).length, 2);
      await keys.close();
    });
  });
}
