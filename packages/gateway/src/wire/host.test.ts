import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalHost } from './host.ts';

const accepted = [
  ['folds upper case', 'Desk.CORP.Example', 'desk.corp.example', undefined],
  ['takes one trailing dot away', 'desk.corp.example.', 'desk.corp.example', undefined],
  ['takes one trailing dot before a port away', 'desk.corp.example.:8443', 'desk.corp.example', 8443],
  ['splits the port off', 'desk:65535', 'desk', 65535],
  ['accepts the underscore inside a machine name', 'DESK_01.corp.example', 'desk_01.corp.example', undefined],
  ['accepts punycode', 'xn--mnchen-3ya.example', 'xn--mnchen-3ya.example', undefined],
  ['accepts an IPv4 address', '192.0.2.1:80', '192.0.2.1', 80],
  ['accepts an IPv6 address and shortens it', '[2001:DB8:0:0::1]:443', '[2001:db8::1]', 443],
] as const;

for (const [what, value, host, port] of accepted) {
  test(`canonicalHost() ${what}`, () => assert.deepEqual(canonicalHost(value), { kind: 'ok', host, port }));
}

const refused = [
  ['an empty value', '', 'host-empty'],
  ['a port alone', ':80', 'host-empty'],
  ['a dot alone', '.', 'host-empty'],
  ['userinfo', 'desk@evil.example', 'host-bad-name'],
  ['userinfo with a password', 'a:b@evil.example', 'host-bad-port'],
  ['two trailing dots', 'desk..', 'host-bad-name'],
  ['an empty label', 'desk..example', 'host-bad-name'],
  ['a path', 'desk/x', 'host-bad-name'],
  ['a backslash', 'desk\\x', 'host-bad-name'],
  ['a space', 'desk example', 'host-bad-name'],
  ['a list', 'desk,evil', 'host-bad-name'],
  ['an escape', 'desk%2eexample', 'host-bad-name'],
  ['a leading hyphen', '-desk', 'host-bad-name'],
  ['a leading underscore', '_desk', 'host-bad-name'],
  ['a letter beyond ASCII', 'désk', 'host-bad-name'],
  ['a letter beyond ASCII that folds into it', 'des\u212a', 'host-bad-name'],
  ['a label beyond 63 letters', 'a'.repeat(64), 'host-bad-name'],
  ['a name beyond 255 letters', `${'a.'.repeat(130)}a`, 'host-too-long'],
  ['a short form of an address', '127.1', 'host-bad-address'],
  ['a number as an address', '2130706433', 'host-bad-address'],
  ['a hexadecimal address', '0x7f.0.0.0x1', 'host-bad-address'],
  ['leading zeros in an address', '127.0.0.01', 'host-bad-address'],
  ['an address out of range', '256.0.0.1', 'host-bad-address'],
  ['an IPv6 address without its end', '[::1', 'host-bad-address'],
  ['an IPv6 address with a zone', '[fe80::1%25eth0]', 'host-bad-address'],
  ['something else in brackets', '[desk]', 'host-bad-address'],
  ['text behind the brackets', '[::1]x', 'host-bad-port'],
  ['an IPv6 address without brackets', '::1', 'host-empty'],
  ['an empty port', 'desk:', 'host-bad-port'],
  ['port 0', 'desk:0', 'host-bad-port'],
  ['port 65536', 'desk:65536', 'host-bad-port'],
  ['a port with a leading zero', 'desk:0443', 'host-bad-port'],
  ['two ports', 'desk:80:80', 'host-bad-port'],
] as const;

for (const [what, value, reason] of refused) {
  test(`canonicalHost() refuses ${what}`, () => assert.deepEqual(canonicalHost(value), { kind: 'refused', reason }));
}

const piece = fc.oneof(
  fc.constantFrom('a', 'B', '.', '-', '_', ':', '8', '[', ']', '::1', '@', '0x', '127.0.0.1', '%', '/', '443', 'xn--'),
  fc.string({ maxLength: 2 }),
);

test('canonicalHost() accepts only what the URL standard reads as the same host, and gives a canonical form', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const value = pieces.join('');
      const result = canonicalHost(value);
      // The URL standard also checks that punycode decodes, which is not ours to judge.
      if (result.kind === 'refused' || result.host.includes('xn--')) return;
      const url = new URL(`http://${value}/`);
      assert.equal(url.hostname.replace(/\.$/, ''), result.host);
      assert.equal(url.port === '' ? 80 : Number(url.port), result.port ?? 80);
      assert.deepEqual(canonicalHost(result.host), { ...result, port: undefined });
    }),
    { numRuns: 5000 },
  );
});
