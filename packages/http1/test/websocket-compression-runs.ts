/**
 * Conversations of two endpoints that compress (RFC 7692): what is said, and how it was agreed to compress it.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { PerMessageDeflateOptions } from 'ws';
import type { Section } from './websocket-cases.ts';

export interface CompressionRun {
  readonly section: Section;
  readonly name: string;
  readonly client: PerMessageDeflateOptions;
  readonly server: PerMessageDeflateOptions;
  /** Instead of what the client would offer. */
  readonly offer?: string;
  readonly content: (bytes: number, nth: number) => Buffer;
}

/** Of the messages of one conversation, in this order. */
export const messageSizes: readonly number[] = [16, 64, 256, 1_024, 4_096, 8_192, 16_384, 32_768, 131_072];

const repeated = (text: string, bytes: number, from: number): Buffer =>
  Buffer.from(text.repeat(Math.ceil((bytes + from) / text.length)).slice(from, from + bytes), 'latin1');

/** The same noise every time. */
function noise(bytes: number, seed: number): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 64 < bytes; i++) parts.push(createHash('sha512').update(`${seed} ${i}`).digest());
  return Buffer.concat(parts).subarray(0, bytes);
}

const record =
  '{"id":4711,"name":"Alice Smith","groups":["team-ai","dep1"],"from":"2026-11-22T10:00:00Z","value":3.1416},';
const prose =
  'Whoever looks back at what was said before says less, and whoever has forgotten it must say it all again. ';

const contents: readonly (readonly [name: string, content: CompressionRun['content']])[] = [
  ['records', (bytes, nth) => repeated(record, bytes, nth % record.length)],
  ['prose', (bytes, nth) => repeated(prose, bytes, nth % prose.length)],
  ['noise', noise],
  ['one byte again and again', (bytes, nth) => Buffer.alloc(bytes, 97 + (nth % 3))],
  [
    'records with noise between',
    (bytes, nth) => Buffer.concat([noise(bytes >> 1, nth), repeated(record, bytes - (bytes >> 1), nth)]),
  ],
];

const [[, plain]] = contents as readonly [(typeof contents)[number]];
const forgetful = { clientNoContextTakeover: true, serverNoContextTakeover: true };

const parameters: readonly (readonly [
  name: string,
  client: PerMessageDeflateOptions,
  server: PerMessageDeflateOptions,
])[] = [
  ['contexts that are kept', {}, {}],
  ['a server that forgets its context', { serverNoContextTakeover: true }, {}],
  ['a client that forgets its context', {}, { clientNoContextTakeover: true }],
  ['both forget their contexts', forgetful, forgetful],
  ...([9, 10, 12, 15] as const).flatMap((bits): (typeof parameters)[number][] => [
    [`a window of ${bits} bits for the server`, { serverMaxWindowBits: bits }, {}],
    [`a window of ${bits} bits for the client`, { clientMaxWindowBits: bits }, { clientMaxWindowBits: bits }],
    [
      `windows of ${bits} bits and forgotten contexts`,
      { ...forgetful, serverMaxWindowBits: bits },
      { ...forgetful, clientMaxWindowBits: bits },
    ],
  ]),
  ['no compression by the server, which says so', {}, { threshold: 1_000_000 }],
];

/** All of them. */
export const compressionRuns: readonly CompressionRun[] = [
  ...contents.map(([name, content]): CompressionRun => ({ section: 12, name, client: {}, server: {}, content })),
  ...parameters.flatMap(([name, client, server]) =>
    contents
      .filter(([, content], i) => content === plain || i === 4)
      .map(([kind, content]): CompressionRun => ({ section: 13, name: `${name}: ${kind}`, client, server, content })),
  ),
  {
    section: 13,
    name: 'several offers, of which the second one is taken',
    client: {},
    server: { serverMaxWindowBits: 10 },
    offer:
      'permessage-deflate; server_max_window_bits=9; client_max_window_bits, permessage-deflate; server_max_window_bits=10, permessage-deflate',
    content: plain,
  },
];
