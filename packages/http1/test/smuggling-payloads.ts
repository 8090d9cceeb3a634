/**
 * Requests with which others have been made to see one where a second one was, by class. Every payload tries to get
 * `GET /smuggled` past somebody. The classes are the published ones; the spellings are our own.
 *
 * @module
 */

/**
 * What an upstream may see of it. `none`: nothing. `cut`: nothing, or a beginning that ends with its connection, as the
 * fault lies in the content. `one`: one request, whole, with this content.
 */
export type Expected = 'none' | 'cut' | { readonly content: string };

export interface Payload {
  readonly name: string;
  readonly bytes: string;
  readonly sees: Expected;
}

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: app\r\n\r\n';
const HIDDEN = `0\r\n\r\n${SMUGGLED}`;
const hex = (text: string): string => text.length.toString(16);
const post = (...lines: readonly string[]): string => ['POST /a HTTP/1.1', 'Host: app', ...lines, '', ''].join('\r\n');
const show = (text: string): string => JSON.stringify(text).slice(1, -1);

/** Spellings of a chunked body which one reader takes for one and another does not. */
const transferEncodings: readonly string[] = [
  'Transfer-Encoding: chunked',
  'transfer-encoding: CHUNKED',
  'Transfer-Encoding:chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: \tchunked\t ',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  ' Transfer-Encoding: chunked',
  '\tTransfer-Encoding: chunked',
  'X: y\n Transfer-Encoding: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'X: y\r\n Transfer-Encoding: chunked',
  'X:\nTransfer-Encoding: chunked',
  'X: y\0\nTransfer-Encoding: chunked',
  'Transfer-Encoding\r\n: chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding: chunked\r\n x',
  'Transfer-Encoding:\n chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunkedx',
  'Transfer-Encoding: x chunked',
  'Transfer-Encoding: chunked x',
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding: [chunked]',
  'Transfer-Encoding: chunked;',
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: , chunked ,',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, gzip',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: cow',
  'Transfer-Encoding:',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: cow',
  'Transfer-Encoding: cow\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\ntransfer-encoding: identity',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding:\x0cchunked',
  'Transfer-Encoding: chunked\x0b',
  'Transfer-Encoding:\0chunked',
  'Transfer-Encoding: chunked\0',
  'Transfer-Encoding\0: chunked',
  'Transfer-Encoding:\x85chunked',
  'Transfer-Encoding:\xa0chunked',
  'Transfer-Encoding: chun\xe2\x84\xaaed',
  'Transfer-Encoding: ch\xc3\xbcnked',
  'Transfer-Encoding: \x7fchunked',
  'Transfer-Encoding: \bchunked',
  'Transfer-Encoding: =?utf-8?q?chunked?=',
  'Transfer_Encoding: chunked',
  'Transfer.Encoding: chunked',
  'Transfer-Encoding\xad: chunked',
  '\x00Transfer-Encoding: chunked',
  ': x\r\nTransfer-Encoding: chunked',
  'Foo\r\nTransfer-Encoding: chunked',
];

