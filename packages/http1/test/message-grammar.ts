/**
 * Messages for fuzzing: mostly right, often wrong in one place, sometimes in several, and always wrong in the ways by
 * which two readers come to disagree.
 *
 * @module
 */
import * as fc from 'fast-check';
import { latin1 } from './transcript.ts';

/** How often a fuzz test runs: the number given, or `CARDEA_FUZZ_RUNS` for a long run by hand. */
export const fuzzRuns = (quick: number): number => Number(process.env['CARDEA_FUZZ_RUNS'] ?? quick);

const often = <T>(usual: T, ...rare: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...rare) });

const lineEnd = fc.oneof(
  { weight: 40, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n', '\n\r\n', ' \r\n', '\r\n ', '\0\r\n', '') },
);

const requestLine = fc
  .tuple(
    often('GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'get', 'FETCH', '', 'G@T', 'M-SEARCH'),
    often(' ', '  ', '\t', ''),
    often('/', '/a?b=c', '*', 'http://a/b', '//', '/\u00e4', '/a b', '/#f', '/|', '', '/\x7f'),
    often(' ', '  ', '\t', ''),
    often(
      'HTTP/1.1',
      'HTTP/1.0',
      'HTTP/1.2',
      'HTTP/0.9',
      'HTTP/2.0',
      'http/1.1',
      'HTTP/1.1 ',
      'HTTP/11',
      'ICE/1.0',
      '',
    ),
  )
  .map((parts) => parts.join(''));

const statusLine = fc
  .tuple(
    often('HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'ICY', 'http/1.1', ''),
    often(' ', '  ', '\t'),
    often('200', '204', '304', '404', '103', '99', '600', '2000', '+20', '20'),
    often(' OK', '', ' ', '  OK', ' \u00e4', '\tOK', ' O\0K'),
  )
  .map((parts) => parts.join(''));

const name = often(
  'X-A',
  'Accept',
  'Cookie',
  'Origin',
  'X-A ',
  ' X-A',
  '',
  'X\u00e4',
  'X:',
  'X_Y',
  'X\0',
  'X"',
  'Content_Length',
);
const value = often(
  '1',
  '',
  'a b',
  ' a ',
  '\ta\t',
  'a:b',
  '\u00e4',
  'a\0',
  'a\x01',
  'a\r\n b',
  'a\x7f',
  '\v',
  '\u00a0a',
);
const colon = often(': ', ':', ' : ', ':\t', ' ', ':: ');

const spelled = (usual: string): fc.Arbitrary<string> =>
  often(usual, usual.toLowerCase(), usual.toUpperCase(), `${usual} `, usual.replaceAll('-', '_'), `\u00a0${usual}`);

const ordinary = fc.tuple(name, colon, value);
const framing = fc.oneof(
  fc.tuple(
    spelled('Content-Length'),
    colon,
    often(
      '3',
      '0',
      '5',
      '03',
      '+3',
      '-3',
      '3, 3',
      '3 3',
      '0x3',
      '3.0',
      '',
      '99999999999999999999',
      '3;',
      '3\t',
      ' 3 ',
      '\u00b3',
    ),
  ),
  fc.tuple(
    spelled('Transfer-Encoding'),
    colon,
    often(
      'chunked',
      'Chunked',
      'chunked, chunked',
      'gzip, chunked',
      'chunked, gzip',
      'identity',
      'xchunked',
      'chunkedx',
      ', chunked',
      'chunked,',
      'chunked;a=b',
      '"chunked"',
      '\vchunked',
      'chunked\u00a0',
      'chunked\t',
      ' \tchunked ',
      '',
    ),
  ),
  fc.tuple(
    fc.constant('Connection'),
    fc.constant(': '),
    often('keep-alive', 'close', 'keep-alive, close', 'Close', 'x', 'a b', '', 'close, ,'),
  ),
  fc.tuple(fc.constant('Expect'), fc.constant(': '), often('100-continue', 'x', '')),
);

const host = fc.oneof(
  { weight: 12, arbitrary: fc.constant([['Host', ': ', 'a']] as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom([], [
      ['Host', ':', 'a'],
      ['host', ': ', 'b'],
    ] as const),
  },
);

const fields = (first: fc.Arbitrary<readonly (readonly string[])[]>): fc.Arbitrary<string> =>
  fc
    .tuple(
      first,
      fc.array(fc.oneof({ weight: 3, arbitrary: ordinary }, { weight: 2, arbitrary: framing }), { maxLength: 4 }),
      fc.array(lineEnd, { minLength: 7, maxLength: 7 }),
    )
    .map(([first, others, ends]) => [...first, ...others].map((parts, i) => parts.join('') + (ends[i] ?? '')).join(''));

const chunk = fc
  .tuple(
    often('3', '03', '0', 'A', 'a', '3 ', ' 3', '+3', '0x3', '3;a', '3;a=b', '3;a="\n"', '', 'g', '10000000000000003'),
    lineEnd,
    often('abc', 'a', 'abcd', '0\r\n', 'ab\n', ''),
    lineEnd,
  )
  .map((parts) => parts.join(''));

const lastChunk = fc
  .tuple(
    often('0', '00', '0;a', '', '0 '),
    lineEnd,
    often('', 'X-T: 1\r\n', 'X-T:1\r\nX-U: 2\r\n', 'X-T : 1\r\n', 'Content-Length: 3\r\n', 'X-T: 1\n', ' X: 1\r\n'),
    lineEnd,
  )
  .map((parts) => parts.join(''));

const content = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 3, arbitrary: fc.constant('abc') },
  { weight: 1, arbitrary: fc.constantFrom('ab', 'abcde', '0\r\n\r\n') },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.array(chunk, { maxLength: 2 }), lastChunk).map(([all, last]) => all.join('') + last),
  },
);

