import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { encodeKeytab, type KeytabEntry, KeytabError, readKeytabFile } from './keytab-file.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Written by ktutil of MIT Kerberos 1.20: four keys of HTTP/app.corp.example (kvno 2 and 300) and one of alice. */
const ktutilFile = hex(
  '0502' +
    '000000590002000c434f52502e4558414d504c4500044854545000106170702e636f72702e6578616d706c65000000016b02cdf30200120020cdbd855f950f29b9189f7431b24f11694607277b2b236fb5ed0d132a9d17a43a00000002' +
    '000000490002000c434f52502e4558414d504c4500044854545000106170702e636f72702e6578616d706c65000000016b02cdf302001100108e3de43f86adb6e4ed3fe95cdefff0e100000002' +
    '000000590002000c434f52502e4558414d504c4500044854545000106170702e636f72702e6578616d706c65000000016b02cdf32c001400200b0be6cbcd0dce8abbbbe641e2f667b8b5e3df14feef886e5114ab356cd6bd600000012c' +
    '000000490002000c434f52502e4558414d504c4500044854545000106170702e636f72702e6578616d706c65000000016b02cdf30200170010ed50bdc9faa370e31ac4ee119fd51f4800000002' +
    '000000380001000c434f52502e4558414d504c450005616c696365000000016b02cdf30100130010cb66f0e1256672225d0e00cf5429826c00000001',
);

const http = { principal: 'HTTP/app.corp.example', realm: 'CORP.EXAMPLE', nameType: 1, timestamp: 1795345907 };
const ktutilEntries = [
  {
    ...http,
    kvno: 2,
    etype: 18,
    key: 'cdbd855f950f29b9189f7431b24f11694607277b2b236fb5ed0d132a9d17a43a',
  },
  { ...http, kvno: 2, etype: 17, key: '8e3de43f86adb6e4ed3fe95cdefff0e1' },
  {
    ...http,
    kvno: 300,
    etype: 20,
    key: '0b0be6cbcd0dce8abbbbe641e2f667b8b5e3df14feef886e5114ab356cd6bd60',
  },
  { ...http, kvno: 2, etype: 23, key: 'ed50bdc9faa370e31ac4ee119fd51f48' },
  { ...http, principal: 'alice', kvno: 1, etype: 19, key: 'cb66f0e1256672225d0e00cf5429826c' },
];

const entry: KeytabEntry = {
  principal: 'HTTP/a',
  realm: 'R',
  nameType: 1,
  timestamp: 5,
  kvno: 3,
  etype: 17,
  key: new Uint8Array(16).fill(0xcc),
};
const plainKey = (read: KeytabEntry): object => ({ ...read, key: Buffer.from(read.key).toString('hex') });

/** The fields of `entry` by hand: what comes before the key version, from there to the key, and what may follow. */
const name = '0002 0001 52 0004 48545450 0001 61';
const beforeVersion = `${name} 00000001 00000005`;
const key17 = `0011 0010 ${'cc'.repeat(16)}`;
const file = (...entries: readonly string[]): Buffer =>
  Buffer.concat([hex('0502'), ...entries.flatMap((text) => [size(hex(text).length), hex(text)])]);
function size(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(length);
  return bytes;
}

test('readKeytabFile() reads what ktutil of MIT Kerberos wrote', () => {
  assert.deepEqual(readKeytabFile(ktutilFile).map(plainKey), ktutilEntries);
});

test('encodeKeytab() writes what ktutil of MIT Kerberos wrote', () => {
  const entries = ktutilEntries.map((read) => ({ ...read, key: hex(read.key) }));
  assert.deepEqual(Buffer.from(encodeKeytab(entries)), ktutilFile);
});

test('readKeytabFile() reads an empty list', () => {
  assert.deepEqual(readKeytabFile(hex('0502')), []);
});

