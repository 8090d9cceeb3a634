/**
 * What a WebSocket endpoint can be sent: the rules of RFC 6455 and RFC 7692, kept and broken, in the order of the public
 * Autobahn suite's sections. A tunnel has to make no difference to any of it.
 *
 * @module
 */
import { deflateRawSync, constants as zlib } from 'node:zlib';
import { frame, type TestFrame } from '../src/websocket-testing.ts';

export interface WebSocketCase {
  /** Of the Autobahn suite. */
  readonly section: Section;
  readonly name: string;
  /** Sent one after the other, each in a packet of its own as far as that can be had. */
  readonly pieces: readonly Uint8Array[];
  /** Offered in the handshake. */
  readonly extension?: string;
}

/** Sections of the Autobahn suite: see `websocket-sections.ts`. */
export type Section = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 9 | 10 | 12 | 13;

/** A case before its place in the suite is known. */
type Unplaced = Omit<WebSocketCase, 'section'>;

const MASK = Buffer.from('5ac31f88', 'hex');
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** A frame of a client. */
const sent = (opcode: number, payload: string | Uint8Array = '', rest: Partial<TestFrame> = {}): Buffer =>
  frame({ opcode, payload: Buffer.from(payload), mask: MASK, ...rest });
const part = (opcode: number, payload: string | Uint8Array): Buffer => sent(opcode, payload, { fin: false });
const code = (value: number, reason: string | Uint8Array = ''): Buffer =>
  Buffer.concat([Buffer.of(value >> 8, value & 0xff), Buffer.from(reason)]);
const bytewise = (bytes: Buffer): Buffer[] => Array.from(bytes, (byte) => Buffer.of(byte));
const together = (...frames: readonly Buffer[]): Buffer[] => [Buffer.concat(frames)];
const one = (name: string, ...pieces: readonly Uint8Array[]): Unplaced => ({ name, pieces });
/** As Autobahn sends its sequences: each frame in a packet, all in one, and byte by byte. */
const everyWay = (name: string, ...frames: readonly Buffer[]): Unplaced[] => [
  one(`${name}, frame by frame`, ...frames),
  one(`${name}, in one packet`, ...together(...frames)),
  one(`${name}, byte by byte`, ...bytewise(Buffer.concat(frames))),
];

const sizes = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 1_000_000];

const framing: readonly Unplaced[] = [
  ...sizes.flatMap((size) => [
    one(`text of ${size} bytes`, sent(TEXT, '*'.repeat(size))),
    one(`binary of ${size} bytes`, sent(BINARY, Buffer.alloc(size, 0xfe))),
  ]),
  one('text in packets of one byte', ...bytewise(sent(TEXT, '*'.repeat(300)))),
  one('text without content, byte by byte', ...bytewise(sent(TEXT))),
  one('a length in more bytes than needed', sent(BINARY, 'short', { lengthBytes: 8 })),
  one('a length above 2^63', Buffer.from('82ffffffffffffffffff5ac31f88', 'hex')),
  one('no mask', sent(TEXT, 'unmasked', { mask: undefined })),
  one('a mask of zeros', sent(TEXT, 'plain', { mask: Buffer.alloc(4) })),
];

const pings: readonly Unplaced[] = [
  one('ping without content', sent(PING)),
  one('ping with content', sent(PING, 'are you there')),
  one('ping with bytes', sent(PING, Buffer.from('00fffefd', 'hex'))),
  one('ping of 125 bytes', sent(PING, Buffer.alloc(125, 0xfe))),
  one('ping of 126 bytes', sent(PING, Buffer.alloc(126, 0xfe))),
  one('ping of 125 bytes, byte by byte', ...bytewise(sent(PING, Buffer.alloc(125, 0xfe)))),
  one('pong that nobody asked for', sent(PONG), sent(PONG, 'unasked'), sent(PING, 'asked')),
  one('ten pings', ...Array.from({ length: 10 }, (_, i) => sent(PING, `ping ${i}`))),
  one('ten pings in one packet', ...together(...Array.from({ length: 10 }, (_, i) => sent(PING, `ping ${i}`)))),
];

