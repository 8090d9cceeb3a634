import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hierarchicalPath, transitAllowed, transitedRealms } from './transited.ts';

const encoded = (text: string, type = 1) => ({ type, contents: Buffer.from(text) });

test('transitedRealms() reads the example of RFC 4120, 3.3.3.2', () => {
  assert.deepEqual(transitedRealms(encoded('EDU,MIT.,ATHENA.,WASHINGTON.EDU,CS.')), [
    'EDU',
    'MIT.EDU',
    'ATHENA.MIT.EDU',
    'WASHINGTON.EDU',
    'CS.WASHINGTON.EDU',
  ]);
});

test('transitedRealms() takes no contents for no realms, whatever the type', () => {
  assert.deepEqual(transitedRealms(encoded('', 0)), []);
});

const notUnderstood = [
  ['a type other than 1', encoded('CORP.EXAMPLE', 2)],
  ['an X.500 name', encoded('/COM/HP')],
  ['a quoted character', encoded('A\\,B')],
  ['the empty entry that stands for all between', encoded('A.EXAMPLE,,B.EXAMPLE')],
  ['a prefix with nothing before it', encoded('MIT.')],
  ['a leading dot', encoded('.EXAMPLE')],
  ['bytes that are not UTF-8', { type: 1, contents: Uint8Array.of(0xff) }],
] as const;
for (const [what, transited] of notUnderstood)
  test(`transitedRealms() does not guess at ${what}`, () => assert.equal(transitedRealms(transited), undefined));

test('hierarchicalPath() goes up to the common parent and down', () => {
  assert.deepEqual(hierarchicalPath('A.X.CORP', 'B.CORP'), ['X.CORP', 'CORP']);
  assert.deepEqual(hierarchicalPath('CORP', 'A.B.CORP'), ['B.CORP']);
  assert.deepEqual(hierarchicalPath('ONE', 'TWO'), []);
});

test('hierarchicalPath() goes up to the top and down where there is no common parent, as MIT does', () => {
  assert.deepEqual(hierarchicalPath('CHILD.CONTOSO.COM', 'APPS.FABRIKAM.NET'), [
    'CONTOSO.COM',
    'COM',
    'FABRIKAM.NET',
    'NET',
  ]);
});

const cases = [
  ['a direct trust', '', [], true],
  ['a realm between the two', 'CORP.EXAMPLE', [], true],
  ['the ends themselves', 'A.CORP.EXAMPLE,B.CORP.EXAMPLE', [], true],
  ['a realm elsewhere', 'EVIL.TEST', [], false],
  ['a realm elsewhere behind a good one', 'CORP.EXAMPLE,EVIL.TEST', [], false],
  ['a realm that is configured', 'TREE.TEST', ['TREE.TEST'], true],
  ['an encoding that is not understood', 'CORP.EXAMPLE,', [], false],
] as const;
for (const [what, text, configured, allowed] of cases)
  test(`transitAllowed() ${allowed ? 'accepts' : 'refuses'} ${what}`, () =>
    assert.equal(transitAllowed(encoded(text), 'A.CORP.EXAMPLE', 'B.CORP.EXAMPLE', configured), allowed));

test('transitAllowed() accepts the root of the client’s forest on the way to another forest, and nothing else', () => {
  const allowed = (text: string) => transitAllowed(encoded(text), 'CHILD.CONTOSO.COM', 'FABRIKAM.NET', []);
  assert.equal(allowed('CONTOSO.COM'), true);
  assert.equal(allowed('CONTOSO.COM,EVIL.NET'), false);
});
