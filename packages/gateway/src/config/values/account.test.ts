import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJobPath, parseLine, parseParameter, parseUpnSuffix } from './account.ts';

for (const [read, right, wrong] of [
  [parseUpnSuffix, ['corp.example', 'CORP.Example'], ['', 'corp', '@corp.example', 'corp..example', '-a.b', 'a b.c']],
  [parseLine, ['CORP\\me', 'x'], ['', ' x', 'x ', 'a\nb', 'x'.repeat(257)]],
  [parseParameter, ['stream_token', 't', 'a-b'], ['', '_t', 't_', 'a b', 'a&b', 'a.b', 'a[]', 'a%20', 'x'.repeat(33)]],
  [parseJobPath, ['/{job}', '/api/jobs/{job}/approve'], ['', '/api/jobs', '/{job}/{job}', 'x/{job}', '/a/{job}*']],
] as const)
  test(`${read.name}() takes what is one, and says what is wrong with what is none`, () => {
    for (const text of right) assert.equal(read(text).kind, 'ok', text);
    for (const text of wrong) {
      const parsed = read(text);
      assert.ok(parsed.kind === 'wrong' && parsed.message !== '' && parsed.fix !== '', text);
    }
  });

test('parseUpnSuffix() gives one spelling', () => {
  assert.deepEqual(parseUpnSuffix('CORP.Example'), { kind: 'ok', value: 'corp.example' });
});