const reserved: readonly Unplaced[] = [1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [
  one(`reserved bits ${bits} in text`, sent(TEXT, 'before'), sent(TEXT, 'reserved', { reserved: bits })),
  one(`reserved bits ${bits} in a ping`, sent(PING, 'reserved', { reserved: bits })),
  one(`reserved bits ${bits} in a close`, sent(CLOSE, code(1000), { reserved: bits })),
]);

const opcodes: readonly Unplaced[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
  one(`reserved opcode ${opcode}`, sent(TEXT, 'before'), sent(opcode, 'reserved'), sent(PING)),
  one(`reserved opcode ${opcode} without content`, sent(opcode), sent(PING)),
]);

const fragments: readonly Unplaced[] = [
  one('ping in fragments', part(PING, 'frag'), sent(0, 'ment')),
  one('text in two fragments', part(TEXT, 'frag'), sent(0, 'ment')),
  one('text in two fragments of one packet', ...together(part(TEXT, 'frag'), sent(0, 'ment'))),
  one('text in fragments without content', part(TEXT, ''), part(0, ''), sent(0, '')),
  one('text in fragments, all but the middle one empty', part(TEXT, ''), part(0, 'middle'), sent(0, '')),
  one('a ping between two fragments', part(TEXT, 'frag'), sent(PING, 'ping'), sent(0, 'ment')),
  one(
    'a ping between two fragments, byte by byte',
    ...bytewise(Buffer.concat([part(TEXT, 'frag'), sent(PING, 'ping'), sent(0, 'ment')])),
  ),
  one(
    'pings between many fragments',
    part(TEXT, 'a'),
    sent(PING, '1'),
    part(0, 'b'),
    sent(PING, '2'),
    sent(PONG),
    sent(0, 'c'),
  ),
  one('a close between two fragments', part(TEXT, 'frag'), sent(CLOSE, code(1000, 'enough')), sent(0, 'ment')),
  one('a continuation of nothing', sent(0, 'what'), sent(TEXT, 'text')),
  one('an unfinished continuation of nothing', part(0, 'what'), sent(TEXT, 'text')),
  one('a continuation after the end', part(TEXT, 'frag'), sent(0, 'ment'), sent(0, 'more')),
  one('text within fragments', part(TEXT, 'frag'), sent(TEXT, 'text'), sent(0, 'ment')),
  one('pong in fragments', part(PONG, 'frag'), sent(0, 'ment')),
  ...everyWay('two fragments', part(TEXT, 'frag'), sent(0, 'ment')),
  ...everyWay('a ping with content between two fragments', part(TEXT, 'frag'), sent(PING, 'ping'), sent(0, 'ment')),
  ...everyWay('a continuation of nothing, then text', sent(0, 'what'), sent(TEXT, 'text')),
  ...everyWay('an unfinished continuation of nothing, then text', part(0, 'what'), sent(TEXT, 'text')),
  ...everyWay(
    'text in five fragments and pings',
    part(TEXT, '1'),
    part(0, '2'),
    sent(PING, 'a'),
    part(0, '3'),
    part(0, '4'),
    sent(PING, 'b'),
    sent(0, '5'),
  ),
  ...everyWay('a message that begins within another', part(TEXT, 'one'), part(TEXT, 'two'), sent(0, 'three')),
  ...everyWay('two messages in fragments', part(TEXT, 'a'), sent(0, 'b'), part(BINARY, 'c'), sent(0, 'd')),
  one('a hundred fragments', part(TEXT, '0'), ...Array.from({ length: 98 }, (_, i) => part(0, `${i}`)), sent(0, 'end')),
];

