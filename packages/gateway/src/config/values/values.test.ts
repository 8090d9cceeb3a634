import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Parsed } from '../parsed.ts';
import { addressText, isLoopback, parseAddress } from './address.ts';
import { parseNetwork } from './cidr.ts';
import { duration, parseDuration } from './duration.ts';
import { parseHeaderName } from './header-name.ts';
import { parseHost } from './host.ts';
import { parseDomain, parseRealm, parseService } from './kerberos.ts';
import { parseAppName, parseMethod, parseWord } from './name.ts';
import { parsePattern, parsePrefix, parseUrlPath } from './path.ts';
import { parseGroup, parseSid } from './sid.ts';
import { parseSize } from './size.ts';
import { parseAppAddress, parseLdapUrl, parseOrigin } from './url.ts';

const hours = { min: '1s', max: '48h' };
const sizes = { min: '1B', max: '1GiB' };
const readers: Readonly<Record<string, (text: string) => Parsed<unknown>>> = {
  parseDuration: (text) => parseDuration(text, hours),
  parseSize: (text) => parseSize(text, sizes),
  parseOrigin: (text) => parseOrigin(text, 'http://127.0.0.1:3000'),
  parseAddress,
  parseNetwork,
  parseHost,
  parseHeaderName,
  parseService,
  parseRealm,
  parseDomain,
  parseAppName,
  parseWord,
  parseMethod,
  parsePattern,
  parsePrefix,
  parseUrlPath,
  parseSid,
  parseGroup,
  parseLdapUrl,
  parseAppAddress,
};