/** A message that agrees with itself, so that many of those behind it are reached. */
const right = fc.constantFrom(
  ['Host: a\r\n', ''],
  ['Host: a\r\nContent-Length: 3\r\n', 'abc'],
  ['Host: a\r\nContent-Length: 0\r\nX: \u00e4\r\n', ''],
  ['Host: a\r\nTransfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'],
  ['Host: a\r\ntransfer-encoding: CHUNKED\r\nX:  y z \r\n', 'a\r\n0123456789\r\n1\r\n\n\r\n0\r\nX-T: 1\r\n\r\n'],
);

const message = (firstLine: fc.Arbitrary<string>, rightLine: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 1,
      arbitrary: fc.tuple(rightLine, right).map(([line, [head, body]]) => `${line}\r\n${head}\r\n${body}`),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(firstLine, lineEnd, fields(host), lineEnd, content).map((parts) => parts.join('')),
    },
  );

/** Bytes put in, taken out or exchanged, where nobody has thought of it. */
function mutated(text: string, [where, what, how]: readonly [number, string, number]): string {
  const at = where % (text.length + 1);
  return text.slice(0, at) + what + text.slice(at + how);
}

const mutation = fc.tuple(
  fc.nat(500),
  fc.constantFrom(
    '',
    '\r',
    '\n',
    '\r\n',
    ' ',
    '\t',
    ':',
    '\0',
    '\x0b',
    '\u0085',
    '\u00ff',
    '0',
    ';',
    ',',
    '\r\n\r\n',
    'G',
  ),
  fc.constantFrom(0, 1, 1, 2),
);

const stream = (one: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      often('', '\r\n', '\r\n\r\n', '\n'),
      fc.array(one, { minLength: 1, maxLength: 3 }),
      fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(mutation, { maxLength: 2 }) },
      ),
    )
    .map(([before, messages, mutations]) => latin1(mutations.reduce(mutated, before + messages.join(''))));

/**
 * Streams of messages whose first lines and whose rests come from a few, so that most rests have been there before. Some
 * have another length than what comes behind them, or make sense with some first lines only.
 */
function repeating(lines: readonly string[], rests: readonly (readonly [head: string, content: string])[]) {
  const few = fc.uniqueArray(fc.constantFrom(...rests), { minLength: 1, maxLength: 2 });
  const messages = few.chain((some) =>
    fc.array(fc.tuple(fc.constantFrom(...lines), fc.constantFrom(...some)), { minLength: 2, maxLength: 5 }),
  );
  const mutations = fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(mutation, { maxLength: 2 }) },
  );
  return fc
    .tuple(messages, mutations)
    .map(([all, changes]) =>
      latin1(
        changes.reduce(mutated, all.map(([line, [head, content]]) => `${line}\r\n${head}\r\n${content}`).join('')),
      ),
    );
}

/** The bytes of several requests on one connection, most of which repeat a field block. */
export const repeatingRequests: fc.Arbitrary<Buffer> = repeating(
  [
    'GET / HTTP/1.1',
    'GET /other?a=b HTTP/1.1',
    'HEAD / HTTP/1.1',
    'POST / HTTP/1.1',
    'GET / HTTP/1.0',
    'CONNECT a:1 HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'GET * HTTP/1.1',
    'get / HTTP/1.1',
    'FETCH / HTTP/1.1',
    'GET /\u00e4 HTTP/1.1',
    'GET / HTTP/1.2',
    'GET  / HTTP/1.1',
    `GET /${'x'.repeat(30)} HTTP/1.1`,
  ],
  [
    ['Host: a\r\n', ''],
    ['Host: a\r\nCookie: \u00e4\r\n', ''],
    ['Host: a\r\nContent-Length: 3\r\n', 'abc'],
    ['Host: a\r\nContent-Length: 3\r\n', 'ab'],
    ['Host: a\r\nContent-Length: 0\r\n', ''],
    ['Host: a\r\nTransfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'],
    ['Host: a\r\nTransfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n'],
    ['Host: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n', 'a'],
    ['Host: a\r\nExpect: 100-continue\r\n', ''],
    ['Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n', ''],
    ['Host: a\r\nConnection: close\r\n', ''],
    ['Connection: keep-alive\r\n', ''],
    ['', ''],
  ],
);

/** The bytes of several responses on one connection, most of which repeat their head. */
export const repeatingResponses: fc.Arbitrary<Buffer> = repeating(
  ['HTTP/1.1 200 OK', 'HTTP/1.1 200 Ok', 'HTTP/1.0 200 OK', 'HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified'],
  [
    ['Content-Length: 3\r\n', 'abc'],
    ['Content-Length: 3\r\n', ''],
    ['Content-Length: 0\r\n', ''],
    ['Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'],
    ['Transfer-Encoding: chunked\r\n', ''],
    ['X: 1\r\n', 'abc'],
    ['', ''],
  ],
);

/** The bytes of up to three requests on one connection. */
export const requests: fc.Arbitrary<Buffer> = stream(
  message(requestLine, fc.constantFrom('GET / HTTP/1.1', 'POST /p HTTP/1.1', 'HEAD /h HTTP/1.1')),
);

/** The bytes of up to three responses on one connection. */
export const responses: fc.Arbitrary<Buffer> = stream(
  message(statusLine, fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.0 404 Not Found', 'HTTP/1.1 100 Continue')),
);
