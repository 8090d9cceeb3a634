import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownField } from './own-field.ts';

const find = (...fields: string[]) => ownField(fields, 'x-api-key');

test('ownField() finds the one field, in upper and lower case', () => {
  assert.deepEqual(find('Accept', 'a', 'X-API-Key', 'v'), { kind: 'one', value: 'v' });
});

test('ownField() finds none among others', () => {
  assert.deepEqual(find('X-API-Keys', 'a', 'X-API-Ke', 'b', 'x', 'x-api-key'), { kind: 'none' });
});

test('ownField() tells an empty field from none', () =>
  assert.deepEqual(find('X-Api-Key', ''), { kind: 'one', value: '' }));

for (const [what, fields] of [
  ['two of the same value', ['X-API-Key', 'v', 'x-api-key', 'v']],
  ['one and an alias', ['X-API-Key', 'v', 'X_API_Key', 'w']],
  ['an alias and one', ['X.API.Key', 'v', 'X-API-Key', 'w']],
  ['an alias alone', ['X_API-KEY', 'v']],
] as const)
  test(`ownField() calls ${what} ambiguous`, () => assert.deepEqual(find(...fields), { kind: 'ambiguous' }));
