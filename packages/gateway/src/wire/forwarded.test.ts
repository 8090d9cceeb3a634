import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cidrMatcher } from './cidr.ts';
import { identityFieldStripper } from './field-names.ts';
import { clientAddress, forwardedFieldNames, forwardedFields } from './forwarded.ts';

const trusted = cidrMatcher(['10.0.0.0/8', 'fd00::/8']);
const client = '203.0.113.7';
const ask = (peer: string, forwardedFor?: string | readonly string[], proto?: string) =>
  clientAddress(
    [
      ...[forwardedFor ?? []].flat().flatMap((value) => ['X-Forwarded-For', value]),
      ...(proto === undefined ? [] : ['X-Forwarded-Proto', proto]),
    ],
    peer,
    trusted,
  );
const found = (address: string, proto?: 'http' | 'https') => ({ kind: 'ok', address, proto });

test('clientAddress() believes nothing that a peer says who is not trusted', () => {
  assert.deepEqual(ask(client, '192.0.2.1', 'https'), found(client));
});

test('clientAddress() does not even read what such a peer says', () => {
  assert.deepEqual(ask(client, 'garbage', 'gopher'), found(client));
});

test('clientAddress() never reads Forwarded or X-Real-IP', () => {
  const fields = ['Forwarded', 'for=192.0.2.1;proto=https', 'X-Real-IP', '192.0.2.1'];
  assert.deepEqual(clientAddress(fields, '10.0.0.1', trusted), found('10.0.0.1'));
});

const trustedReadings = [
  ['takes the entry of a trusted proxy', client, client],
  ['takes the last entry, not the first, which the client wrote', `192.0.2.99, ${client}`, client],
  ['passes over trusted proxies from the right', `192.0.2.99, ${client}, 10.0.0.9, 10.0.0.8`, client],
  ['does not look at garbage that the client put in front', `<script>, unknown, ${client}`, client],
  ['reads several fields as one list', ['192.0.2.99', client], client],
  ['takes the leftmost when all are trusted', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['reads a port behind IPv4', `${client}:4711`, client],
  ['reads brackets and a port around IPv6', '[2001:DB8::1]:4711', '2001:db8::1'],
  ['reads IPv6 without brackets', '2001:db8::1', '2001:db8::1'],
  ['unwraps IPv4 in IPv6', `::ffff:${client}`, client],
] as const;
for (const [what, header, address] of trustedReadings) {
  test(`clientAddress() ${what}`, () => assert.deepEqual(ask('10.0.0.1', header), found(address)));
}

test('clientAddress() knows a trusted peer in IPv6 wrapping', () => {
  assert.deepEqual(ask('::ffff:10.0.0.1', client), found(client));
});

test('clientAddress() takes a trusted peer without the field for the client', () => {
  assert.deepEqual(ask('10.0.0.1'), found('10.0.0.1'));
});

for (const garbage of [
  'unknown',
  '',
  '_hidden',
  '203.0.113',
  '203.0.113.7 ; x',
  `${client}:`,
  '203.0.113.7:999999',
  '[::1',
  `${client}, `,
]) {
  test(`clientAddress() refuses the unreadable entry "${garbage}" of a trusted proxy`, () => {
    assert.deepEqual(ask('10.0.0.1', garbage), { kind: 'refused', reason: 'forwarded-address-unreadable' });
  });
}

test('clientAddress() refuses an unreadable peer', () => {
  assert.deepEqual(ask('unix'), { kind: 'refused', reason: 'peer-address-unreadable' });
});

test('clientAddress() refuses an endless row of trusted proxies', () => {
  const hops = Array.from({ length: 100 }, () => '10.0.0.2').join();
  assert.deepEqual(ask('10.0.0.1', hops), { kind: 'refused', reason: 'forwarded-too-many-hops' });
});

for (const [said, proto] of [
  ['https', 'https'],
  ['HTTP', 'http'],
  ['wss', 'https'],
  ['https, https', 'https'],
] as const) {
  test(`clientAddress() reads the protocol "${said}" of a trusted proxy as ${proto}`, () => {
    assert.deepEqual(ask('10.0.0.1', client, said), found(client, proto));
  });
}

for (const said of ['', 'gopher', 'https, http', 'https,']) {
  test(`clientAddress() refuses the protocol "${said}"`, () => {
    assert.deepEqual(ask('10.0.0.1', client, said), { kind: 'refused', reason: 'forwarded-proto-unreadable' });
  });
}

test('clientAddress() lets nothing in front of the entry of the last trusted proxy change the result', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.ipV4(), fc.constant('10.0.0.5'))), (spoofed) => {
      assert.deepEqual(ask('10.0.0.1', [...spoofed, `${client}, 10.0.0.2`]), found(client));
    }),
  );
});

test('forwardedFields() tells the upstream what we found', () => {
  assert.deepEqual(forwardedFields({ address: client, proto: 'https', host: 'desk.corp.example' }), [
    'X-Forwarded-For',
    client,
    'X-Forwarded-Proto',
    'https',
    'X-Forwarded-Host',
    'desk.corp.example',
  ]);
});

test('forwardedFieldNames cover every alias by which a client could tell the app another address', () => {
  const strip = identityFieldStripper(forwardedFieldNames);
  const names = [
    'Forwarded',
    'X_Forwarded_For',
    'X-Forwarded-Port',
    'x.real.ip',
    'True-Client-IP',
    'X-Forwarded-Prefix',
  ];
  assert.deepEqual(strip(names.flatMap((name) => [name, 'x'])), { fields: [], removed: names });
});
