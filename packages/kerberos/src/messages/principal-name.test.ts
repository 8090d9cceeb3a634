import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DerReader } from '../der.ts';
import { encodePrincipalName, principalText, readPrincipalName, samePrincipal } from './principal-name.ts';

const name = (...components: string[]) => ({ nameType: 1, components });

test('principalText() joins components with slashes', () => {
  assert.equal(principalText(name('HTTP', 'app.corp.example')), 'HTTP/app.corp.example');
});

test('principalText() never writes two different names alike', () => {
  const texts = [name('alice', 'admin'), name('alice/admin'), name('alice\\/admin'), name('alice@admin')].map(
    principalText,
  );
  assert.deepEqual(texts, ['alice/admin', 'alice\\/admin', 'alice\\\\\\/admin', 'alice\\@admin']);
});

test('samePrincipal() compares components and leaves the type aside', () => {
  assert.equal(samePrincipal(name('a', 'b'), { nameType: 10, components: ['a', 'b'] }), true);
  assert.equal(samePrincipal(name('a', 'b'), name('a')), false);
  assert.equal(samePrincipal(name('a'), name('a', 'b')), false);
  assert.equal(samePrincipal(name('alice'), name('Alice')), false);
});

test('readPrincipalName() takes 16 components and refuses 17 or none', () => {
  const read = (n: number) =>
    DerReader.decode(encodePrincipalName(name(...Array<string>(n).fill('x'))), readPrincipalName);
  assert.equal(read(16).components.length, 16);
  assert.throws(() => read(17), /more than 16/);
  assert.throws(() => read(0), /fewer than 1/);
});
