import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAccountName } from './account-name.ts';

const names = { defaultDomain: 'CORP', domains: { 'corp.example': 'CORP', 'child.corp.example': 'CHILD' } };

for (const [text, account, upn] of [
  ['CORP\\alice', 'CORP\\alice', undefined],
  ['corp\\Alice', 'CORP\\Alice', undefined],
  ['CORP\\svc-web$', 'CORP\\svc-web$', undefined],
  ['CORP\\Anna Maria', 'CORP\\Anna Maria', undefined],
  ['CORP\\jürgen', 'CORP\\jürgen', undefined],
  ['alice', 'CORP\\alice', undefined],
  ['alice@corp.example', 'CORP\\alice', 'alice@corp.example'],
  ['Alice@CORP.Example', 'CORP\\Alice', 'Alice@corp.example'],
  ['bob@child.corp.example', 'CHILD\\bob', 'bob@child.corp.example'],
  ['eve@elsewhere.example', 'eve@elsewhere.example', 'eve@elsewhere.example'],
] as const)
  test(`parseAccountName() reads ${text} as ${account}`, () => {
    const { account: found, upn: foundUpn } = parseAccountName(text, names) ?? {};
    assert.deepEqual([found, foundUpn], [account, upn]);
  });

for (const text of [
  '',
  ' ',
  '\\alice',
  'CORP\\',
  'CORP\\\\alice',
  'CORP\\alice\\x',
  'CORP\\ alice',
  'CORP\\alice ',
  ' CORP\\alice',
  'CORP/alice',
  'CORP%5Calice',
  'alice%40corp.example',
  'CORP\\alice,CORP\\bob',
  'CORP\\alice@corp.example',
  'corp.example\\alice',
  'NT AUTHORITY\\ANONYMOUS LOGON',
  'IIS APPPOOL\\site',
  'CORP\\..',
  'alice@',
  '@corp.example',
  'alice@corp',
  'alice@corp.example@x.example',
  'alice@corp.example ',
  'alice@-corp.example',
  'alice@corp..example',
  'alice smith@corp.example',
  'alice\u0000',
  'al\u200bice',
  'alice\nbob',
  'a'.repeat(65),
  `${'D'.repeat(16)}\\alice`,
])
  test(`parseAccountName() refuses ${JSON.stringify(text)}`, () =>
    assert.equal(parseAccountName(text, names), undefined));

test('parseAccountName() gives every spelling in upper and lower case one key, and different people different ones', () => {
  const keys = ['CORP\\alice', 'corp\\ALICE', 'Alice', 'alice@corp.example'].map(
    (text) => parseAccountName(text, names)?.key,
  );
  assert.deepEqual(new Set(keys), new Set(['corp\\alice']));
  assert.notEqual(parseAccountName('CHILD\\alice', names)?.key, 'corp\\alice');
});

test('parseAccountName() takes both forms of an accented letter for one', () => {
  assert.equal(parseAccountName('CORP\\ju\u0308rgen', names)?.key, parseAccountName('CORP\\j\u00fcrgen', names)?.key);
});

test('parseAccountName() refuses a name without a domain when there is no default', () => {
  assert.equal(parseAccountName('alice', {}), undefined);
});
