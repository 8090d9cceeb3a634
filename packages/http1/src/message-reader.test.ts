import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { cut, type Entry, latin1, type Reading, transcript } from '../test/transcript.ts';
import type { Fault } from './faults.ts';
import type { RequestLine, StatusLine } from './head.ts';
import { MessageReader, type ReaderEvents } from './message-reader.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

/** The transcript, in words: `GET /`, `200`, content in quotes, trailers, `end`, a fault's reason. */
const words = (text: string, reading: Partial<Reading> = {}): string =>
  transcript([latin1(text)], { kind: 'request', ...reading })
    .map(word)
    .join(' ');
const responses = (text: string, reading: Partial<Reading> = {}): string =>
  words(text, { kind: 'response', ...reading });

function word(entry: Entry): string {
  if ('head' in entry)
    return 'status' in entry.head ? `${entry.head.status}` : `${entry.head.method} ${entry.head.target}`;
  if ('data' in entry) return `"${entry.data}"`;
  if ('trailers' in entry) return `[${entry.trailers.join()}]`;
  return 'end' in entry ? 'end' : `${entry.fault.status}:${entry.fault.reason}`;
}

suite('MessageReader, requests', () => {
  test('MessageReader reads one message after another', () => {
    const post = 'POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';
    assert.equal(words(GET + post + GET), 'GET / end POST /b "abc" end GET / end');
  });

  test('MessageReader reads chunks and trailers', () => {
    const body = '3\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX: 1\r\nY: 2\r\n\r\n';
    assert.equal(words(CHUNKED + body + GET), 'POST / "abc0123456789" [X,1,Y,2] end GET / end');
  });

  test('MessageReader reads chunks without trailers', () => {
    assert.equal(words(`${CHUNKED}0\r\n\r\n${CHUNKED}1\r\na\r\n000\r\n\r\n`), 'POST / end POST / "a" end');
  });

  test('MessageReader passes over one empty line before a request', () => {
    assert.equal(words(`\r\n${GET}\r\n${GET}\r\n`, { ends: true }), 'GET / end GET / end');
  });

  test('MessageReader says nothing when the peer ends between messages', () => {
    assert.equal(words(GET, { ends: true }), 'GET / end');
    assert.equal(words('', { ends: true }), '');
  });

  const faults = [
    ['two empty lines', `\r\n\r\n${GET}`, '400:request-line-malformed'],
    ['half an empty line', `\r${GET}`, '400:line-break-malformed'],
    ['an empty line of a line feed', `\n${GET}`, '400:line-break-malformed'],
    ['half a head', 'GET / HT', '400:message-cut-off'],
    ['half an empty line at the end', '\r', '400:message-cut-off'],
    [
      'half the content',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab',
      'POST / "ab" 400:message-cut-off',
    ],
    ['half a chunk', `${CHUNKED}3\r\nab`, 'POST / "ab" 400:message-cut-off'],
    ['no last chunk', `${CHUNKED}2\r\nab\r\n`, 'POST / "ab" 400:message-cut-off'],
    ['no end of trailers', `${CHUNKED}0\r\nX: 1\r\n`, 'POST / 400:message-cut-off'],
    ['no empty line behind the last chunk', `${CHUNKED}0\r\n${GET}`, 'POST / 400:field-line-malformed'],
    ['a head whose lines end in line feeds', 'GET / HTTP/1.1\nHost: a\n\n', '400:line-break-malformed'],
    ['a handshake of TLS', '\x16\x03\x01\x00\xa5\x01', '400:control-character'],
    ['HTTP/0.9 before its end', 'GET /\r\n', '400:request-line-malformed'],
    ['a bare carriage return before the end', 'GET / HTTP/1.1\r\nX: 1\rY', '400:line-break-malformed'],
    ['a chunk extension', `${CHUNKED}1;a=b\r\nx\r\n`, 'POST / 400:chunk-extension'],
    ['an empty chunk extension', `${CHUNKED}1;\r\nx\r\n`, 'POST / 400:chunk-extension'],
    ['an extension of the last chunk', `${CHUNKED}0;a\r\n\r\n`, 'POST / 400:chunk-extension'],
    ['an empty chunk size', `${CHUNKED}\r\nx\r\n`, 'POST / 400:chunk-size-malformed'],
    ['a chunk size without digits', `${CHUNKED};a\r\n`, 'POST / 400:chunk-size-malformed'],
    ['a chunk size with a sign', `${CHUNKED}+1\r\nx\r\n`, 'POST / 400:chunk-size-malformed'],
    ['a negative chunk size', `${CHUNKED}-1\r\nx\r\n`, 'POST / 400:chunk-size-malformed'],
    ['a chunk size with 0x', `${CHUNKED}0x1\r\nx\r\n`, 'POST / 400:chunk-size-malformed'],
    ['a chunk size with an underscore', `${CHUNKED}1_0\r\nx\r\n`, 'POST / 400:chunk-size-malformed'],
    ['a blank before a chunk size', `${CHUNKED} 1\r\nx\r\n`, 'POST / 400:chunk-size-malformed'],
    ['a blank behind a chunk size', `${CHUNKED}1 \r\nx\r\n`, 'POST / 400:chunk-size-malformed'],
    ['a letter behind f', `${CHUNKED}g\r\nx\r\n`, 'POST / 400:chunk-size-malformed'],
    ['a chunk size of 16 digits', `${CHUNKED}0000000000000001\r\nx\r\n`, 'POST / 400:chunk-size-malformed'],
    ['a chunk size that is no exact number', `${CHUNKED}20000000000000\r\nx`, 'POST / 400:chunk-size-malformed'],
    ['a chunk size that ends in a line feed', `${CHUNKED}1\nx\r\n`, 'POST / 400:line-break-malformed'],
    ['a chunk size that ends in a carriage return', `${CHUNKED}1\rx\r\n`, 'POST / 400:line-break-malformed'],
    ['a chunk longer than its size', `${CHUNKED}1\r\nxy\r\n`, 'POST / "x" 400:chunk-malformed'],
    ['a chunk shorter than its size', `${CHUNKED}4\r\nx\r\n0\r\n\r\n`, 'POST / "x\r\n0" 400:chunk-size-malformed'],
    ['a chunk that ends in a line feed', `${CHUNKED}1\r\nx\n0`, 'POST / "x" 400:chunk-malformed'],
    ['a chunk that ends in half a line break', `${CHUNKED}1\r\nx\r0`, 'POST / "x" 400:chunk-malformed'],
    ['trailers that end in line feeds', `${CHUNKED}0\r\nX: 1\n\n`, 'POST / 400:line-break-malformed'],
    ['an empty line of half a break behind the last chunk', `${CHUNKED}0\r\n\n`, 'POST / 400:line-break-malformed'],
    ['a length among the trailers', `${CHUNKED}0\r\nContent-Length: 1\r\n\r\n`, 'POST / 400:trailer-forbidden'],
  ] as const;
  for (const [what, text, expected] of faults) {
    test(`MessageReader refuses ${what}`, () => assert.equal(words(text, { ends: true }), expected));
  }

  test('MessageReader looks at nothing behind a fault', () => {
    assert.equal(words(`GET / HTTP/1.1\r\n\r\n${GET}`), '400:host-missing');
  });
});