const tails = [
  ['nothing, as old programs write it', '', 3],
  ['the version in 32 bits', '00000003', 3],
  ['a version above 255', '00010003', 0x10003],
  ['a version with its highest bit set', '80000003', 0x80000003],
  ['zero bytes, the room of a longer entry that was deleted', '0000000000', 3],
  ['fewer bytes than a version has', '010203', 3],
  ['the version and the flags that Heimdal adds', '0000000300000000', 3],
] as const;

for (const [what, tail, kvno] of tails) {
  test(`readKeytabFile() understands after the key: ${what}`, () => {
    const [read] = readKeytabFile(file(`${beforeVersion} 03 ${key17} ${tail}`));
    assert.deepEqual(read && plainKey(read), plainKey({ ...entry, kvno }));
  });
}

test('readKeytabFile() skips the holes that deleted entries leave', () => {
  const hole = Buffer.concat([size(-7), Buffer.alloc(7, 0xff)]);
  const [one, other] = [encodeKeytab([entry]).subarray(2), encodeKeytab([{ ...entry, kvno: 4 }]).subarray(2)];
  const read = readKeytabFile(Buffer.concat([hex('0502'), hole, one, hole, hole, other, hole]));
  assert.deepEqual(
    read.map(({ kvno }) => kvno),
    [3, 4],
  );
});

test('readKeytabFile() ends at a zero length when only zero bytes follow', () => {
  assert.equal(readKeytabFile(Buffer.concat([encodeKeytab([entry]), Buffer.alloc(11)])).length, 1);
});

test('readKeytabFile() keeps entries of encryption types that nobody here knows', () => {
  const [read] = readKeytabFile(encodeKeytab([{ ...entry, etype: 4711, key: Uint8Array.of(1, 2, 3) }]));
  assert.deepEqual(read && [read.etype, read.key], [4711, Uint8Array.of(1, 2, 3)]);
});

test('readKeytabFile() copies the keys, so that wiping the file does no harm', () => {
  const bytes = Buffer.from(ktutilFile);
  const read = readKeytabFile(bytes);
  bytes.fill(0);
  assert.deepEqual(read.map(plainKey), ktutilEntries);
});

const principals = [
  'alice',
  'HTTP/a',
  'HTTP/a/b',
  'back\\\\slash',
  'one\\/component',
  'a\\@b/c',
  '',
  '/',
  '\ufeffmark',
  'jos\u00e9',
];
for (const principal of principals) {
  test(`encodeKeytab() and readKeytabFile() agree about the principal ${JSON.stringify(principal)}`, () => {
    assert.equal(readKeytabFile(encodeKeytab([{ ...entry, principal }]))[0]?.principal, principal);
  });
}

test('encodeKeytab() refuses what the format cannot express', () => {
  assert.throws(() => encodeKeytab([{ ...entry, realm: 'R'.repeat(0x10000) }]), RangeError);
  assert.throws(() => encodeKeytab([{ ...entry, kvno: -1 }]), RangeError);
});

// Version 1 counts the realm as a component, has no name type, and is in its writer's byte order.
const version1 = [
  ['little-endian', `0501 27000000 0300 0100 52 0400 48545450 0100 61 05000000 03 1100 1000 ${'cc'.repeat(16)}`],
  ['big-endian', `0501 00000027 0003 0001 52 0004 48545450 0001 61 00000005 03 0011 0010 ${'cc'.repeat(16)}`],
] as const;

for (const [order, bytes] of version1) {
  test(`readKeytabFile() reads version 1, ${order}`, () => {
    assert.deepEqual(readKeytabFile(hex(bytes)).map(plainKey), [plainKey({ ...entry, nameType: 0 })]);
  });
}

