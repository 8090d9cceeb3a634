/**
 * What RFC 9112 and RFC 9110 ask of whoever reads messages, each with bytes that put it to the test and what the reader
 * makes of them.
 *
 * @module
 */

export interface Rule {
  readonly section: string;
  readonly rule: string;
  readonly kind: 'request' | 'response';
  readonly bytes: string;
  /** The verdict, in the words of `inWords`. */
  readonly expected: string;
  /** `stricter`: refused although the RFC would let it pass, or be repaired. */
  readonly stance: 'as asked' | 'stricter';
  readonly why?: string;
  readonly method?: string;
  readonly finishes?: boolean;
}

const AMBIGUOUS = 'a message that has to be repaired is one that somebody else reads without the repair';

const get = (...fields: readonly string[]): string =>
  `${['GET / HTTP/1.1', 'Host: a', ...fields].join('\r\n')}\r\n\r\n`;
const post = (...fields: readonly string[]): string => get(...fields).replace('GET', 'POST');
const chunked = (body: string): string => post('Transfer-Encoding: chunked') + body;
const ok = (...fields: readonly string[]): string => `${['HTTP/1.1 200 OK', ...fields].join('\r\n')}\r\n\r\n`;

const request = (section: string, rule: string, bytes: string, expected: string, why?: string): Rule => ({
  section,
  rule,
  kind: 'request',
  bytes,
  expected,
  ...stance(why),
});

const response = (
  section: string,
  rule: string,
  bytes: string,
  expected: string,
  more: Pick<Rule, 'method' | 'finishes' | 'why'> = {},
): Rule => ({ section, rule, kind: 'response', bytes, expected, ...more, ...stance(more.why) });

const stance = (why: string | undefined): Pick<Rule, 'stance' | 'why'> =>
  why === undefined ? { stance: 'as asked' } : { stance: 'stricter', why };