const utf8: readonly Unplaced[] = [
  one('valid UTF-8', sent(TEXT, 'Hello-µ@ßöäüàá-UTF-8!! κόσμε 🦊')),
  one('UTF-8 split within a character', part(TEXT, Buffer.from('ce', 'hex')), sent(0, Buffer.from('ba', 'hex'))),
  one(
    'UTF-8 byte by byte in fragments',
    part(TEXT, ''),
    ...Array.from(Buffer.from('κόσμε🦊'), (byte) => part(0, Buffer.of(byte))),
    sent(0),
  ),
  ...[
    ['an overlong slash', 'c0af'],
    ['an overlong NUL', 'e08080'],
    ['a surrogate', 'eda080'],
    ['beyond U+10FFFF', 'f4908080'],
    ['a lone continuation', '80'],
    ['an unfinished character', 'cebae1bdb9cf83cebce1'],
    ['FE', 'fe'],
    ['five bytes', 'f888808080'],
    ['U+FFFF', 'efbfbf'],
    ['the last one', 'f48fbfbf'],
  ].map(([name = '', hex = '']) => one(`UTF-8: ${name}`, sent(TEXT, Buffer.from(hex, 'hex')))),
  one('invalid UTF-8 in the second fragment', part(TEXT, 'good'), sent(0, Buffer.of(0xff)), sent(TEXT, 'late')),
  one('invalid UTF-8 as binary', sent(BINARY, Buffer.of(0xff, 0xc0))),
];

/** What Markus Kuhn's stress test for decoders has, and Unicode's rules (section 3.9) besides. */
const sequences: Readonly<Record<string, readonly string[]>> = {
  'the first of its length': ['00', 'c280', 'e0a080', 'f0908080', 'f888808080', 'fc8480808080'],
  'the last of its length': ['7f', 'dfbf', 'efbfbf', 'f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf'],
  'at a border': ['ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf', 'f4908080'],
  'continuations alone': ['80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf', hexOf(0x80, 0xbf)],
  'beginnings alone': [
    spaced(0xc0, 0xdf),
    spaced(0xe0, 0xef),
    spaced(0xf0, 0xf7),
    spaced(0xf8, 0xfb),
    spaced(0xfc, 0xfd),
  ],
  'cut off': [
    'c0',
    'e080',
    'f08080',
    'f8808080',
    'fc80808080',
    'df',
    'efbf',
    'f7bfbf',
    'fbbfbfbf',
    'fdbfbfbfbf',
    'c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf',
  ],
  impossible: ['fe', 'ff', 'fefeffff'],
  overlong: ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af'],
  'overlong at most': ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf'],
  'overlong zero': ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080'],
  'a surrogate': ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf'],
  'a pair of surrogates': [
    'eda080edb080',
    'eda080edbfbf',
    'edadbfedb080',
    'edadbfedbfbf',
    'edae80edb080',
    'edae80edbfbf',
    'edafbfedb080',
    'edafbfedbfbf',
  ],
  'no character, and valid': Array.from({ length: 17 }, (_, plane) =>
    [0xfffe, 0xffff].map((code) => plane * 0x10000 + code),
  )
    .flat()
    .map((point) => Buffer.from(String.fromCodePoint(point)).toString('hex')),
  special: ['efbfb9', 'efbfba', 'efbfbb', 'efbfbc', 'efbfbd'],
};

function hexOf(first: number, last: number): string {
  return Buffer.from(Array.from({ length: last - first + 1 }, (_, i) => first + i)).toString('hex');
}

function spaced(first: number, last: number): string {
  return Buffer.from(Array.from({ length: last - first + 1 }, (_, i) => [first + i, 0x20]).flat()).toString('hex');
}

const decoding: readonly Unplaced[] = [
  ...Object.entries(sequences).flatMap(([kind, all]) =>
    all.map((hex) => one(`UTF-8, ${kind}: ${hex.slice(0, 40)}`, sent(TEXT, Buffer.from(hex, 'hex')))),
  ),
  ...Object.entries(sequences).map(([kind, [hex = '']]) =>
    one(
      `UTF-8, ${kind}, in fragments of one byte`,
      part(TEXT, 'κόσμε'),
      ...Array.from(Buffer.from(hex, 'hex'), (byte) => part(0, Buffer.of(byte))),
      sent(0, 'end'),
    ),
  ),
  ...everyWay(
    'UTF-8 that goes wrong long before the end',
    part(TEXT, 'κόσμε'),
    part(0, Buffer.from('f4908080', 'hex')),
    sent(0, '*'.repeat(1_000)),
  ),
  ...everyWay(
    'UTF-8 that goes wrong in the middle of a frame',
    sent(TEXT, Buffer.from('cebae1bdb9f4908080656469746564', 'hex')),
  ),
];

