import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { type UsageRead, usageReader } from './reader.ts';

const json = { contentType: 'application/json; charset=utf-8', contentEncoding: '' };
const stream = { contentType: 'text/event-stream', contentEncoding: '' };

/** Reads a body that comes in pieces of this size, one a millisecond from 1,000 on. */
async function read(kind: typeof json, body: string | Uint8Array, size = 1 << 20): Promise<UsageRead> {
  const reader = usageReader(kind);
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  for (let at = 0, now = 1_000; at < bytes.length; at += size, now++) {
    const piece = Uint8Array.from(bytes.subarray(at, at + size));
    reader.push(piece, now);
    piece.fill(0x7e);
  }
  return reader.end();
}

const known = (tokensIn: number, tokensOut: number, firstContentAt?: number): UsageRead => ({
  tokensIn,
  tokensOut,
  estimated: false,
  firstContentAt,
  trouble: undefined,
});
const unknown = (trouble: UsageRead['trouble']): UsageRead => ({
  tokensIn: undefined,
  tokensOut: undefined,
  estimated: false,
  firstContentAt: undefined,
  trouble,
});

const chat = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ delta: { content } }], usage: null })}\n\n`;
const openAi = (usage: boolean): string =>
  [
    ': keep-alive\n\n',
    'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n',
    chat('Zażółć "usage":{"prompt_tokens":99} '),
    chat('gęślą'),
    chat(' jaźń'),
    'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    usage ? 'data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}\n\n' : '',
    'data: [DONE]\n\n',
  ].join('');

const anthropic = [
  'event: message_start\r\ndata: {"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}}\r\n\r\n',
  'event: content_block_delta\r\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}\r\n\r\n',
  'event: message_delta\r\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}\r\n\r\n',
  'event: message_stop\r\ndata: {"type":"message_stop"}\r\n\r\n',
].join('');

const responses = [
  'event: response.created\ndata: {"type":"response.created","response":{"usage":null}}\n\n',
  'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"Hi"}\n\n',
  'event: response.completed\ndata: {"type":"response.completed","response":{"usage":{"input_tokens":5,"output_tokens":6}}}\n\n',
].join('');

for (const [what, kind, body, expected] of [
  ['a chat completion', json, '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}', known(3, 4)],
  ['a body without usage', json, '{"choices":[]}', unknown('not-told')],
  ['a usage that is null', json, '{"usage":null}', unknown('not-told')],
  ['a page of HTML that is called JSON', json, '<html>"usage":{"prompt_tokens":3}</html>', unknown('not-told')],
  ['a body that was cut off', json, '{"usage":{"prompt_tokens":3', unknown('not-told')],
  ['a usage that is no JSON', json, '{"usage":{prompt_tokens:3}}', unknown('not-told')],
  ['a stream with usage', stream, openAi(true), known(11, 7, 1_000)],
  [
    'a stream without',
    stream,
    openAi(false),
    { ...known(0, 7, 1_000), tokensIn: undefined, estimated: true, trouble: 'not-told' },
  ],
  ['a stream of Anthropic', stream, anthropic, known(25, 15, 1_000)],
  ['a stream of the Responses API', stream, responses, known(5, 6, 1_000)],
  ['a stream that is no JSON', stream, 'data: {"usage":{\n\ndata: x\n\n', unknown('not-told')],
  ['an empty stream', stream, '', unknown('not-told')],
  ['a picture', { ...json, contentType: 'image/png' }, '\x89PNG', unknown('other-type')],
  ['a body without a type', { ...json, contentType: '' }, '{"usage":{"prompt_tokens":3}}', unknown('other-type')],
  ['a coding that nobody knows', { ...json, contentEncoding: 'aes128gcm' }, 'x', unknown('encoding')],
  ['two codings', { ...json, contentEncoding: 'gzip, br' }, 'x', unknown('encoding')],
] as const)
  test(`usageReader() reads ${what}`, async () => assert.deepEqual(await read(kind, body), expected));

test('usageReader() reads problem+json and other types of JSON', async () => {
  const body = '{"usage":{"prompt_tokens":3,"completion_tokens":4}}';
  assert.deepEqual(await read({ ...json, contentType: 'Application/Vnd.Api+JSON' }, body), known(3, 4));
});

test('usageReader() reads the usage behind a hundred megabytes', async () => {
  const reader = usageReader(json);
  reader.push(Buffer.from('{"data":["'), 0);
  const piece = Buffer.alloc(1 << 20, 'x');
  for (let i = 0; i < 100; i++) reader.push(piece, 0);
  reader.push(Buffer.from('"],"usage":{"prompt_tokens":3,"completion_tokens":4}}'), 0);
  assert.deepEqual(await reader.end(), known(3, 4));
});

test('usageReader() passes over an event of more than a megabyte, and says so where that one had the usage', async () => {
  const long = `data: {"response":{"text":"${'x'.repeat(1 << 20)}","usage":{"input_tokens":1,"output_tokens":2}}}\n\n`;
  const { tokensOut, estimated, trouble } = await read(stream, chat('a') + long);
  assert.deepEqual([tokensOut, estimated, trouble], [1, true, 'too-long']);
  assert.deepEqual(await read(stream, long + openAi(true)), known(11, 7, 1_001));
});

test('usageReader() knows when the first piece of the answer came, and not the events before it', async () => {
  const reader = usageReader(stream);
  reader.push(Buffer.from('data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'), 100);
  reader.push(Buffer.from(chat('Hi').slice(0, 20)), 200);
  reader.push(Buffer.from(chat('Hi').slice(20)), 300);
  reader.push(Buffer.from(chat('you')), 400);
  assert.equal((await reader.end()).firstContentAt, 300);
});

test('usageReader() counts the pieces of a stream that was broken off', async () => {
  const { tokensOut, estimated } = await read(stream, chat('a') + chat('b') + chat('c').slice(0, 9));
  assert.deepEqual([tokensOut, estimated], [2, true]);
});

test('usageReader() counts what came after the tokens were last told: who leaves before the end has got it all the same', async () => {
  const [start = '', piece = ''] = anthropic.split(/(?<=\r\n\r\n)/);
  const { tokensIn, tokensOut, estimated } = await read(stream, start + piece.repeat(40));
  assert.deepEqual([tokensIn, tokensOut, estimated], [25, 41, true]);
});

test('usageReader() counts long pieces as more than one token', async () => {
  const { tokensOut } = await read(stream, chat('word '.repeat(600)));
  assert.equal(tokensOut, 500);
});

test('usageReader() may be ended twice', async () => {
  const reader = usageReader(stream);
  reader.push(Buffer.from('data: {"choices":[{"text":"a"}]}'), 1);
  assert.deepEqual(await reader.end(), await reader.end());
  assert.equal((await reader.end()).tokensOut, 1);
});

suite('usageReader() of a body in a content coding', () => {
  for (const [coding, encode] of [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    test(`reads ${coding}, in one piece and in many`, async () => {
      const body = encode(openAi(true));
      for (const size of [1 << 20, 7])
        assert.equal((await read({ ...stream, contentEncoding: coding }, body, size)).tokensOut, 7);
    });
  }

  test('reads what there is of gzip that was broken off', async () => {
    const body = gzipSync(openAi(true));
    const { tokensOut } = await read({ ...stream, contentEncoding: 'gzip' }, body.subarray(0, body.length - 9));
    assert.equal(tokensOut, 7);
  });

  test('says so when the bytes are not in it', async () => {
    assert.deepEqual(
      await read({ ...json, contentEncoding: 'gzip' }, '{"usage":{"prompt_tokens":3}}'),
      unknown('encoding'),
    );
  });

  test('gives up on a body that comes faster than it is decoded', async () => {
    const reader = usageReader({ ...json, contentEncoding: 'gzip' });
    const piece = Buffer.alloc(600_000);
    reader.push(piece, 0);
    reader.push(piece, 0);
    assert.deepEqual(await reader.end(), unknown('too-long'));
  });
});

test('usageReader() reads the same however the body is split', async () => {
  const bodies = [openAi(true), openAi(false), anthropic, responses, openAi(true).replaceAll('\n', '\r')];
  for (const body of bodies) {
    const { firstContentAt: _, ...whole } = await read(stream, body);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 300 }), async (size) => {
        const { firstContentAt, ...split } = await read(stream, body, size);
        assert.deepEqual(split, whole);
        assert.ok(firstContentAt !== undefined);
      }),
      { numRuns: 30 },
    );
  }
});
