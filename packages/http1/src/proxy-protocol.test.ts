import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { crc32c } from './crc32c.ts';
import { type ProxyRead, ProxyReader, readProxyHeader } from './proxy-protocol.ts';
import { split } from './websocket-testing.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V4 = Buffer.from('c0000201c6336401dc0401bb', 'hex');
const V6 = Buffer.from('20010db800000000000000000000000120010db8000000000000000000000002dc0401bb', 'hex');

/** A header of version 2 with the length that is right for it. */
function binary(command: number, family: number, content: Buffer, length = content.length): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.of(command, family, length >> 8, length & 0xff), content]);
}

function extension(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type, value.length >> 8, value.length & 0xff), value]);
}

/** The header with the checksum that it should have, in an extension behind the others. */
function checksummed(family: number, content: Buffer): Buffer {
  const header = binary(0x21, family, Buffer.concat([content, extension(3, Buffer.alloc(4))]));
  header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}

const text = (line: string): ProxyRead => readProxyHeader(Buffer.from(line, 'latin1'));
const reasonOf = (read: ProxyRead): string => (read.kind === 'malformed' ? read.reason : read.kind);

function headerOf(read: ProxyRead): unknown {
  return read.kind === 'header' ? read.header : read;
}

test('readProxyHeader() reads the address and port of the client from a line of version 1', () => {
  const read = text('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET /');
  assert.deepEqual(headerOf(read), { kind: 'proxied', address: '192.0.2.1', port: 56324 });
  assert.equal(read.kind === 'header' ? String(read.rest) : '', 'GET /');
});

test('readProxyHeader() reads the longest line of version 1', () => {
  const address = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
  const line = `PROXY TCP6 ${address} ${address} 65535 65535\r\n`;
  assert.deepEqual(headerOf(text(line)), { kind: 'proxied', address, port: 65535 });
  // The specification's worst case has a longer word.
  const longest = `PROXY UNKNOWN ${address} ${address} 65535 65535\r\n`;
  assert.equal(longest.length, 107);
  assert.deepEqual(headerOf(text(longest)), { kind: 'local' });
});

test('readProxyHeader() spells addresses as a socket does', () => {
  const address = (source: string): unknown => headerOf(text(`PROXY TCP6 ${source} ::1 1 2\r\n`));
  assert.deepEqual(address('2001:DB8:0:0:0:0:0:1'), { kind: 'proxied', address: '2001:db8::1', port: 1 });
  assert.deepEqual(address('::FFFF:192.0.2.1'), { kind: 'proxied', address: '192.0.2.1', port: 1 });
  assert.deepEqual(address('::ffff:c000:201'), { kind: 'proxied', address: '192.0.2.1', port: 1 });
});

test('readProxyHeader() takes the word UNKNOWN for a peer that speaks for itself, whatever follows', () => {
  assert.deepEqual(headerOf(text('PROXY UNKNOWN\r\n')), { kind: 'local' });
  assert.deepEqual(headerOf(text('PROXY UNKNOWN what ever 1\r\n')), { kind: 'local' });
});

