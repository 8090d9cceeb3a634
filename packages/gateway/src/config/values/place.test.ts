import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeOf } from './place.ts';

const same: readonly (readonly [what: string, ...addresses: string[]])[] = [
  [
    'this machine',
    'http://localhost:3000',
    'http://127.0.0.1:3000',
    'http://127.0.0.2:3000',
    'http://127.1:3000',
    'http://0x7f.0.0.1:3000',
    'http://[::1]:3000',
    'http://[0:0:0:0:0:0:0:1]:3000',
    'http://[::ffff:127.0.0.1]:3000',
    'http://[::ffff:0.0.0.0]:3000',
    'http://0.0.0.0:3000',
    'http://[::]:3000',
    'http://LOCALHOST:3000',
    'http://localhost.:3000',
    'http://app.localhost:3000',
    'https://localhost:3000',
  ],
  [
    'a name in other letters',
    'http://app.corp.example:8000',
    'http://APP.Corp.Example:8000',
    'http://app.corp.example.:8000',
  ],
  [
    'an address in IPv6',
    'http://10.0.0.7:8000',
    'http://[::ffff:10.0.0.7]:8000',
    'http://[::ffff:a00:7]:8000',
    'http://167772167:8000',
  ],
  ['the default port of http', 'http://app', 'http://app:80', 'https://app:80'],
  ['the default port of https', 'https://app', 'https://app:443', 'http://app:443'],
  ['the path of a socket', 'unix:/run/app.sock', 'unix:/run/./app.sock', 'unix:/run/x/../app.sock'],
];

for (const [what, first = '', ...others] of same)
  test(`placeOf() knows ${what} in each spelling`, () => {
    for (const address of others) assert.equal(placeOf(address), placeOf(first), address);
  });

test('placeOf() tells places apart', () => {
  const all = [
    'http://app',
    'https://app',
    'http://app:8000',
    'http://app.corp.example',
    'http://localhost',
    'http://notlocalhost',
    'http://localhost.corp.example',
    'http://10.0.0.7',
    'http://[::ffff:10.0.0.8]',
    'http://[2001:db8::1]',
    'http://128.0.0.1',
    'unix:/run/app.sock',
    'unix:/run/other.sock',
  ];
  assert.equal(new Set(all.map(placeOf)).size, all.length);
});
