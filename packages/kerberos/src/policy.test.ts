import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAccount, keytabOf } from '../test/initiator.ts';
import { acceptPolicy, foldService } from './policy.ts';

const keytab = keytabOf(
  createAccount({ names: ['HTTP/App.corp.example', 'HTTP/app'] }),
  createAccount({ names: ['host/app.corp.example'] }),
  createAccount({ names: ['HTTP/app'], realm: 'OTHER.EXAMPLE' }),
);
const services = (...names: string[]) => [...acceptPolicy({ keytab, services: names }).services.values()];

test('acceptPolicy() takes every service of the keytab by default', () => {
  assert.equal(acceptPolicy({ keytab }).services.size, 4);
});

test('acceptPolicy() finds services without regard to case, and spells them as the keytab', () => {
  assert.deepEqual(services('http/APP.corp.example'), ['HTTP/App.corp.example@CORP.EXAMPLE']);
});

test('acceptPolicy() takes a service of every realm, or of the one that is named', () => {
  assert.deepEqual(services('HTTP/app'), ['HTTP/app@CORP.EXAMPLE', 'HTTP/app@OTHER.EXAMPLE']);
  assert.deepEqual(services('HTTP/app@OTHER.EXAMPLE'), ['HTTP/app@OTHER.EXAMPLE']);
});

test('acceptPolicy() refuses a service that the keytab lacks, and one that is only a beginning', () => {
  assert.throws(() => services('HTTP/web'), RangeError);
  assert.throws(() => services('HTTP/ap'), /no key for the service "HTTP\/ap"/);
});

for (const maxSkewMs of [-1, Number.NaN, 86_400_001])
  test(`acceptPolicy() refuses a skew of ${maxSkewMs}`, () =>
    assert.throws(() => acceptPolicy({ keytab, maxSkewMs }), RangeError));

test('foldService() folds the name and not the realm, at the first at sign that is not escaped', () => {
  assert.equal(foldService('HTTP/A\\@B@Corp'), 'http/a\\@b@Corp');
});