const closes: readonly Unplaced[] = [
  one('close without a code', sent(CLOSE)),
  one('close with half a code', sent(CLOSE, Buffer.of(3))),
  one('close with a reason', sent(CLOSE, code(1000, 'bye'))),
  one('close with a reason of 123 bytes', sent(CLOSE, code(1000, '*'.repeat(123)))),
  one('close with a reason of 124 bytes', sent(CLOSE, code(1000, '*'.repeat(124)))),
  one('close with a reason that is no UTF-8', sent(CLOSE, code(1000, Buffer.from('ceba80', 'hex')))),
  one('text, then close', sent(TEXT, 'hello'), sent(CLOSE, code(1000))),
  one('text behind a close', sent(CLOSE, code(1000)), sent(TEXT, 'late')),
  one('text behind a close in one packet', ...together(sent(CLOSE, code(1000)), sent(TEXT, 'late'))),
  one('two closes', ...together(sent(CLOSE, code(1000)), sent(CLOSE, code(1001)))),
  one('a ping behind a close', ...together(sent(CLOSE, code(1000)), sent(PING, 'late'))),
  one(
    '256 KB, then close, then text',
    sent(TEXT, '*'.repeat(262_144)),
    ...together(sent(CLOSE, code(1000)), sent(TEXT, 'late')),
  ),
  one('an unfinished text, then close', part(TEXT, 'unfinished'), sent(CLOSE, code(1000))),
  one('a close between fragments, then a ping', part(TEXT, 'frag'), ...together(sent(CLOSE, code(1000)), sent(PING))),
  one('close byte by byte', ...bytewise(sent(CLOSE, code(1000, 'slow')))),
  one('a close in fragments', part(CLOSE, code(1000)), sent(0, 'more')),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4401, 4999].map(
    (value) => one(`close with ${value}`, sent(CLOSE, code(value, 'valid'))),
  ),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((value) =>
    one(`close with ${value}, which must not be sent`, sent(CLOSE, code(value))),
  ),
];

const many: readonly Unplaced[] = [
  one('4 MB of text', sent(TEXT, '*'.repeat(4_000_000))),
  one('4 MB of binary', sent(BINARY, Buffer.alloc(4_000_000, 7))),
  one(
    '1 MB in fragments of 4 KB',
    part(BINARY, ''),
    ...Array.from({ length: 250 }, () => part(0, Buffer.alloc(4_096, 9))),
    sent(0),
  ),
  one('1 MB in pieces of 1000 bytes', ...chopped(sent(BINARY, Buffer.alloc(1_000_000, 5)), 1_000)),
  one(
    '1000 messages of 16 bytes',
    ...together(...Array.from({ length: 1_000 }, (_, i) => sent(BINARY, Buffer.alloc(16, i)))),
  ),
];

const KB = 1024;
const MB = 1024 * KB;
const ascii = (size: number): string => 'The quick brown fox. '.repeat(Math.ceil(size / 21)).slice(0, size);

