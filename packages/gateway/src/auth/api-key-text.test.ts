import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKeyHash, newApiKey, readApiKey } from './api-key-text.ts';

test('newApiKey() makes keys that readApiKey() reads, each with an id and a secret of its own', () => {
  const keys = Array.from({ length: 200 }, newApiKey);
  for (const { id, text } of keys) assert.deepEqual(readApiKey(text), { kind: 'ok', id });
  assert.equal(new Set(keys.map(({ id }) => id)).size, keys.length);
  assert.equal(new Set(keys.map(({ text }) => text.slice(18))).size, keys.length);
});

test('newApiKey() makes keys of a form that secret scanners can know: letters, digits and underscores, 56 characters', () => {
  assert.match(newApiKey().text, /^cardea_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}$/);
});

test('newApiKey() uses every letter and digit, so that the secret has the bits it is said to have', () => {
  const seen = new Set(Array.from({ length: 500 }, () => newApiKey().text.slice(18, 50)).join(''));
  assert.equal(seen.size, 62);
});

test('readApiKey() tells a mistyped key: any letter changed, or two swapped', () => {
  const { text } = newApiKey();
  for (let i = 7; i < text.length; i++) {
    if (text[i] === '_') continue;
    const changed = text.slice(0, i) + (text[i] === 'a' ? 'b' : 'a') + text.slice(i + 1);
    assert.equal(readApiKey(changed).kind, 'mistyped', `${i}`);
    const swapped = text.slice(0, i) + (text[i + 1] ?? '') + text[i] + text.slice(i + 2);
    if (swapped !== text && swapped.length === text.length && text[i + 1] !== '_')
      assert.equal(readApiKey(swapped).kind, 'mistyped', `${i}`);
  }
});

for (const [what, change] of [
  ['cut off', (text: string) => text.slice(0, -1)],
  ['longer', (text: string) => `${text}0`],
  ['without its prefix', (text: string) => text.slice(7)],
  ['in capitals', (text: string) => text.replace('cardea', 'CARDEA')],
  ['with a space in front', (text: string) => ` ${text}`],
  ['with a line break behind', (text: string) => `${text}\n`],
  ['with a hyphen', (text: string) => text.replace('_', '-')],
  ['empty', () => ''],
] as const)
  test(`readApiKey() calls a key malformed that is ${what}`, () => {
    assert.deepEqual(readApiKey(change(newApiKey().text)), { kind: 'malformed' });
  });

test('apiKeyHash() is the SHA-256 of the whole key', () => {
  assert.equal(
    Buffer.from(apiKeyHash('abc')).toString('hex'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});