const right: readonly (readonly [reader: string, text: string, value: unknown])[] = [
  ['parseDuration', '90s', 90_000],
  ['parseDuration', '8h', 28_800_000],
  ['parseDuration', '1500ms', 1_500],
  ['parseDuration', '2d', 172_800_000],
  ['parseSize', '64KiB', 65_536],
  ['parseSize', '1GiB', 1_073_741_824],
  ['parseAddress', '0.0.0.0:8443', { host: '0.0.0.0', port: 8443 }],
  ['parseAddress', '[::1]:0', { host: '::1', port: 0 }],
  ['parseAddress', 'localhost:80', { host: 'localhost', port: 80 }],
  ['parseNetwork', '10.0.0.0/8', '10.0.0.0/8'],
  ['parseNetwork', 'fc00::/7', 'fc00::/7'],
  ['parseNetwork', '10.1.2.3', '10.1.2.3'],
  ['parseHost', 'Desk.CORP.example.', 'desk.corp.example'],
  ['parseHost', '*', '*'],
  ['parseHost', '[2001:DB8:0::1]', '[2001:db8::1]'],
  ['parseHeaderName', 'X-Remote-User', 'X-Remote-User'],
  ['parseHeaderName', 'REMOTE_USER', 'REMOTE_USER'],
  ['parseService', 'HTTP/desk.corp.example@CORP.EXAMPLE', 'HTTP/desk.corp.example@CORP.EXAMPLE'],
  ['parseRealm', 'CORP.EXAMPLE', 'CORP.EXAMPLE'],
  ['parseDomain', 'CORP', 'CORP'],
  ['parseAppName', 'desk-2', 'desk-2'],
  ['parseWord', 'Market Data', 'Market Data'],
  ['parseWord', '*', '*'],
  ['parseMethod', 'GET', 'GET'],
  ['parsePattern', '/risk/**', '/risk/**'],
  ['parsePattern', '/*/Größe', '/*/Größe'],
  ['parsePrefix', '/', '/'],
  ['parsePrefix', '/tools/chat', '/tools/chat'],
  ['parseUrlPath', '/a%62', '/ab'],
  ['parseSid', 'S-1-5-21-1004336348-1177238915-682003330-1104', 'S-1-5-21-1004336348-1177238915-682003330-1104'],
  ['parseSid', 'S-1-5-32-544', 'S-1-5-32-544'],
  ['parseGroup', 'Domain Users', 'Domain Users'],
  ['parseOrigin', 'http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
  ['parseOrigin', 'https://Desk.example:443/', 'https://desk.example'],
  ['parseAppAddress', 'https://App.corp.example:443/', 'https://app.corp.example'],
  ['parseAppAddress', 'unix:/run/app.sock', 'unix:/run/app.sock'],
  ['parseAppAddress', `unix:/${'x'.repeat(102)}`, `unix:/${'x'.repeat(102)}`],
  ['parseLdapUrl', 'ldaps://dc1.corp.example', 'ldaps://dc1.corp.example'],
  ['parseLdapUrl', 'ldap://dc1.corp.example:389', 'ldap://dc1.corp.example:389'],
];

for (const [reader, text, value] of right)
  test(`${reader}() takes ${JSON.stringify(text)}`, () => {
    assert.deepEqual(readers[reader]?.(text), { kind: 'ok', value });
  });

const wrong: readonly (readonly [reader: string, ...texts: string[]])[] = [
  ['parseDuration', '90', '', 's', '1.5h', '-5s', '5 s', '5S', '8h ', '1h30m', '500ms', '49h', '1e3s', '٥s'],
  ['parseSize', '64', '64KB', '64kib', '0B', '2GiB', '1.5MiB', '-1B'],
  [
    'parseAddress',
    '8443',
    ':8443',
    'host.example:80',
    '1.2.3.4',
    '1.2.3.4:65536',
    '1.2.3.4:',
    '::1:80',
    '[1.2.3.4]:80',
    '1.2.3:80',
    '01.2.3.4:80',
    '[::1%eth0]:80',
    'unix:/run/x',
  ],
  [
    'parseNetwork',
    '',
    '0.0.0.0/0',
    '::/0',
    '0.0.0.0/1',
    '10.0.0.5/8',
    '10.0.0.0/33',
    '10.0.0/8',
    'proxy.example',
    '10.0.0.0/08',
    '2001:db8::1/32',
    '::ffff:0.0.0.0/96',
  ],
  [
    'parseHost',
    '',
    'desk.corp.example:443',
    'https://desk',
    '*.corp.example',
    'a b',
    'a/b',
    '-a',
    'a..b',
    'größe.example',
    'user@host',
    '1.2.3',
    '300.1.1.1',
    '[::1]:80',
  ],
  [
    'parseHeaderName',
    '',
    'X User',
    'X:User',
    'Größe',
    'Authorization',
    'AUTHORIZATION',
    'cookie',
    'Host',
    'Content-Length',
    'Content_Length',
    'transfer.encoding',
    'Connection',
    'Sec-Fetch-Site',
    'Proxy-Authorization',
    'X-Forwarded-For',
    'x_forwarded_for',
    'Forwarded',
    'TE',
    'Upgrade',
    'x'.repeat(65),
  ],
  ['parseService', '', 'desk.corp.example', 'http/desk', 'HTTP/', 'HTTP/a b', 'host/desk', 'HTTP/desk@', 'HTTP/a/b'],
  ['parseRealm', '', 'corp.example', 'CORP EXAMPLE', 'CORP/EXAMPLE', '.CORP', 'CORP.'],
  ['parseDomain', '', 'CORP\\', 'corp.example', 'CORP EXAMPLE', 'A'.repeat(16)],
  ['parseAppName', '', 'Desk', 'desk app', '-desk', 'desk-', 'a'.repeat(64), 'desk/x'],
  ['parseWord', '', ' x', 'a,b', 'a\nb', 'x'.repeat(101)],
  ['parseMethod', '', 'get', 'GE T', 'GET,POST'],
  ['parsePattern', '', 'risk', '/a//b', '/../x', '/a/%2e%2e', '/a%2fb', '/x**', '/a?b', '/a#b', '/a\\b', '/%zz'],
  ['parsePrefix', '', 'auth', '/auth/', '/a b', '/größe', '/a//b', '/..', '/a%20b'],
  ['parseUrlPath', '', 'x', '/a b', '/a?x', '/..', '/a%2Fb'],
  [
    'parseSid',
    '',
    'S-1-5',
    's-1-5-32-544',
    'S-2-5-32',
    'S-1-5-021',
    'S-1-5-4294967296',
    'S-1-5-32-544 ',
    'S-1-5--1',
    'S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16',
  ],
  ['parseGroup', '', ' x', 'x ', 'CORP\\team', 'S-1-x', 's-1-5-32-544', 'a\u0007b'],
  [
    'parseOrigin',
    '',
    '127.0.0.1:3000',
    'ftp://x',
    'http://x/path',
    'http://x?y',
    'http://x#y',
    'http://u:p@x',
    'http://u@x',
    'http://:p@x',
    'http:/x',
    'http:\\\\x',
    ' http://x',
    'http://x\n',
    'unix:/run/x',
    'http://x?',
    'http://x#',
  ],
  [
    'parseAppAddress',
    '',
    '127.0.0.1:3000',
    'http://x/path',
    'unix:',
    'unix:/',
    'unix:app.sock',
    'unix:///run/app.sock',
    'unix:/run/',
    'unix:/run/a\0b',
    'unix:/run/app.sock\n',
    `unix:/${'x'.repeat(103)}`,
    `unix:/${'ü'.repeat(52)}`,
    'Unix:/run/app.sock',
  ],
  ['parseLdapUrl', '', 'dc1', 'https://dc1', 'ldaps://', 'ldaps://dc1/DC=x', 'ldaps://u:p@dc1', 'ldaps://dc1?x'],
];

for (const [reader, ...texts] of wrong)
  for (const text of texts)
    test(`${reader}() refuses ${JSON.stringify(text)} and says what to do`, () => {
      const parsed = readers[reader]?.(text);
      assert.equal(parsed?.kind, 'wrong');
      assert.match(parsed.message, /\S/);
      assert.match(parsed.fix, /\S.*[^\s]$/);
    });

test('every reader gives an answer for any text, and never throws', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-zA-Z0-9:./@[\]{}%*-]{0,40}$/));
  fc.assert(
    fc.property(texts, (text) => Object.values(readers).every((read) => ['ok', 'wrong'].includes(read(text).kind))),
  );
});

test("parseAddress() and addressText() are each other's inverse", () => {
  const addresses = fc.tuple(
    fc.oneof(fc.ipV4(), fc.constantFrom('::1', '::', '2001:db8::7', 'localhost')),
    fc.nat(65_535),
  );
  fc.assert(
    fc.property(addresses, ([host, port]) => {
      const text = addressText({ host, port });
      assert.deepEqual(parseAddress(text), { kind: 'ok', value: { host, port } });
    }),
  );
});

test('isLoopback() is true for this machine alone', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '127.example']) assert.ok(!isLoopback(host), host);
});

test('duration() throws for a duration in the source that is misspelled', () => {
  assert.throws(() => duration('8 hours'), RangeError);
});

test('parseOrigin() and parseLdapUrl() never repeat a password', () => {
  for (const text of [
    'http://u:hunter2@x',
    'u:hunter2@x',
    'http://u:hunter2@x/path',
    'ftp://u:hunter2@x',
    'http://u:hunter2@[x',
  ])
    for (const parsed of [
      parseOrigin(text, 'http://x'),
      parseLdapUrl(text),
      parseLdapUrl(text.replace('http', 'ldaps')),
    ])
      assert.doesNotMatch(JSON.stringify(parsed), /hunter2/, text);
});
