import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type LlhttpCase, llhttpCases, type Verdict } from './llhttp-cases.ts';
import { mended } from './llhttp-mended.ts';
import { rules } from './rfc9112-rules.ts';
import { latin1 } from './transcript.ts';
import { inWords, verdictOf } from './verdict.ts';
import { sectionRows } from './websocket-sections.ts';

const vectors = fileURLToPath(new URL('../../../../shared/vectors/llhttp', import.meta.url));
const page = fileURLToPath(new URL('../../../docs/http-conformance.md', import.meta.url));
const skip = existsSync(vectors) ? false : 'shared/vectors/llhttp is not there';

suite('RFC 9112, rule by rule', () => {
  for (const { section, rule, kind, bytes, expected, method = 'GET', finishes = false } of rules) {
    test(`MessageReader, ${section}: ${rule}`, () => {
      assert.equal(inWords(verdictOf({ kind, bytes: latin1(bytes), method, finishes })), expected);
    });
  }
});

/** Why a reason of ours refuses what llhttp accepts, where the case itself does not say more. */
const STRICTER: Readonly<Record<string, string>> = {
  'chunk-extension': 'no chunk extensions: see RFC 9112, 7.1.1 above',
  'content-not-allowed': 'such a response has no content: somebody will take what follows for some',
  'field-repeated': 'a second field of this name contradicts the first or is a copy nobody needs',
  'field-value-malformed': 'no tab beside what frames the message: see RFC 9110, 5.6.3 above',
  'method-unknown': 'not a method of HTTP: RTSP, ICE and HTTP/2 are not served',
  'request-line-malformed': 'not a request line of HTTP/1',
  'status-line-malformed': 'not a status line of HTTP/1',
  'target-malformed': 'none of the four forms of a target, or one that does not belong to the method (RFC 9112, 3.2)',
  'transfer-encoding-unknown': 'a coding that we do not undo: see RFC 9112, 6.1 above',
  'transfer-encoding-malformed': 'chunked must be the only coding: see RFC 9112, 6.3 above',
  'version-not-served': 'there is no such version',
};

/** Why single cases differ. */
const PARTICULAR: Readonly<Record<string, string>> = {
  'CRLF between requests, implicit `keep-alive`': 'two empty lines stand before the second request; we pass over one',
  'HTTP 304 with Content-Length': 'empty lines stand between the responses',
  'HTTP 100 first, then 400': 'an empty line stands between the responses',
  'Should parse multiple events': 'empty lines stand between the responses',
  'Response starting with CRLF': 'an empty line stands before the response',
  'Content-Length reset when no body is received':
    'the test tells llhttp to skip the content of a request; ours waits for it',
};

interface Compared {
  readonly one: LlhttpCase;
  /** In our words; `*`: mended so that it is refused for nothing but what it is about. */
  readonly ours: string;
  readonly outcome: 'same' | 'stricter' | 'laxer';
  readonly why: string;
}

function compare(one: LlhttpCase): Compared {
  const { verdict, added } = mended(one);
  const late = verdict.outcome === 'open' && one.verdict.outcome === 'refused' ? whenComplete(one) : verdict;
  const ours = `${inWords(late)}${late === verdict ? '' : ', when the head is complete'}${added ? ' *' : ''}`;
  const outcome = outcomeOf(one.verdict, late);
  const why =
    outcome === 'same'
      ? ''
      : (PARTICULAR[one.title] ??
        (one.lenient === ''
          ? STRICTER[late.reason]
          : `a lenient switch of llhttp (${one.lenient}); here there is none`) ??
        '');
  return { one, ours, outcome, why };
}

function outcomeOf(theirs: Verdict, ours: Verdict): Compared['outcome'] {
  if (theirs.complete === ours.complete && theirs.outcome === ours.outcome) return 'same';
  const more = ours.complete > theirs.complete || (theirs.outcome === 'refused' && ours.outcome !== 'refused');
  return more ? 'laxer' : 'stricter';
}

/** llhttp refuses within a line what we refuse with the head: some cases stop before its end. */
function whenComplete(one: LlhttpCase): Verdict {
  const endings = ['\r\n', '\r\n\r\n'].map((end) => mended({ ...one, bytes: Buffer.concat([one.bytes, latin1(end)]) }));
  return (endings.find(({ verdict }) => verdict.outcome === 'refused') ?? mended(one)).verdict;
}

suite('llhttp, case by case', { skip }, () => {
  const compared = skip === false ? llhttpCases(vectors).map(compare) : [];

  test('the suite of llhttp has been read', () => assert.equal(compared.length, 251));

  test('MessageReader is nowhere laxer than llhttp, its lenient switches included', () => {
    assert.deepEqual(compared.filter(({ outcome }) => outcome === 'laxer').map(describe), []);
  });

  test('MessageReader is stricter than llhttp nowhere without a reason', () => {
    const silent = compared.filter(({ outcome, why }) => outcome !== 'same' && why === '');
    assert.deepEqual(silent.map(describe), []);
  });

  test('docs/http-conformance.md says what is so', () => {
    const text = pageOf(compared);
    if (process.env['CARDEA_WRITE_CONFORMANCE'] === '1') writeFileSync(page, text);
    assert.equal(readFileSync(page, 'utf8'), text);
  });
});