const good = `${beforeVersion} 03 ${key17}`;
const refused = [
  ['an empty file', hex(''), 0, 'the file does not begin with 05 02 and so is no keytab'],
  ['another kind of file', Buffer.from('-----BEGIN'), 0, 'the file does not begin with 05 02 and so is no keytab'],
  ['a version of the future', hex('0503'), 0, 'the file does not begin with 05 02 and so is no keytab'],
  ['a length that is cut off', hex('0502 0000'), 2, 'entry 1 at byte 2 is longer than the file'],
  ['an entry that is cut off', file(good, good).subarray(0, -1), 49, 'entry 2 at byte 49 is longer than the file'],
  [
    'a hole that is cut off',
    Buffer.concat([hex('0502'), size(-5), hex('00000000')]),
    2,
    'entry 1 at byte 2 is longer than the file',
  ],
  ['the most negative length', hex('0502 80000000 00'), 2, 'entry 1 at byte 2 is longer than the file'],
  ['data behind the end of the list', hex('0502 00000000 01'), 2, 'entry 1 at byte 2 follows the end of the list'],
  ['an entry without content', file('00'), 6, 'entry 1 at byte 2 ends within its component count'],
  ['an entry that ends within its realm', file('0001 0005 52'), 10, 'entry 1 at byte 2 ends within its realm'],
  ['an entry that ends within its key', file(good.slice(0, -2)), 33, 'entry 1 at byte 2 ends within its key'],
  [
    'a field that runs into the next entry',
    file('0001 0001 52 0010 61', good),
    13,
    'entry 1 at byte 2 ends within its name',
  ],
  ['a principal without a name', file('0000 0001 52'), 8, 'entry 1 at byte 2 has 0 name components'],
  ['a principal of 17 components', file('0011 0001 52'), 8, 'entry 1 at byte 2 has 17 name components'],
  ['a name that is not UTF-8', file(good.replace('61', 'ff')), 20, 'entry 1 at byte 2 has a name that is not UTF-8'],
  [
    'a line break in a realm',
    file(good.replace('52', '0a')),
    11,
    'entry 1 at byte 2 has a control character in its realm',
  ],
  [
    'a name longer than any in use',
    file(`0001 0001 52 0401 ${'61'.repeat(1025)}`),
    1038,
    'entry 1 at byte 2 has a name of more than 1024 bytes',
  ],
  [
    'a key that does not fit its encryption type',
    file(good.replace('0011', '0012')),
    49,
    'entry 1 at byte 2 has a key of 16 bytes where aes256-cts-hmac-sha1-96 has 32',
  ],
  [
    'two versions that contradict each other',
    file(`${good} 00000104`),
    53,
    'entry 1 at byte 2 has two key versions that contradict each other',
  ],
] as const;

for (const [what, bytes, offset, message] of refused) {
  test(`readKeytabFile() refuses ${what}, and says where`, () => {
    assert.throws(() => readKeytabFile(bytes), {
      name: 'KeytabError',
      message: `Cannot read keytab: ${message}`,
      offset,
    });
  });
}

test('readKeytabFile() refuses a file larger than 16 MiB', () => {
  assert.throws(() => readKeytabFile(new Uint8Array(16 * 1024 * 1024 + 1)), { message: /larger than 16 MiB/ });
});

/**
 * An independent reading of a version 2 file: no holes, no end mark, and after every key the 32-bit version.
 * It takes the structure for granted, since it is used on accepted files only.
 */
function canonical(bytes: Buffer): Buffer {
  const parts = [bytes.subarray(0, 2)];
  for (let at = 2; at < bytes.length && bytes.readInt32BE(at) !== 0; at += 4 + Math.abs(bytes.readInt32BE(at))) {
    const length = bytes.readInt32BE(at);
    if (length < 0) continue;
    const body = bytes.subarray(at + 4, at + 4 + length);
    let end = 2;
    for (let texts = 1 + body.readUInt16BE(0); texts > 0; texts--) end += 2 + body.readUInt16BE(end);
    const version = end + 8;
    end = version + 3;
    end += 2 + body.readUInt16BE(end);
    const long = body.length - end >= 4 ? body.readUInt32BE(end) : 0;
    const kvno = Buffer.alloc(4);
    kvno.writeUInt32BE(long === 0 ? body.readUInt8(version) : long);
    parts.push(size(end + 4), body.subarray(0, end), kvno);
  }
  return Buffer.concat(parts);
}