suite('MessageReader, limits', () => {
  const withBytes = (length: number): string => `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(length - 32)}\r\n\r\n`;

  test('MessageReader takes a head of exactly the limit', () => {
    assert.equal(withBytes(100).length, 100);
    assert.equal(words(withBytes(100) + GET, { limits: { headBytes: 100 } }), 'GET / end GET / end');
  });

  test('MessageReader answers 431 to a head beyond the limit', () => {
    assert.equal(words(withBytes(101), { limits: { headBytes: 100 } }), '431:head-too-large');
  });

  test('MessageReader answers 431 before such a head has come to its end', () => {
    assert.equal(words(withBytes(500).slice(0, 101), { limits: { headBytes: 100 } }), '431:head-too-large');
  });

  test('MessageReader answers 414 when the first line alone is beyond the limit', () => {
    assert.equal(words(`GET /${'x'.repeat(100)}`, { limits: { headBytes: 100 } }), '414:target-too-long');
  });

  test('MessageReader answers 431 to trailers beyond the limit', () => {
    const trailers = `${CHUNKED}0\r\nX: ${'x'.repeat(100)}\r\n\r\n`;
    assert.equal(words(trailers, { limits: { headBytes: 100 } }), 'POST / 431:trailers-too-large');
  });

  test('MessageReader answers 413 to an announced length beyond the limit', () => {
    const post = (length: number): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
    assert.equal(words(`${post(3)}abc`, { limits: { bodyBytes: 3 } }), 'POST / "abc" end');
    assert.equal(words(post(4), { limits: { bodyBytes: 3 } }), '413:content-too-large');
  });

  test('MessageReader answers 413 to the chunk that goes beyond the limit', () => {
    const body = '2\r\nab\r\n1\r\nc\r\n';
    assert.equal(words(`${CHUNKED}${body}0\r\n\r\n`, { limits: { bodyBytes: 3 } }), 'POST / "abc" end');
    assert.equal(words(`${CHUNKED}${body}1\r\n`, { limits: { bodyBytes: 3 } }), 'POST / "abc" 413:content-too-large');
  });

  test('MessageReader counts the content of each message for itself', () => {
    const message = `${CHUNKED}2\r\nab\r\n0\r\n\r\n`;
    assert.equal(words(message + message, { limits: { bodyBytes: 3 } }), 'POST / "ab" end POST / "ab" end');
  });
});