const badLines: readonly (readonly [string, string, string])[] = [
  ['another family', 'PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n', 'line-malformed'],
  ['a family in lower case', 'PROXY tcp4 192.0.2.1 198.51.100.1 1 2\r\n', 'line-malformed'],
  ['two spaces', 'PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n', 'line-malformed'],
  ['a space at the end', 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n', 'line-malformed'],
  ['a tab', 'PROXY TCP4 192.0.2.1\t198.51.100.1 1 2\r\n', 'line-malformed'],
  ['a line that ends with LF alone', 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n', 'line-malformed'],
  ['a CR within', 'PROXY TCP4 192.0.2.1 198.51.100.1 1\r2\r\n', 'line-malformed'],
  ['a missing port', 'PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n', 'line-malformed'],
  ['one word too many', 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n', 'line-malformed'],
  ['a port above 65535', 'PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n', 'line-malformed'],
  ['a port with a leading zero', 'PROXY TCP4 192.0.2.1 198.51.100.1 080 2\r\n', 'line-malformed'],
  ['a signed port', 'PROXY TCP4 192.0.2.1 198.51.100.1 +80 2\r\n', 'line-malformed'],
  ['a destination port that is no number', 'PROXY TCP4 192.0.2.1 198.51.100.1 1 x\r\n', 'line-malformed'],
  ['no family', 'PROXY \r\n', 'line-malformed'],
  ['an address of the other family', 'PROXY TCP4 ::1 198.51.100.1 1 2\r\n', 'address-malformed'],
  ['a destination of the other family', 'PROXY TCP6 ::1 198.51.100.1 1 2\r\n', 'address-malformed'],
  ['an address with a leading zero', 'PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n', 'address-malformed'],
  ['an address with a zone', 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n', 'address-malformed'],
  ['a name', 'PROXY TCP4 localhost 198.51.100.1 1 2\r\n', 'address-malformed'],
  ['a line without an end', `PROXY UNKNOWN ${'x'.repeat(93)}`, 'too-long'],
  ['a line one byte too long', `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`, 'too-long'],
  ['HTTP', 'GET / HTTP/1.1\r\n', 'signature'],
  ['a word in lower case', 'proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n', 'signature'],
  ['TLS', '\x16\x03\x01', 'signature'],
];

for (const [name, line, reason] of badLines)
  test(`readProxyHeader() refuses ${name}`, () => assert.equal(reasonOf(text(line)), reason));

test('readProxyHeader() reads the address and port of the client from a header of version 2', () => {
  const read = readProxyHeader(Buffer.concat([binary(0x21, 0x11, V4), Buffer.from('\x16\x03')]));
  assert.deepEqual(headerOf(read), { kind: 'proxied', address: '192.0.2.1', port: 56324 });
  assert.equal(read.kind === 'header' ? read.rest.toString('latin1') : '', '\x16\x03');
  assert.deepEqual(headerOf(readProxyHeader(binary(0x21, 0x21, V6))), {
    kind: 'proxied',
    address: '2001:db8::1',
    port: 56324,
  });
});

test('readProxyHeader() writes an IPv4-mapped address of version 2 as IPv4', () => {
  const mapped = Buffer.from(V6);
  mapped.set(Buffer.from('00000000000000000000ffffc0000201', 'hex'));
  assert.deepEqual(headerOf(readProxyHeader(binary(0x21, 0x21, mapped))), {
    kind: 'proxied',
    address: '192.0.2.1',
    port: 56324,
  });
});

test('readProxyHeader() skips extensions, an authority and a TLS one among them', () => {
  const content = Buffer.concat([
    V4,
    extension(2, Buffer.from('app.example')),
    extension(0x20, Buffer.alloc(40)),
    extension(4, Buffer.alloc(0)),
  ]);
  assert.equal(readProxyHeader(binary(0x21, 0x11, content)).kind, 'header');
});

test('readProxyHeader() skips whatever a LOCAL header carries', () => {
  for (const content of [Buffer.alloc(0), V4, Buffer.of(1, 2, 3)])
    assert.deepEqual(headerOf(readProxyHeader(binary(0x20, 0x31, content))), { kind: 'local' });
  assert.deepEqual(headerOf(readProxyHeader(binary(0x21, 0x00, Buffer.of(1)))), { kind: 'local' });
});

test('readProxyHeader() takes a right checksum, and refuses a header in which any bit is another', () => {
  const good = checksummed(0x21, V6);
  assert.equal(readProxyHeader(good).kind, 'header');
  for (let bit = 0; bit < 8 * good.length; bit++) {
    const bad = Buffer.from(good);
    bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
    const { kind } = readProxyHeader(bad);
    // One bit makes it a LOCAL header, which has no checksum to be kept; another type hides the checksum's own.
    const unprotected = bit === 8 * 12 || bit >> 3 === good.length - 7;
    if (!unprotected) assert.notEqual(kind, 'header', `bit ${bit}`);
  }
});

const badBinaries: readonly (readonly [string, Buffer, string])[] = [
  ['version 1 in a binary header', binary(0x11, 0x11, V4), 'version'],
  ['version 3', binary(0x31, 0x11, V4), 'version'],
  ['an unknown command', binary(0x22, 0x11, V4), 'command'],
  ['UDP', binary(0x21, 0x12, V4), 'family-not-served'],
  ['a Unix socket', binary(0x21, 0x31, Buffer.alloc(216)), 'family-not-served'],
  ['an unknown family', binary(0x21, 0x41, V4), 'family-not-served'],
  ['a transport without a family', binary(0x21, 0x01, V4), 'family-not-served'],
  ['IPv4 addresses that do not fit', binary(0x21, 0x11, V4.subarray(0, 11)), 'length'],
  ['IPv6 addresses that do not fit', binary(0x21, 0x21, V4), 'length'],
  ['more than is ever sent', binary(0x21, 0x11, V4, 4_081), 'too-long'],
  ['half an extension', binary(0x21, 0x11, Buffer.concat([V4, Buffer.of(4, 0)])), 'extension-malformed'],
  [
    'an extension that is longer than its place',
    binary(0x21, 0x11, Buffer.concat([V4, Buffer.of(4, 0, 1)])),
    'extension-malformed',
  ],
  [
    'a checksum of another size',
    binary(0x21, 0x11, Buffer.concat([V4, extension(3, Buffer.alloc(3))])),
    'extension-malformed',
  ],
  ['two checksums', checksummed(0x11, Buffer.concat([V4, extension(3, Buffer.alloc(4))])), 'extension-malformed'],
  ['a wrong checksum', binary(0x21, 0x11, Buffer.concat([V4, extension(3, Buffer.alloc(4))])), 'checksum'],
  ['another signature', Buffer.from('0d0a0d0a000d0a515549540d2111', 'hex'), 'signature'],
];

for (const [name, bytes, reason] of badBinaries)
  test(`readProxyHeader() refuses ${name}`, () => assert.equal(reasonOf(readProxyHeader(bytes)), reason));

test('readProxyHeader() refuses a bad version and a bad family before the rest has come', () => {
  assert.equal(reasonOf(readProxyHeader(Buffer.concat([SIGNATURE, Buffer.of(0x11)]))), 'version');
  assert.equal(reasonOf(readProxyHeader(Buffer.concat([SIGNATURE, Buffer.of(0x21, 0x31)]))), 'family-not-served');
});

/** What ProxyReader says in the end, and how many bytes are left. */
function readPieces(pieces: readonly Buffer[]): unknown {
  const reader = new ProxyReader();
  for (const [i, piece] of pieces.entries()) {
    const read = reader.push(piece);
    // As a reused buffer would.
    if (read.kind === 'more') piece.fill(0xaa);
    else if (read.kind === 'malformed') return read.reason;
    else return [read.header, read.rest.length + Buffer.concat(pieces.slice(i + 1)).length];
  }
  return 'more';
}

const address4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join('.'));
const line = fc
  .record({
    family: fc.constantFrom('TCP4', 'TCP4', 'TCP4', 'TCP6', 'UNKNOWN', 'TCP'),
    a: address4,
    b: address4,
    p: fc.nat(70_000),
    q: fc.nat(66_000),
  })
  .map(({ family, a, b, p, q }) => Buffer.from(`PROXY ${family} ${a} ${b} ${p} ${q}\r\n`));
const header2 = fc
  .record({
    command: fc.constantFrom(0x20, 0x21, 0x21, 0x21, 0x31),
    family: fc.constantFrom(0, 0x11, 0x21, 0x11, 0x21, 0x12),
    extensions: fc.array(fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 30 })), { maxLength: 3 }),
    addresses: fc.constantFrom(V4, V6),
    more: fc.integer({ min: -1, max: 1 }),
  })
  .map(({ command, family, extensions, addresses, more }) => {
    const content = Buffer.concat([
      addresses,
      ...extensions.map(([type, value]) => extension(type, Buffer.from(value))),
    ]);
    return binary(command, family, content, content.length + more);
  });