/** CL.TE and TE.CL: the one sees a length, the other chunks. Whatever the spelling, nobody is to see either. */
const besides = transferEncodings.flatMap((field): Payload[] => {
  const body = `${hex(SMUGGLED)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;
  return [
    {
      name: `CL.TE with ${show(field)}`,
      bytes: post(`Content-Length: ${HIDDEN.length}`, field) + HIDDEN,
      sees: 'none',
    },
    { name: `TE.CL with ${show(field)}`, bytes: post(field, 'Content-Length: 4') + body, sees: 'none' },
  ];
});

/** The same fields without a length beside them. Three are merely other spellings of the one that everybody knows. */
const alone = transferEncodings.map((field): Payload => {
  const good = /^transfer-encoding: *chunked$/i.test(field);
  const bytes = `${post(field)}5\r\nhello\r\n0\r\n\r\n`;
  return { name: `TE with ${show(field)}`, bytes, sees: good ? { content: 'hello' } : 'none' };
});

const size = SMUGGLED.length;
const contentLengths: readonly string[] = [
  `Content-Length: 0\r\nContent-Length: ${size}`,
  `Content-Length: ${size}\r\nContent-Length: 0`,
  `Content-Length: ${size}\r\nContent-Length: ${size}`,
  `Content-Length: ${size}\r\ncontent-length: 0`,
  `Content-Length: 0, ${size}`,
  `Content-Length: ${size}, ${size}`,
  `Content-Length: ${size},`,
  `Content-Length: ,${size}`,
  `Content-Length: +${size}`,
  `Content-Length: -${size}`,
  'Content-Length: -0',
  'Content-Length: +0',
  `Content-Length: 0x${hex(SMUGGLED)}`,
  `Content-Length: ${hex(SMUGGLED)}h`,
  `Content-Length: ${size}.0`,
  `Content-Length: ${size}e0`,
  `Content-Length: ${size}_0`,
  `Content-Length: ${size} 0`,
  `Content-Length: 0 ${size}`,
  `Content-Length: "${size}"`,
  `Content-Length: ${size};`,
  `Content-Length: ${size}\0`,
  `Content-Length: ${size}\x0b`,
  `Content-Length: \x0c${size}`,
  `Content-Length: \xa0${size}`,
  `Content-Length: ${size}\n`,
  `Content-Length: ${size}\r`,
  `Content-Length:\r\n ${size}`,
  `Content-Length: \r\n\t${size}`,
  'Content-Length:',
  'Content-Length: ',
  'Content-Length: none',
  `Content-Length : ${size}`,
  `Content-Length\t: ${size}`,
  ` Content-Length: ${size}`,
  `Content-Length\0: ${size}`,
  `Content_Length: ${size}`,
  `Content.Length: ${size}`,
  `Content-Length: ${size}\r\nContent_Length: 0`,
  'Content-Length: 18446744073709551616',
  `Content-Length: ${2n ** 64n + BigInt(size)}`,
  `Content-Length: ${2n ** 32n * 2n ** 32n}`,
  'Content-Length: 9007199254740993',
  'Content-Length: \xef\xbc\x91',
  'Content-Length: \xd9\xa3',
  `X: y\nContent-Length: ${size}`,
  `X: y\rContent-Length: ${size}`,
];

/** CL.CL, CL.0 and 0.CL by disagreement on one field. */
const lengths = contentLengths.map(
  (field): Payload => ({ name: `CL with ${show(field)}`, bytes: post(field) + SMUGGLED, sees: 'none' }),
);

/** A request within the content of a request whose method has none, as a rule: content it is, and content it stays. */
const contents = ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'POST', 'PUT', 'PATCH', 'PROPFIND'].flatMap(
  (method): Payload[] => {
    const head = `${method} /a HTTP/1.1\r\nHost: app\r\n`;
    return [
      {
        name: `CL.0 by ${method} with a length`,
        bytes: `${head}Content-Length: ${size}\r\n\r\n${SMUGGLED}`,
        sees: { content: SMUGGLED },
      },
      {
        name: `CL.0 by ${method} with chunks`,
        bytes: `${head}Transfer-Encoding: chunked\r\n\r\n${hex(SMUGGLED)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
        sees: { content: SMUGGLED },
      },
    ];
  },
);