suite('MessageReader, responses', () => {
  test('MessageReader reads interim responses before the final one', () => {
    const text =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx';
    assert.equal(responses(text), '100 103 200 "x" end');
  });

  test('MessageReader reads content until the connection is closed', () => {
    assert.equal(responses('HTTP/1.1 200 OK\r\n\r\nabc', { ends: true }), '200 "abc" end');
    assert.equal(responses('HTTP/1.1 200 OK\r\n\r\n', { ends: true }), '200 end');
    assert.equal(responses('HTTP/1.1 200 OK\r\n\r\nabc'), '200 "abc"');
  });

  test('MessageReader knows by the method that a response has no content', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n';
    assert.equal(responses(`${head}${head}abc`, { methods: ['HEAD', 'GET'] }), '200 end 200 "abc" end');
  });

  test('MessageReader keeps the method over interim responses', () => {
    const text = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n';
    assert.equal(responses(text, { methods: ['HEAD'] }), '100 200 end');
  });

  test('MessageReader refuses an empty line before a response', () => {
    assert.equal(responses('\r\nHTTP/1.1 200 OK\r\n\r\n'), '400:status-line-malformed');
  });

  test('MessageReader refuses content that is cut off', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab';
    assert.equal(responses(head, { ends: true }), '200 "ab" 400:message-cut-off');
  });

  test('MessageReader refuses bytes that come when no response is expected', () => {
    const { reader, seen } = reading('response');
    reader.expectBodyOf('GET');
    reader.push(latin1('HTTP/1.1 204 No\r\n\r\nH'));
    assert.deepEqual(seen, ['head', 'end', 'response-unexpected']);
  });
});