/** The rules, in the order of the RFC. */
export const rules: readonly Rule[] = [
  request('9112, 2.2', 'An empty line before a request line is passed over', `\r\n${get()}`, '1 read'),
  request(
    '9112, 2.2',
    'At least one such line, not any number',
    `\r\n\r\n${get()}`,
    'refused: request-line-malformed',
    'one is what old clients send behind the content of a POST; more is noise',
  ),
  request(
    '9112, 2.2',
    'A bare LF may be taken for a line end',
    'GET / HTTP/1.1\nHost: a\n\n',
    'refused: line-break-malformed',
    'whoever does not take it for one finds another message',
  ),
  request('9112, 2.2', 'A bare CR is invalid', get('X: a\rb'), 'refused: line-break-malformed'),
  request(
    '9112, 2.2',
    'No white space before the first field',
    get().replace('Host', ' Host'),
    'refused: field-folded',
  ),
  request('9112, 2.3', 'HTTP/1.0 is understood', 'GET / HTTP/1.0\r\n\r\n', '1 read'),
  request(
    '9112, 2.3',
    'A higher minor version is read as the highest one known',
    'GET / HTTP/1.2\r\nHost: a\r\n\r\n',
    'refused: version-unknown',
    'there is none and will be none',
  ),
  request(
    '9110, 2.5',
    'Another major version is answered with 505',
    'PRI * HTTP/2.0\r\n\r\n',
    'refused: version-not-served',
  ),
  request(
    '9112, 3',
    'Exactly one space between the parts of a request line',
    get().replace(' /', '  /'),
    'refused: request-line-malformed',
  ),
  request(
    '9112, 3',
    'Other white space may be taken for it',
    get().replace('GET ', 'GET\t'),
    'refused: request-line-malformed',
    AMBIGUOUS,
  ),
  request('9112, 3.1', 'The method is case-sensitive', get().replace('GET', 'get'), 'refused: method-malformed'),
  request(
    '9110, 9.1',
    'An unknown method is answered with 501',
    get().replace('GET', 'FETCH'),
    'refused: method-unknown',
    'answered with 400, and the connection is closed: what such a method means for the content is unknown',
  ),
  request(
    '9112, 3.2',
    'A target with white space is invalid',
    get().replace('/', '/a b'),
    'refused: request-line-malformed',
  ),
  request('9112, 3.2', 'A target has no fragment', get().replace('/', '/#a'), 'refused: target-malformed'),
  request('9112, 3.2', 'A target is ASCII', get().replace('/', '/\u00e4'), 'refused: target-malformed'),
  request('9112, 3.2.2', 'The absolute form is read', get().replace('/', 'http://a/'), '1 read'),
  request('9112, 3.2.4', 'The asterisk form is for OPTIONS', get().replace('/', '*'), 'refused: target-malformed'),
  request('9112, 3.2', 'HTTP/1.1 needs Host', 'GET / HTTP/1.1\r\n\r\n', 'refused: host-missing'),
  request('9112, 3.2', 'A second Host is refused', get('Host: a'), 'refused: field-repeated'),
  request('9112, 5.1', 'No white space between name and colon', get('X : 1'), 'refused: field-name-malformed'),
  request('9110, 5.1', 'A name is a token', get('X(: 1'), 'refused: field-name-malformed'),
  request('9112, 5.1', 'White space around a value is no part of it', get('X:\t 1 \t', 'Y:'), '1 read'),
  request(
    '9110, 5.6.3',
    'That white space may be tabs, also in fields that frame the message',
    post('Transfer-Encoding: chunked\t'),
    'refused: field-value-malformed',
    'refused beside Content-Length and Transfer-Encoding: llhttp finds no `chunked` beside a tab',
  ),
  request('9110, 5.5', 'NUL, CR and LF in a value are dangerous', get('X: a\0b'), 'refused: control-character'),
  request(
    '9110, 5.5',
    'Other control characters may be kept',
    get('X: a\x01b'),
    'refused: control-character',
    'they have no use, and some readers take them for white space',
  ),
  request('9110, 5.5', 'Bytes above 0x7f are opaque data', get('X: \u00e4'), '1 read'),
  request(
    '9112, 5.2',
    'A folded line may be joined',
    get('X: a\r\n b'),
    'refused: field-folded',
    'the RFC leaves the choice; joined, it means something else to whoever does not',
  ),
  request(
    '9110, 5.4',
    'More fields than one is willing to read: 4xx',
    get(...Array.from({ length: 100 }, () => 'X: 1')),
    'refused: too-many-fields',
  ),
  request('6585, 5', 'A head that is too large: 431', get(`X: ${'x'.repeat(65_536)}`), 'refused: head-too-large'),
  request('9112, 3', 'A target that is too long: 414', `GET /${'x'.repeat(65_536)}`, 'refused: target-too-long'),
  request(
    '9112, 6.1',
    'Content-Length and Transfer-Encoding together ought to be an error',
    post('Content-Length: 3', 'Transfer-Encoding: chunked'),
    'refused: content-length-with-transfer-encoding',
  ),
  request(
    '9112, 6.1',
    'A Transfer-Encoding in HTTP/1.0 is faulty',
    post('Transfer-Encoding: chunked').replace('1.1', '1.0'),
    'refused: transfer-encoding-in-http-1.0',
  ),
  request(
    '9112, 6.1',
    'Chunked is not applied twice',
    post('Transfer-Encoding: chunked, chunked'),
    'refused: transfer-encoding-malformed',
  ),
  request(
    '9112, 6.1',
    'A coding that is not understood: 501',
    post('Transfer-Encoding: gzip, chunked'),
    'refused: transfer-encoding-unknown',
  ),
  request(
    '9112, 6.3',
    'A request whose last coding is not chunked: 400',
    post('Transfer-Encoding: gzip'),
    'refused: transfer-encoding-malformed',
  ),
  request(
    '9112, 7',
    'Names of codings are case-insensitive',
    `${post('Transfer-Encoding: CHUNKED')}0\r\n\r\n`,
    '1 read',
  ),
  request(
    '9112, 6.3',
    'An invalid Content-Length: 400',
    post('Content-Length: +3'),
    'refused: content-length-malformed',
  ),
  request(
    '9112, 6.3',
    'Two different lengths: 400',
    post('Content-Length: 3', 'Content-Length: 4'),
    'refused: field-repeated',
  ),
  request(
    '9112, 6.3',
    'A list of equal lengths may be taken for one',
    post('Content-Length: 3, 3'),
    'refused: content-length-malformed',
    AMBIGUOUS,
  ),
  request(
    '9110, 8.6',
    'A length that overflows must not be misread',
    post('Content-Length: 18446744073709551619'),
    'refused: content-length-malformed',
  ),
  request('9112, 6.3', 'A request without either has no content', get() + get(), '2 read'),
  request(
    '9112, 7.1',
    'Chunk sizes are hexadecimal, in either case',
    chunked('00a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n'),
    '1 read',
  ),
  request(
    '9112, 7.1',
    'A chunk size that overflows must not be misread',
    chunked('10000000000000003\r\nabc\r\n0\r\n\r\n'),
    'refused: chunk-size-malformed',
  ),
  request(
    '9112, 7.1',
    'A chunk ends where its size says',
    chunked('3\r\nabcd\r\n0\r\n\r\n'),
    'refused: chunk-malformed',
  ),
  request(
    '9112, 7.1.1',
    'Chunk extensions that are not known are ignored',
    chunked('3;a=b\r\nabc\r\n0\r\n\r\n'),
    'refused: chunk-extension',
    'nobody sends any, parsers disagree about their quotes and line ends, and requests were smuggled in them',
  ),
  request('9112, 7.1.2', 'Trailers are read', chunked('0\r\nX: 1\r\n\r\n'), '1 read'),
  request(
    '9110, 6.5.1',
    'Trailers that frame the message may be ignored',
    chunked('0\r\nContent-Length: 3\r\n\r\n'),
    'refused: trailer-forbidden',
    'nobody who means well sends them',
  ),
  request(
    '9112, 9.6',
    'Nothing behind `Connection: close` is read',
    get('Connection: close') + get(),
    '1 read, then closed',
  ),
  request(
    '9112, 9.3',
    'HTTP/1.0 keeps a connection only when asked to',
    `GET / HTTP/1.0\r\n\r\n${get()}`,
    '1 read, then closed',
  ),
  request('9110, 10.1.1', 'An expectation that is not known: 417', get('Expect: x'), 'refused: expectation-unknown'),
  request(
    '9110, 7.8',
    'Upgrade counts only when Connection names it',
    get('Upgrade: x') + get('Upgrade: x', 'Connection: upgrade'),
    '2 read, then another protocol',
  ),
  request(
    '9110, 7.8',
    'Upgrade is ignored in HTTP/1.0',
    get('Upgrade: x', 'Connection: upgrade, keep-alive').replace('1.1', '1.0'),
    '1 read',
  ),
  response(
    '9112, 4',
    'A status line has a version, a status of three digits and a reason',
    ok('Content-Length: 0').replace('200', '20'),
    'refused: status-line-malformed',
  ),
  response('9112, 4', 'The reason may be empty', ok('Content-Length: 0').replace('OK', ''), '1 read'),
  response(
    '9110, 15',
    'A status outside 100 to 599 may be taken for a 5xx',
    ok('Content-Length: 0').replace('200', '600'),
    'refused: status-line-malformed',
    { why: AMBIGUOUS },
  ),
  response(
    '9112, 6.3',
    'The response to a HEAD has no content',
    ok('Content-Length: 3') + ok('Content-Length: 3'),
    '2 read',
    { method: 'HEAD' },
  ),
  response(
    '9112, 6.3',
    'A 304 has no content',
    ok('Content-Length: 3').replace('200', '304') + ok('Content-Length: 0'),
    '2 read',
  ),
  response('9112, 6.3', 'A 204 has no content', ok().replace('200', '204') + ok('Content-Length: 0'), '2 read'),
  response(
    '9110, 8.6',
    'A 204 has no Content-Length',
    ok('Content-Length: 3').replace('200', '204'),
    'refused: content-not-allowed',
    { why: 'three bytes follow, or none; a length of 0 is let pass' },
  ),
  response(
    '9112, 6.1',
    'A 204 has no Transfer-Encoding',
    ok('Transfer-Encoding: chunked').replace('200', '204'),
    'refused: content-not-allowed',
  ),
  response(
    '9110, 15.2',
    'Any number of interim responses may precede',
    ok().replace('200', '103').repeat(2) + ok('Content-Length: 0'),
    '3 read',
  ),
  response(
    '9112, 9.6',
    'An interim response does not close the connection',
    ok('Connection: close').replace('200', '103') + ok('Content-Length: 0'),
    'refused: interim-response-closes',
    { why: 'the RFC does not say; llhttp reads nothing behind it either' },
  ),
  response(
    '9110, 15.2.2',
    'Behind a 101 comes another protocol',
    ok('Upgrade: x', 'Connection: upgrade').replace('200', '101'),
    '1 read, then another protocol',
  ),
  response('9112, 6.3', 'A response without either lasts until the end', `${ok()}abc`, '1 read', { finishes: true }),
  response(
    '9112, 6.3',
    'A response whose last coding is not chunked lasts until the end',
    `${ok('Transfer-Encoding: gzip')}abc`,
    'refused: transfer-encoding-malformed',
    { finishes: true, why: 'we could not say what it is' },
  ),
  response(
    '9112, 6.3',
    'Transfer-Encoding overrides Content-Length',
    ok('Content-Length: 3', 'Transfer-Encoding: chunked'),
    'refused: content-length-with-transfer-encoding',
    { why: AMBIGUOUS },
  ),
  response(
    '9112, 8',
    'A response that is cut off is incomplete',
    `${ok('Content-Length: 3')}ab`,
    'refused: message-cut-off',
    { finishes: true },
  ),
  response(
    '9112, 8',
    'Chunks without the last one are incomplete',
    `${ok('Transfer-Encoding: chunked')}2\r\nab\r\n`,
    'refused: message-cut-off',
    { finishes: true },
  ),
  response(
    '9112, 2.2',
    'Nothing stands before a status line',
    `\r\n${ok('Content-Length: 0')}`,
    'refused: status-line-malformed',
  ),
];
