import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { SigningKeyStore } from '../ports/signing-keys.ts';

/** What every store for the issuer's keys must do. `open` gives an empty one. */
export function signingKeysContract(name: string, open: () => SigningKeyStore): void {
  suite(`${name} signing keys`, () => {
    test('read() has nothing at first', async () => {
      assert.equal(await open().read(), undefined);
    });

    test('replace() keeps a text, which read() gives with another version each time', async () => {
      const store = open();
      assert.equal(await store.replace(undefined, 'one'), true);
      const first = await store.read();
      assert.equal(first?.text, 'one');
      assert.equal(await store.replace(first.version, 'two'), true);
      const second = await store.read();
      assert.equal(second?.text, 'two');
      assert.ok(second.version > first.version);
    });

    test('replace() refuses whoever has not read what is there', async () => {
      const store = open();
      await store.replace(undefined, 'one');
      const { version = 0 } = (await store.read()) ?? {};
      assert.equal(await store.replace(undefined, 'two'), false);
      assert.equal(await store.replace(version + 1, 'two'), false);
      assert.equal(await store.replace(version, 'two'), true);
      assert.equal(await store.replace(version, 'three'), false);
      assert.equal((await store.read())?.text, 'two');
    });

    test('replace() of what is not there any more is refused', async () => {
      const store = open();
      assert.equal(await store.replace(1, 'one'), false);
      assert.equal(await store.read(), undefined);
    });

    test('replace() lets exactly one of many win', async () => {
      const store = open();
      const won = await Promise.all(Array.from({ length: 20 }, async (_, i) => store.replace(undefined, `text ${i}`)));
      assert.equal(won.filter(Boolean).length, 1);
      const { version, text } = (await store.read()) ?? {};
      assert.equal(text, `text ${won.indexOf(true)}`);
      const again = await Promise.all(Array.from({ length: 20 }, async () => store.replace(version, 'next')));
      assert.equal(again.filter(Boolean).length, 1);
    });

    test('replace() keeps a text of many kilobytes with blanks and line ends', async () => {
      const store = open();
      const text = `1 2\n${'x'.repeat(100_000)}\n `;
      await store.replace(undefined, text);
      assert.equal((await store.read())?.text, text);
    });
  });
}