const limits: readonly Unplaced[] = [
  ...[64 * KB, 256 * KB, MB, 4 * MB, 8 * MB, 16 * MB].flatMap((size) => [
    one(`a text of ${size / KB} KB`, sent(TEXT, ascii(size))),
    one(`${size / KB} KB of binary`, sent(BINARY, Buffer.alloc(size, 0xfe))),
  ]),
  one('a byte more than the server takes', sent(BINARY, Buffer.alloc(16 * MB + 1))),
  ...[64, 256, KB, 4 * KB, 16 * KB, 64 * KB, 256 * KB, MB, 4 * MB].flatMap((size) => [
    one(`4 MB of text in fragments of ${size} bytes`, fragmented(TEXT, Buffer.from(ascii(4 * MB)), size)),
    one(`4 MB of binary in fragments of ${size} bytes`, fragmented(BINARY, Buffer.alloc(4 * MB, 0xfe), size)),
  ]),
  ...[64, 128, 256, 512, KB, 2 * KB].flatMap((size) => [
    one(`1 MB of text in packets of ${size} bytes`, ...chopped(sent(TEXT, ascii(MB)), size)),
    one(`1 MB of binary in packets of ${size} bytes`, ...chopped(sent(BINARY, Buffer.alloc(MB, 0xfe)), size)),
  ]),
  ...[0, 16, 64, 256, KB, 4 * KB].flatMap((size) => [
    one(`1000 texts of ${size} bytes`, ...Array.from({ length: 1_000 }, () => sent(TEXT, ascii(size)))),
    one(
      `1000 times ${size} bytes of binary`,
      ...Array.from({ length: 1_000 }, (_, i) => sent(BINARY, Buffer.alloc(size, i))),
    ),
  ]),
];

const automatic: readonly Unplaced[] = [
  one('64 KB of text in fragments of 1300 bytes', fragmented(TEXT, Buffer.from(ascii(64 * KB)), 1_300)),
];

function fragmented(opcode: number, payload: Buffer, size: number): Buffer {
  const parts = chopped(payload, size);
  return Buffer.concat(parts.map((each, i) => sent(i === 0 ? opcode : 0, each, { fin: i === parts.length - 1 })));
}

/** RFC 7692, 7.2.1. */
function deflated(text: string): Buffer {
  return deflateRawSync(text, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4);
}

const compressed = { reserved: 4 };
const letters = 'compressible '.repeat(500);
const half = deflated(letters);

const deflate: readonly Unplaced[] = [
  '',
  '; client_no_context_takeover; server_no_context_takeover',
  '; server_max_window_bits=9',
  '; client_max_window_bits',
].flatMap((parameters): Unplaced[] =>
  [
    one('compressed text', sent(TEXT, deflated(letters), compressed), sent(TEXT, deflated('again'), compressed)),
    one('text left uncompressed', sent(TEXT, 'as it is'), sent(TEXT, deflated(letters), compressed)),
    one('an empty compressed text', sent(TEXT, Buffer.of(0), compressed)),
    one(
      'compressed text in fragments with a ping between',
      sent(TEXT, half.subarray(0, 9), { fin: false, ...compressed }),
      sent(PING, 'ping'),
      sent(0, half.subarray(9)),
    ),
    one('a compressed continuation', part(TEXT, 'x'), sent(0, deflated('y'), compressed)),
    one('a compressed ping', sent(PING, deflated('ping'), compressed)),
    one('what cannot be decompressed', sent(TEXT, Buffer.from('ffffffffff', 'hex'), compressed)),
    one(
      'compressed text that is no UTF-8',
      sent(TEXT, deflateRawSync(Buffer.of(0xff), { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4), compressed),
    ),
    one('1 MB compressed', sent(BINARY, deflated('0123456789'.repeat(100_000)), compressed)),
  ].map((each) => ({
    ...each,
    name: `${each.name} (permessage-deflate${parameters})`,
    extension: `permessage-deflate${parameters}`,
  })),
);

function chopped(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

const placed = (section: Section, cases: readonly Unplaced[]): WebSocketCase[] =>
  cases.map((each) => ({ section, ...each }));

/** All of them. */
export const websocketCases: readonly WebSocketCase[] = [
  ...placed(1, framing),
  ...placed(2, pings),
  ...placed(3, reserved),
  ...placed(4, opcodes),
  ...placed(5, fragments),
  ...placed(6, [...utf8, ...decoding]),
  ...placed(7, closes),
  ...placed(9, [...many, ...limits]),
  ...placed(10, automatic),
  ...placed(13, deflate),
];

/** What a client sends when it is through: a server that still listens answers, and ends. */
export const goodbye: Buffer = sent(CLOSE, code(1000));