const damaged = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(bytes, fc.option(fc.tuple(fc.nat(), fc.nat(255))), fc.uint8Array({ maxLength: 40 }))
    .map(([good, damage, rest]) => {
      const bad = Buffer.from(good);
      if (damage !== null) bad[damage[0] % bad.length] = damage[1];
      return Buffer.concat([bad, rest]);
    });

test('ProxyReader reads the same however the bytes were split, and leaves the same rest', () => {
  fc.assert(
    fc.property(damaged(fc.oneof(line, header2)), fc.array(fc.nat(), { maxLength: 10 }), (bytes, cuts) => {
      const whole = readPieces([Buffer.from(bytes)]);
      assert.deepEqual(readPieces(split(Buffer.from(bytes), cuts)), whole);
      assert.deepEqual(readPieces(Array.from(bytes, (byte) => Buffer.of(byte))), whole);
    }),
    { numRuns: 400 },
  );
});

test('readProxyHeader() accepts a line of version 1 only if it can be written back byte for byte', () => {
  fc.assert(
    fc.property(damaged(line), (bytes) => {
      const read = readProxyHeader(bytes);
      if (read.kind !== 'header' || read.header.kind !== 'proxied') return;
      const words = bytes
        .subarray(0, bytes.length - read.rest.length)
        .toString('latin1')
        .split(' ');
      if (words[1] !== 'TCP4') return;
      const { address, port } = read.header;
      const [, , , destination, , last] = words;
      assert.equal(
        words.join(' '),
        `PROXY TCP4 ${address} ${destination} ${port} ${Number.parseInt(last ?? '', 10)}\r\n`,
      );
    }),
    { numRuns: 2_000 },
  );
});
