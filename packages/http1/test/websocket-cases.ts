/**
 * What a WebSocket endpoint can be sent: the rules of RFC 6455 and RFC 7692, kept and broken, in the order of the public
 * Autobahn suite's sections. A tunnel has to make no difference to any of it.
 *
 * @module
 */
import { deflateRawSync, constants as zlib } from 'node:zlib';
import { frame, type TestFrame } from '../src/websocket-testing.ts';

export interface WebSocketCase {
  readonly name: string;
  /** Sent one after the other, each in a packet of its own as far as that can be had. */
  readonly pieces: readonly Uint8Array[];
  /** Offered in the handshake. */
  readonly extension?: string;
}

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
const one = (name: string, ...pieces: readonly Uint8Array[]): WebSocketCase => ({ name, pieces });

const sizes = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 1_000_000];

const framing: readonly WebSocketCase[] = [
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

const pings: readonly WebSocketCase[] = [
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

const reserved: readonly WebSocketCase[] = [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [
    one(`reserved bits ${bits} in text`, sent(TEXT, 'before'), sent(TEXT, 'reserved', { reserved: bits })),
    one(`reserved bits ${bits} in a ping`, sent(PING, 'reserved', { reserved: bits })),
    one(`reserved bits ${bits} in a close`, sent(CLOSE, code(1000), { reserved: bits })),
  ]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) =>
    one(`reserved opcode ${opcode}`, sent(TEXT, 'before'), sent(opcode, 'reserved'), sent(PING)),
  ),
];

const fragments: readonly WebSocketCase[] = [
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
  one('a hundred fragments', part(TEXT, '0'), ...Array.from({ length: 98 }, (_, i) => part(0, `${i}`)), sent(0, 'end')),
];

const utf8: readonly WebSocketCase[] = [
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

const closes: readonly WebSocketCase[] = [
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
  one('close byte by byte', ...bytewise(sent(CLOSE, code(1000, 'slow')))),
  one('a close in fragments', part(CLOSE, code(1000)), sent(0, 'more')),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4401, 4999].map(
    (value) => one(`close with ${value}`, sent(CLOSE, code(value, 'valid'))),
  ),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((value) =>
    one(`close with ${value}, which must not be sent`, sent(CLOSE, code(value))),
  ),
];

const many: readonly WebSocketCase[] = [
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

/** RFC 7692, 7.2.1. */
function deflated(text: string): Buffer {
  return deflateRawSync(text, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4);
}

const compressed = { reserved: 4 };
const letters = 'compressible '.repeat(500);
const half = deflated(letters);

const deflate: readonly WebSocketCase[] = [
  '',
  '; client_no_context_takeover; server_no_context_takeover',
  '; server_max_window_bits=9',
  '; client_max_window_bits',
].flatMap((parameters): WebSocketCase[] =>
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

/** All of them. */
export const websocketCases: readonly WebSocketCase[] = [
  ...framing,
  ...pings,
  ...reserved,
  ...fragments,
  ...utf8,
  ...closes,
  ...many,
  ...deflate,
];

/** What a client sends when it is through: a server that still listens answers, and ends. */
export const goodbye: Buffer = sent(CLOSE, code(1000));
