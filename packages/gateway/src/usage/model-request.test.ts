import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type ModelRequest, readModelRequest, tokensToReserve } from './model-request.ts';

const readText = (text: string) => readModelRequest(Buffer.from(text));

function request(value: unknown): ModelRequest {
  const outcome = readText(JSON.stringify(value));
  assert.ok(outcome.kind === 'ok', JSON.stringify(outcome));
  return outcome.request;
}

test('readModelRequest() reads model, stream, the bound of the answer, and the length of the prompt', () => {
  const messages = [
    { role: 'system', content: 'Be brief' },
    { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
  ];
  assert.deepEqual(request({ model: 'gpt-x', stream: true, max_tokens: 50, n: 2, messages }), {
    model: 'gpt-x',
    otherModels: [],
    stream: true,
    maxTokens: 50,
    answers: 2,
    promptCharacters: 'systemBe briefusertextHi'.length,
  });
});

test('readModelRequest() reads a request that names nothing', () => {
  const numbers = { maxTokens: undefined, answers: 1, promptCharacters: 0 };
  const nothing = { model: undefined, otherModels: [], stream: false, ...numbers };
  assert.deepEqual(request({ model: null, stream: 'true', max_tokens: null, n: 0 }), nothing);
});

for (const [what, body, maxTokens] of [
  ['max_completion_tokens', { max_completion_tokens: 7 }, 7],
  ['max_output_tokens', { max_output_tokens: 7 }, 7],
  ['the largest of several', { max_tokens: 3, max_completion_tokens: 9 }, 9],
  [
    'none that is no number of tokens',
    { max_tokens: -1, max_output_tokens: 'all', max_completion_tokens: {} },
    undefined,
  ],
  ['a number that is a text, which Pydantic reads', { max_tokens: '5000' }, 5000],
  ['as much as there is, where it is more', { max_tokens: 1e300 }, 1e9],
] as const)
  test(`readModelRequest() takes for the bound of the answer ${what}`, () => {
    assert.equal(request(body).maxTokens, maxTokens);
  });

for (const [what, body, characters] of [
  ['a prompt', { prompt: 'abcd' }, 4],
  ['several prompts', { prompt: ['ab', 'cd'] }, 4],
  ['a prompt of tokens, each four', { prompt: [1, 2, 3] }, 12],
  ['an input with instructions', { input: 'ab', instructions: 'cd' }, 4],
  ['no picture', { messages: [{ image_url: { url: 'data:image/png;base64,AAAA' } }] }, 0],
  ['no sound', { messages: [{ input_audio: { data: 'AAAA', format: 'wav' } }] }, 3],
  ['a prompt in whatever member', { documents: [{ text: 'abcd' }], chat_template: 'ab' }, 6],
  ['a prompt that calls itself data', { messages: [{ content: 'data: four' }] }, 10],
  ['a text where a file could be', { messages: [{ source: { data: 'a b' } }] }, 3],
  ['nothing else', { user: 'abcd', metadata: { x: 'abcd' } }, 0],
] as const)
  test(`readModelRequest() counts the characters of ${what}`, () => {
    assert.equal(request(body).promptCharacters, characters);
  });

for (const [what, text, reason] of [
  ['model twice', '{"model":"a","x":1,"model":"b"}', 'duplicate-name'],
  ['model twice, once with an escape', '{"model":"a","mod\\u0065l":"b"}', 'duplicate-name'],
  ['any name twice', '{"x":1,"x":1}', 'duplicate-name'],
  ['a model in capitals, which Go reads', '{"model":"a","Model":"b"}', 'ambiguous-name'],
  ['a bound with a long s, which Go reads', '{"max_token\u017F":5}', 'ambiguous-name'],
  ['a model that ends in a NUL, where C stops', '{"model":"a","model\\u0000x":"b"}', 'ambiguous-name'],
  ['a model with a space', '{" model":"b"}', 'ambiguous-name'],
  ['a model in wide letters', '{"ｍodel":"b"}', 'ambiguous-name'],
  ['a model that is a list', '{"model":["a"]}', 'bad-model'],
  ['an empty model', '{"model":""}', 'bad-model'],
  ['a model with a line break', '{"model":"a\\n"}', 'bad-model'],
  ['a model that is too long', `{"model":"${'x'.repeat(257)}"}`, 'bad-model'],
  ['a list', '[{"model":"a"}]', 'not-an-object'],
  ['a text', '"model"', 'not-an-object'],
  ['nothing', '', 'not-json'],
  ['what follows the object', '{"model":"a"}{"model":"b"}', 'not-json'],
  ['NaN, which Python takes', '{"x":NaN}', 'not-json'],
  ['a comment', '{/**/"model":"a"}', 'not-json'],
  ['a byte order mark', '\uFEFF{"model":"a"}', 'not-json'],
  ['too deep a nesting', `{"x":${'['.repeat(200)}${']'.repeat(200)}}`, 'too-deep'],
  ['much too deep a nesting', '['.repeat(1_000_000), 'too-deep'],
  [
    'a model within extra_body, which LiteLLM puts over the other',
    '{"model":"a","extra_body":{"model":"b"}}',
    'ambiguous-name',
  ],
  ['a bound in capitals within extra_body', '{"extra_body":{"Max_Tokens":5}}', 'ambiguous-name'],
  ['a list of models in another spelling', '{"model":"a","Models":["b"]}', 'ambiguous-name'],
  ['so many values that reading them takes seconds', `{"x":[${'[],'.repeat(600_000)}0]}`, 'too-complex'],
  ['as many names', `{${Array.from({ length: 1_100 }, (_, i) => `"a${i}":1`).join(',')}}`, 'too-complex'],
  ['a name that takes long to compare', `{"${'ﷺ'.repeat(1_000)}":1}`, 'too-complex'],
] as const)
  test(`readModelRequest() refuses ${what}`, () => {
    const outcome = readText(text);
    assert.equal(outcome.kind === 'refused' && outcome.reason, reason);
  });

for (const [what, body, models] of [
  ['models to fall back on', { models: ['b', 'c'] }, ['b', 'c']],
  ['fallbacks with words of their own', { fallbacks: [{ model: 'b' }, 'c', { a: ['d'] }] }, ['b', 'c', 'd']],
  ['a deployment', { deployment_id: 'b' }, ['b']],
  ['several models in one text, which LiteLLM asks all', { model: 'a, b' }, ['a', 'b']],
  ['a tool that is a model', { tools: [{ type: 'image_generation', model: 'b' }] }, ['b']],
  ['no function that has a model', { tools: [{ type: 'function', function: { parameters: { model: 'b' } } }] }, []],
  ['none that is null', { models: null, fallbacks: [] }, []],
] as const)
  test(`readModelRequest() finds ${what}`, () => {
    assert.deepEqual(request({ model: 'a', ...body }).otherModels, models);
  });

test('readModelRequest() refuses what is not UTF-8', () => {
  const outcome = readModelRequest(Buffer.from('{"model":"caf\xe9"}', 'latin1'));
  assert.equal(outcome.kind === 'refused' && outcome.reason, 'not-utf8');
  const wide = readModelRequest(Buffer.from('{"model":"a"}', 'utf16le'));
  assert.equal(wide.kind, 'refused');
});

test('readModelRequest() says nothing of what was sent', () => {
  const outcome = readText('{"model":"secret-a","model":"secret-b"}');
  assert.doesNotMatch(JSON.stringify(outcome), /secret/);
});

test('readModelRequest() finds the model that JSON.parse finds, or refuses', () => {
  const name = fc.constantFrom('model', 'Model', 'stream', 'x', 'mod\\u0065l', 'messages');
  const value = fc.constantFrom('"a"', '"b"', 'null', 'true', '[]', '{"model":"c"}', '1');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 5 }), (members) => {
      const text = `{${members.map(([key, content]) => `"${key}":${content}`).join(',')}}`;
      const outcome = readText(text);
      const parsed: Record<string, unknown> = JSON.parse(text);
      const names = members.map(([key]) => key.replace('\\u0065', 'e'));
      if (names.includes('Model') || new Set(names).size !== names.length) assert.equal(outcome.kind, 'refused');
      else if (outcome.kind === 'ok') assert.equal(outcome.request.model, parsed['model'] ?? undefined);
      else assert.equal(outcome.reason, 'bad-model');
    }),
  );
});

test('readModelRequest() never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (body) => {
        assert.ok(['ok', 'refused'].includes(readModelRequest(body).kind));
      },
    ),
  );
});

test('tokensToReserve() takes a quarter of the prompt, and each answer at its longest', () => {
  const asked = { ...request({ prompt: 'x'.repeat(9) }), answers: 2 };
  assert.equal(tokensToReserve(asked, 100), 3 + 200);
  assert.equal(tokensToReserve({ ...asked, maxTokens: 10 }, 100), 3 + 20);
  assert.equal(tokensToReserve({ ...asked, maxTokens: 1e9, answers: 1e9 }, 100), 1e9);
});