/** Bodies that one reader takes to end where another one does not. All behind the same good head. */
const chunked: readonly (readonly [name: string, body: string, sees?: Expected])[] = [
  ['an extension', `5;a=b\r\nhello\r\n0\r\n\r\n${SMUGGLED}`],
  ['an extension without a name', `5;\r\nhello\r\n0\r\n\r\n`],
  ['an extension on the last chunk', `5\r\nhello\r\n0;a\r\n\r\n`],
  ['an extension that hides a line break (TERM.EXT)', `2;\nxx\r\n4c\r\nxx\r\n0\r\n\r\n${SMUGGLED}`],
  ['an extension with a bare CR', `2;a\rb\r\nxx\r\n0\r\n\r\n`],
  ['an extension with quoted line breaks', `2;a="\r\nxx\r\n0\r\n\r\n${SMUGGLED}"\r\nxx\r\n0\r\n\r\n`],
  ['an extension of 70000 bytes', `2;${'a'.repeat(70_000)}\r\nxx\r\n0\r\n\r\n`],
  ['a blank before an extension', `2 ;a\r\nxx\r\n0\r\n\r\n`],
  ['a size line that ends with LF alone', `2\nxx\r\n0\r\n\r\n`],
  ['a size line that ends with CR alone', `2\rxx\r\n0\r\n\r\n`],
  ['a size line that ends with CR and another byte', `2\rXxx\r\n0\r\n\r\n`],
  ['a last chunk that ends with LF alone', `0\n\r\n${SMUGGLED}`],
  ['a last chunk behind which LF alone stands', `0\r\n\n${SMUGGLED}`],
  ['LF everywhere', `0\n\n${SMUGGLED}`],
  ['a blank behind the size', `2 \r\nxx\r\n0\r\n\r\n`],
  ['a tab behind the size', `2\t\r\nxx\r\n0\r\n\r\n`],
  ['a blank before the size', ` 2\r\nxx\r\n0\r\n\r\n`],
  ['a signed size', `+2\r\nxx\r\n0\r\n\r\n`],
  ['a negative size', `-2\r\nxx\r\n0\r\n\r\n`],
  ['a negative zero', `-0\r\n\r\n${SMUGGLED}`],
  ['a size with 0x', `0x2\r\nxx\r\n0\r\n\r\n${SMUGGLED}`],
  ['a size with an underscore', `0_2\r\nxx\r\n0\r\n\r\n`],
  ['a size with a dot', `2.0\r\nxx\r\n0\r\n\r\n`],
  ['a size with NUL', `2\0\r\nxx\r\n0\r\n\r\n`],
  ['a size that is no number', `z\r\nxx\r\n0\r\n\r\n`],
  ['an empty size', `\r\n2\r\nxx\r\n0\r\n\r\n`],
  ['an empty size that could be the last one', `\r\n\r\n${SMUGGLED}`],
  ['a size beyond 64 bits', `10000000000000002\r\nxx\r\n0\r\n\r\n${SMUGGLED}`],
  ['a size beyond 32 bits that wraps to two', `fffffffff00000002\r\nxx\r\n0\r\n\r\n${SMUGGLED}`],
  ['a size that exceeds exact numbers', `20000000000000\r\nxx`],
  ['a size of more zeros than any reader keeps', `${'0'.repeat(20)}\r\n\r\n${SMUGGLED}`],
  ['bytes behind a chunk instead of a line break (SPILL)', `2\r\nxxyy\r\n0\r\n\r\n`],
  ['LF alone behind a chunk', `2\r\nxx\n0\r\n\r\n${SMUGGLED}`],
  ['CR alone behind a chunk', `2\r\nxx\r0\r\n\r\n${SMUGGLED}`],
  ['another byte and LF behind a chunk', '2\r\nxxZ\n0\r\n\r\n'],
  ['CR and another byte behind a chunk', '2\r\nxx\rZ0\r\n\r\n'],
  ['no line break behind a chunk', `2\r\nxx0\r\n\r\n${SMUGGLED}`],
  ['a trailer that is a length', `2\r\nxx\r\n0\r\nContent-Length: ${size}\r\n\r\n${SMUGGLED}`],
  ['a trailer that is a coding', `2\r\nxx\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n${SMUGGLED}`],
  ['a trailer that is a host', `2\r\nxx\r\n0\r\nHost: evil\r\n\r\n`],
  ['a folded trailer', `2\r\nxx\r\n0\r\nX: y\r\n z\r\n\r\n`],
  ['a trailer with LF alone', `2\r\nxx\r\n0\r\nX: y\nZ: z\r\n\r\n`],
  ['a trailer with a blank before its colon', `2\r\nxx\r\n0\r\nX : y\r\n\r\n`],
  ['a trailer without a colon', `2\r\nxx\r\n0\r\nX\r\n\r\n`],
  ['a trailer with NUL', `2\r\nxx\r\n0\r\nX: \0\r\n\r\n`],
  ['a request where trailers are', `0\r\n${SMUGGLED}`],
  ['a request behind chunks, where trailers are', `2\r\nxx\r\n0\r\n${SMUGGLED}`],
];

const chunks = chunked.map(
  ([name, body, sees = 'cut']): Payload => ({
    name: `chunks with ${name}`,
    bytes: post('Transfer-Encoding: chunked') + body,
    sees,
  }),
);

const goodChunks: readonly Payload[] = [
  ['sizes in capitals and with zeros', '00A\r\n0123456789\r\n000\r\n\r\n', '0123456789'],
  ['a trailer that means nothing', '2\r\nxx\r\n0\r\nX-Sum: y\r\n\r\n', 'xx'],
  ['what looks like an end', `7\r\n0\r\n\r\nGE\r\n0\r\n\r\n`, '0\r\n\r\nGE'],
].map(([name, body, content = '']) => ({
  name: `chunks with ${name}`,
  bytes: `${post('Transfer-Encoding: chunked')}${body}`,
  sees: { content },
}));

