import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKeyRecord, readApiKeyRecord } from './api-key-record.ts';
import { anApiKey } from './api-keys.contract.ts';

const read = (record: object) => readApiKeyRecord('abcdefghij', JSON.stringify(record), undefined, undefined);
const written: Readonly<Record<string, unknown>> = JSON.parse(apiKeyRecord(anApiKey()));

test('readApiKeyRecord() gives a key of an older version no rights', () => {
  const { rights, ...older } = written;
  assert.deepEqual(rights, ['check']);
  assert.deepEqual(read(older).rights, []);
});

test('readApiKeyRecord() refuses a right that it does not know', () => {
  for (const rights of [['check', 'administer'], 'check', null])
    assert.throws(() => read({ ...written, rights }), TypeError);
});