const describe = ({ one, ours }: Compared): string => `${one.file}, ${one.title}: ${inWords(one.verdict)} | ${ours}`;

function pageOf(compared: readonly Compared[]): string {
  const strict = compared.filter(({ one }) => one.lenient === '');
  const lenient = compared.filter(({ one }) => one.lenient !== '');
  const same = strict.filter(({ outcome }) => outcome === 'same').length;
  return `# HTTP/1.1: what is read and what is refused

Written by \`packages/http1/test/conformance.test.ts\`, which also holds this page to what the reader does: run it with
\`CARDEA_WRITE_CONFORMANCE=1\` to write the page anew. "Refused" means: answered with the status that belongs to it (400 for most),
connection closed, nothing forwarded. There is no lenient switch.

## RFC 9112 and RFC 9110

| Section | Rule | Cardea | Stance |
| --- | --- | --- | --- |
${rules.map((rule) => row(rule.section, rule.rule, inWords(verdictOf({ ...rule, bytes: latin1(rule.bytes) })), rule.why === undefined ? rule.stance : `${rule.stance}: ${rule.why}`)).join('\n')}

## Connections

What is no question of how a message is spelled.

| Section | Rule | Cardea | Stance |
| --- | --- | --- | --- |
${connections.map((each) => row(...each)).join('\n')}

## What others read

${OTHERS}

## WebSocket

${WEBSOCKET}

| Section | Autobahn | Cases here | |
| --- | --- | --- | --- |
${sectionRows()
  .map((each) => row(...each))
  .join('\n')}

## The suite of llhttp

llhttp is the parser of Node.js. Of its ${strict.length} strict cases, ${same} end alike, and in ${strict.length - same} Cardea is stricter; it is laxer in
none. A verdict counts messages: "1 read, then refused" is a first message that was read and a second that was not. "*": the
case lacks the \`Host\` that HTTP/1.1 asks for, or has a fragment in its target; both were mended to see more. "Closed": bytes behind a message with
\`Connection: close\` are not read.

| Case | llhttp | Cardea | Why they differ |
| --- | --- | --- | --- |
${strict.map(rowOf).join('\n')}

## Lenient switches of llhttp

The same suite also shows what llhttp accepts when it is told to be lenient.

| Case | llhttp | Cardea | Why they differ |
| --- | --- | --- | --- |
${lenient.map(rowOf).join('\n')}
`;
}

const connections: readonly (readonly [section: string, rule: string, ours: string, stance: string])[] = [
  [
    '9112, 9.3.2',
    'Pipelined requests are answered in order',
    'one after the other; behind the request in progress at most 64 KiB are taken in, then no more are read until it is answered',
    'as asked',
  ],
  [
    '9112, 9.6',
    'A client may end its side before it has the answer',
    'taken for a client that is gone: what it asked for is given up, unless the answer is there already',
    'stricter: a browser that leaves looks the same, and the app would go on working for nobody. nginx and Go do so too',
  ],
  [
    '9110, 15.2',
    'Any number of interim responses may precede',
    '16 are passed on; at one more the upstream is given up and the client gets 502',
    'stricter: whoever sends more does not come to an answer',
  ],
  [
    '9112, 9.8',
    'Content that lasts until the connection closes is incomplete without the closure alert of TLS',
    'taken for complete',
    'laxer: Node reports the end of a TLS connection in the same way with the alert and without it. Content with a length or in chunks is not concerned: there every cut is noticed',
  ],
  [
    '9112, 6.3',
    'What the upstream breaks off is not complete for the client either',
    'chunked: the last chunk is missing; with a length: bytes are missing; HTTP/1.0: a reset instead of an end (over TLS: an end without the alert)',
    'as asked',
  ],
  [
    '6455, 7.1.1',
    'A server that goes away says so',
    '1001 to both ends of every WebSocket, also without any grace: then they have 100 ms to answer',
    'as asked',
  ],
];

const OTHERS = `\`test/lab/other-readers.test.ts\` has other programs read what the engine writes, byte for byte: nginx, h11 (Python) and \`node:http\`, as servers
what upstreams get and as clients what clients get. The requests of the grammar fuzz (a new seed each time, \`CARDEA_FUZZ_SEED\` for an old one),
of llhttp's suite and of the smuggling payloads must come out as the same sequence: method, target, fields, content and how many there are.`;

const WEBSOCKET = `The engine relays frames and reads nothing but their headers, so the question is whether it makes a difference: every case is put to a server (\`ws\`)
directly and through the engine, and every byte that comes back must be the same (\`websocket.test.ts\`, \`websocket-compression.test.ts\`). The cases are our own,
in the order of the public Autobahn suite, whose numbers leave out 8 and 11. That an injected
Close arrives clean is tested with \`ws\` (\`websocket-close.test.ts\`) and in a real Chromium with permessage-deflate (\`test/lab/browser-websocket.test.ts\`).
Chromium says \`wasClean: false\` of a close at which the page had not sent all it wanted, also when the app itself closes; code and reason arrive.`;

const rowOf = ({ one, ours, why }: Compared): string =>
  row(`${one.file.replace('.md', '')}: ${one.title}`, inWords(one.verdict), ours, why);

const row = (...cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