const text = fc
  .array(fc.constantFrom('HTTP', 'a.corp.example', '/', '@', '\\', '\ufeff', '\u00e9', '\u{1d11e}', 'R'), {
    maxLength: 4,
  })
  .map((pieces) => pieces.join(''));
const anyEntry: fc.Arbitrary<KeytabEntry> = fc.record(
  {
    principal: fc
      .array(text, { minLength: 1, maxLength: 4 })
      .map((components) => components.map((part) => part.replace(/[\\/@]/g, '\\$&')).join('/')),
    realm: text,
    nameType: fc.constantFrom(0, 1, 2, 3, 10, -128, 0x7fffffff, -0x80000000),
    timestamp: fc.nat(0xffffffff),
    kvno: fc.oneof(fc.nat(3), fc.nat(0xffffffff)),
    etype: fc.constantFrom(17, 23, 1, 0xffff),
    key: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  },
  { noNullPrototype: true },
);

/** One entry in the file, with what may end it, the hole behind it, and a length that may be wrong. */
interface Piece {
  readonly entry: KeytabEntry;
  readonly tail: 'kvno32' | 'none' | 'zero' | 'flags' | 'wrong';
  readonly hole: number;
  readonly lengthOff: number;
}

const piece: fc.Arbitrary<Piece> = fc.record({
  entry: anyEntry,
  tail: fc.constantFrom('kvno32', 'kvno32', 'none', 'zero', 'flags', 'wrong'),
  hole: fc.constantFrom(0, 0, 0, 1, 6),
  lengthOff: fc.constantFrom(0, 0, 0, 0, 0, 0, -4, -1, 1, 40),
});

function writePiece({ entry: written, tail, hole, lengthOff }: Piece): Buffer {
  const whole = Buffer.from(encodeKeytab([written])).subarray(6);
  const version = whole.subarray(-4);
  const tailBytes = {
    kvno32: version,
    none: hex(''),
    zero: hex('0000000000'),
    flags: Buffer.concat([version, hex('00000001')]),
    wrong: hex('00000a07'),
  }[tail];
  const body = Buffer.concat([whole.subarray(0, -4), tailBytes]);
  const gap = hole === 0 ? hex('') : Buffer.concat([size(-hole), Buffer.alloc(hole, 7)]);
  return Buffer.concat([size(body.length + lengthOff), body, gap]);
}

const edit = fc.record({ at: fc.nat(), byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 0xff)) });
const numRuns = Number(process.env['CARDEA_FUZZ_RUNS'] ?? 4000);

function acceptsOnlyWhatItWritesBack(bytes: Buffer): void {
  let entries: readonly KeytabEntry[];
  try {
    entries = readKeytabFile(bytes);
  } catch (error) {
    assert.ok(error instanceof KeytabError, String(error));
    return;
  }
  if (bytes[1] === 2) assert.deepEqual(Buffer.from(encodeKeytab(entries)), canonical(bytes));
}

test('readKeytabFile() accepts only what encodes to the same bytes again (fuzz: structure)', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) =>
      acceptsOnlyWhatItWritesBack(Buffer.concat([hex('0502'), ...pieces.map(writePiece)])),
    ),
    { numRuns },
  );
});

test('readKeytabFile() accepts only what encodes to the same bytes again (fuzz: edited and truncated bytes)', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 3 }), fc.array(edit, { maxLength: 3 }), fc.nat(), (pieces, edits, cut) => {
      const bytes = Buffer.concat([hex('0502'), ...pieces.map(writePiece)]);
      for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
      acceptsOnlyWhatItWritesBack(cut % 4 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes);
    }),
    { numRuns },
  );
});

test('readKeytabFile() reads back whatever encodeKeytab() writes (fuzz)', () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 4 }), (entries) => {
      assert.deepEqual(readKeytabFile(encodeKeytab(entries)), entries);
    }),
    { numRuns },
  );
});