/** Heads that one reader takes to be over, or to begin, where another one does not. */
const heads: readonly (readonly [name: string, bytes: string])[] = [
  ['lines that end with LF alone', 'GET /a HTTP/1.1\nHost: app\n\n'],
  ['one line that ends with LF alone', `GET /a HTTP/1.1\r\nHost: app\nX: y\r\n\r\n${SMUGGLED}`],
  ['an empty line of LF alone', `GET /a HTTP/1.1\r\nHost: app\r\n\n${SMUGGLED}`],
  ['an empty line of CR alone', `GET /a HTTP/1.1\r\nHost: app\r\n\r${SMUGGLED}`],
  ['an empty line that is blank', `GET /a HTTP/1.1\r\nHost: app\r\n \r\n${SMUGGLED}`],
  ['CR CR LF', `GET /a HTTP/1.1\r\r\nHost: app\r\n\r\n`],
  ['a bare CR in a value', `GET /a HTTP/1.1\r\nHost: app\r\nX: a\rGET /smuggled HTTP/1.1\r\n\r\n`],
  ['a bare LF in a value', `GET /a HTTP/1.1\r\nHost: app\r\nX: a\n\nGET /smuggled HTTP/1.1\r\n\r\n`],
  ['a folded value', 'GET /a HTTP/1.1\r\nHost: app\r\nX: a\r\n b\r\n\r\n'],
  ['a value folded with a tab', 'GET /a HTTP/1.1\r\nHost: app\r\nX: a\r\n\tb\r\n\r\n'],
  ['a folded first field', 'GET /a HTTP/1.1\r\n X: y\r\nHost: app\r\n\r\n'],
  ['a folded host', 'GET /a HTTP/1.1\r\nHost:\r\n app\r\n\r\n'],
  ['NUL in a value', 'GET /a HTTP/1.1\r\nHost: app\r\nX: a\0b\r\n\r\n'],
  ['NUL in a name', 'GET /a HTTP/1.1\r\nHost: app\r\nX\0Y: a\r\n\r\n'],
  ['a control character in a value', 'GET /a HTTP/1.1\r\nHost: app\r\nX: a\x01b\r\n\r\n'],
  ['DEL in a value', 'GET /a HTTP/1.1\r\nHost: app\r\nX: a\x7fb\r\n\r\n'],
  ['a blank before a colon', 'GET /a HTTP/1.1\r\nHost : app\r\n\r\n'],
  ['a blank within a name', 'GET /a HTTP/1.1\r\nHost: app\r\nX Y: a\r\n\r\n'],
  ['a name beyond ASCII', 'GET /a HTTP/1.1\r\nHost: app\r\nX\xff: a\r\n\r\n'],
  ['an empty name', 'GET /a HTTP/1.1\r\nHost: app\r\n: a\r\n\r\n'],
  ['a field without a colon', 'GET /a HTTP/1.1\r\nHost: app\r\nX\r\n\r\n'],
  ['a name in parentheses', 'GET /a HTTP/1.1\r\nHost: app\r\n(X): a\r\n\r\n'],
  ['two hosts', 'GET /a HTTP/1.1\r\nHost: app\r\nHost: other\r\n\r\n'],
  ['the same host twice', 'GET /a HTTP/1.1\r\nHost: app\r\nHost: app\r\n\r\n'],
  ['a second host behind a blank', 'GET /a HTTP/1.1\r\nHost: app\r\n Host: other\r\n\r\n'],
  ['no host', 'GET /a HTTP/1.1\r\nX: y\r\n\r\n'],
  ['two blanks in the request line', 'GET  /a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a tab in the request line', 'GET\t/a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['another word in the request line', 'GET /a /smuggled HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a blank at the end of the request line', 'GET /a HTTP/1.1 \r\nHost: app\r\n\r\n'],
  ['a blank before the request line', ' GET /a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a target with a version in it', 'GET /a HTTP/1.1 HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['an encoded line break that was decoded', 'GET /a\r\nX: y HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a bare CR in the target', 'GET /a\rb HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['NUL in the target', 'GET /a\0b HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a target beyond ASCII', 'GET /\xc3\xbc HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a target without a slash', 'GET a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a host for a target', 'GET app:80 HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a method that is no token', 'GE(T /a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a method in lower case', 'get /a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['NUL in the method', 'GET\0 /a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['no version (HTTP/0.9)', `GET /a\r\n\r\n${SMUGGLED}`],
  ['version 0.9', 'GET /a HTTP/0.9\r\nHost: app\r\n\r\n'],
  ['version 1.2', 'GET /a HTTP/1.2\r\nHost: app\r\n\r\n'],
  ['version 2.0', 'GET /a HTTP/2.0\r\nHost: app\r\n\r\n'],
  ['version 1.10', 'GET /a HTTP/1.10\r\nHost: app\r\n\r\n'],
  ['version 01.1', 'GET /a HTTP/01.1\r\nHost: app\r\n\r\n'],
  ['version +1.1', 'GET /a HTTP/+1.1\r\nHost: app\r\n\r\n'],
  ['a version in lower case', 'GET /a http/1.1\r\nHost: app\r\n\r\n'],
  ['another protocol', 'GET /a HTTPS/1.1\r\nHost: app\r\n\r\n'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a byte order mark', '\xef\xbb\xbfGET /a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['an LF before it', '\nGET /a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['a CR before it', '\rGET /a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['many empty lines before it', '\r\n\r\n\r\nGET /a HTTP/1.1\r\nHost: app\r\n\r\n'],
  ['chunks in HTTP/1.0', `POST /a HTTP/1.0\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n${HIDDEN}`],
  ['a tunnel', `CONNECT app:80 HTTP/1.1\r\nHost: app\r\n\r\n${SMUGGLED}`],
  ['a tunnel to a path', `CONNECT /a HTTP/1.1\r\nHost: app\r\n\r\n${SMUGGLED}`],
  ['two expectations', `POST /a HTTP/1.1\r\nHost: app\r\nExpect: 100-continue, x\r\nContent-Length: ${size}\r\n\r\n`],
  [
    'an expectation with a word before it',
    `POST /a HTTP/1.1\r\nHost: app\r\nExpect: y 100-continue\r\nContent-Length: ${size}\r\n\r\n`,
  ],
];

const lines = heads.map(([name, bytes]): Payload => ({ name: `a head with ${name}`, bytes, sees: 'none' }));

/** What takes a hop's own fields away, or makes it believe that the connection is no longer HTTP. */
const hops: readonly Payload[] = [
  ...['Content-Length', 'Host', 'Expect', 'close, Content-Length', 'X, content-length'].map(
    (option): Payload => ({
      name: `a Connection field that names ${option}`,
      bytes: post(`Connection: ${option}`, `Content-Length: ${size}`) + SMUGGLED,
      sees: { content: SMUGGLED },
    }),
  ),
  {
    name: 'a Connection field that names Transfer-Encoding',
    bytes: `${post('Connection: Transfer-Encoding', 'Transfer-Encoding: chunked')}${hex(SMUGGLED)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    sees: { content: SMUGGLED },
  },
  {
    name: 'an upgrade to h2c with content',
    bytes:
      post(
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABk',
        `Content-Length: ${size}`,
      ) + SMUGGLED,
    sees: { content: SMUGGLED },
  },
  {
    name: 'an upgrade to h2c with content, and a request behind it',
    bytes: `${post('Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 2')}xx${SMUGGLED}`,
    sees: { content: 'xx' },
  },
  {
    name: 'a WebSocket handshake with content',
    bytes:
      post(
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version: 13',
        `Content-Length: ${size}`,
      ) + SMUGGLED,
    sees: { content: SMUGGLED },
  },
  {
    name: 'another host in its target',
    bytes: 'GET http://other/a HTTP/1.1\r\nHost: app\r\n\r\n',
    sees: { content: '' },
  },
  { name: 'no path at all', bytes: 'OPTIONS * HTTP/1.1\r\nHost: app\r\n\r\n', sees: { content: '' } },
  {
    name: 'a line break that is encoded',
    bytes: 'GET /a%0d%0aHost:%20evil%0d%0a%0d%0aGET%20/b HTTP/1.1\r\nHost: app\r\n\r\n',
    sees: { content: '' },
  },
  {
    name: 'HTTP/1.0 that keeps its connection',
    bytes: `POST /a HTTP/1.0\r\nHost: app\r\nConnection: keep-alive\r\nContent-Length: ${size}\r\n\r\n${SMUGGLED}`,
    sees: { content: SMUGGLED },
  },
  { name: 'an empty line before it', bytes: '\r\nGET /a HTTP/1.1\r\nHost: app\r\n\r\n', sees: { content: '' } },
];

/** All of them. */
export const payloads: readonly Payload[] = [
  ...besides,
  ...alone,
  ...lengths,
  ...contents,
  ...chunks,
  ...goodChunks,
  ...lines,
  ...hops,
];