suite('MessageReader, its hands', () => {
  test('MessageReader is idle between messages, and not while one has begun', () => {
    const { reader } = reading('request');
    const steps = ['', '\r\n', 'GET / HTTP/1.1\r\n', 'Host: a\r\nContent-Length: 2\r\n\r\n', 'a', 'a', '\r'];
    const idle = steps.map((step) => {
      reader.push(latin1(step));
      return reader.idle;
    });
    assert.deepEqual(idle, [true, true, false, false, false, true, false]);
  });

  test('MessageReader is not idle in the end of a message behind which another waits', () => {
    const seen: boolean[] = [];
    const { reader } = reading('request', { end: () => seen.push(reader.idle) });
    reader.push(latin1(GET + GET));
    assert.deepEqual(seen, [false, true]);
  });

  test('MessageReader calls no event while it is paused', () => {
    const { reader, seen } = reading('request', { head: () => reader.pause() });
    reader.push(latin1(GET));
    assert.deepEqual(seen, ['head']);
    assert.equal(reader.idle, false);
    reader.push(latin1(GET));
    reader.end();
    assert.deepEqual(seen, ['head']);
    reader.resume();
    assert.deepEqual(seen, ['head', 'end', 'head']);
    reader.resume();
    assert.deepEqual(seen, ['head', 'end', 'head', 'end']);
  });

  test('MessageReader tells of the end of input when it has read what came before', () => {
    const { reader, seen } = reading('response', { head: () => reader.pause() });
    reader.expectBodyOf('GET');
    reader.push(latin1('HTTP/1.1 200 OK\r\n\r\nabc'));
    reader.end();
    assert.deepEqual(seen, ['head']);
    reader.resume();
    assert.deepEqual(seen, ['head', 'data', 'end']);
  });

  test('MessageReader does not call into itself when it is resumed within an event', () => {
    let depth = 0;
    const { reader, seen } = reading('request', {
      end: () => {
        depth++;
        assert.equal(depth, 1);
        reader.pause();
        reader.resume();
        depth--;
      },
    });
    reader.push(latin1(GET.repeat(3)));
    assert.equal(seen.length, 6);
  });

  test('MessageReader gives what stands behind a 101, and reads none of it', () => {
    const { reader, seen } = reading('response');
    reader.expectBodyOf('GET');
    const head = latin1('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n');
    reader.push(Buffer.concat([head, latin1('\0\x01')]));
    reader.push(latin1('\x02'));
    reader.end();
    assert.deepEqual(seen, ['head']);
    assert.deepEqual(reader.takeRest(), latin1('\0\x01\x02'));
  });

  test('MessageReader gives what stands behind a request that it was paused in', () => {
    const { reader, seen } = reading('request', { head: () => reader.pause() });
    reader.push(latin1(`${GET}\x81\x05`));
    assert.deepEqual(reader.takeRest(), latin1('\x81\x05'));
    reader.resume();
    reader.push(latin1(GET));
    assert.deepEqual(seen, ['head']);
  });

  test('MessageReader gives a next head of which a part has been read', () => {
    const { reader } = reading('request');
    for (const piece of cut(latin1(`${GET}GET /x`), GET.length, GET.length + 2)) reader.push(piece);
    assert.deepEqual(reader.takeRest(), latin1('GET /x'));
  });

  test('MessageReader goes on after an event that throws', () => {
    let thrown = false;
    const { reader, seen } = reading('request', {
      head: () => {
        if (thrown) return;
        thrown = true;
        throw new Error('bug');
      },
    });
    assert.throws(() => reader.push(latin1(GET + GET)), /bug/);
    reader.resume();
    assert.deepEqual(seen, ['head', 'end', 'head', 'end']);
  });
});

/** A reader that notes the events by name, and then does what else it is told to. */
function reading(
  kind: 'request' | 'response',
  also: Partial<Record<keyof ReaderEvents<RequestLine>, () => void>> = {},
) {
  const seen: string[] = [];
  const note = (name: keyof ReaderEvents<RequestLine>) => () => {
    seen.push(name);
    also[name]?.();
  };
  const events = {
    head: note('head'),
    data: note('data'),
    trailers: note('trailers'),
    end: note('end'),
    fault: ({ reason }: Fault) => void seen.push(reason),
  };
  const limits = { headBytes: 65_536, headerCount: 100 };
  const reader =
    kind === 'request'
      ? new MessageReader<RequestLine>('request', limits, events)
      : new MessageReader<StatusLine>('response', limits, events);
  return { reader, seen };
}
