import assert from 'node:assert/strict';
import { test } from 'node:test';
import { piecesOfEvent, toldTokens, tokensOfEvent } from './told.ts';

for (const [what, usage, tokens] of [
  ['of chat completions', { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 }, { in: 9, out: 4 }],
  ['of the Responses API', { input_tokens: 9, output_tokens: 4, total_tokens: 13 }, { in: 9, out: 4 }],
  ['of embeddings', { prompt_tokens: 8, total_tokens: 8 }, { in: 8, out: 0 }],
  ['of a total alone', { total_tokens: 8 }, { in: 8, out: 0 }],
  ['of a total and an answer', { completion_tokens: 3, total_tokens: 8 }, { in: 5, out: 3 }],
  ['of a total that is too small', { completion_tokens: 9, total_tokens: 8 }, { in: 0, out: 9 }],
  [
    'of Anthropic with a cache',
    { input_tokens: 2, cache_read_input_tokens: 100, cache_creation_input_tokens: 10, output_tokens: 3 },
    { in: 112, out: 3 },
  ],
  ['of one half', { output_tokens: 3 }, { in: undefined, out: 3 }],
  ['that is null', null, undefined],
  ['that is a list', [1], undefined],
  ['without tokens', { seconds: 3 }, undefined],
  ['with what is no number of tokens', { prompt_tokens: -1, completion_tokens: 1.5, total_tokens: '8' }, undefined],
  ['with too large a number', { prompt_tokens: 1e300, completion_tokens: 4 }, { in: undefined, out: 4 }],
] as const)
  test(`toldTokens() reads a usage ${what}`, () => assert.deepEqual(toldTokens(usage), tokens));

for (const [what, event, tokens] of [
  ['the event itself', { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }, { in: 1, out: 2 }],
  [
    'the response of response.completed',
    { type: 'response.completed', response: { usage: { input_tokens: 1, output_tokens: 2 } } },
    { in: 1, out: 2 },
  ],
  ['the message of message_start', { message: { usage: { input_tokens: 1, output_tokens: 1 } } }, { in: 1, out: 1 }],
  ['nothing', { usage: null, response: { usage: null }, message: 'x' }, undefined],
  ['no object', 3, undefined],
] as const)
  test(`tokensOfEvent() reads ${what}`, () => assert.deepEqual(tokensOfEvent(event), tokens));

for (const [what, event, pieces] of [
  ['a first chunk with a role and nothing', { choices: [{ delta: { role: 'assistant', content: '' } }] }, 0],
  ['a chunk with text', { choices: [{ delta: { content: 'Hi' } }] }, 1],
  ['a chunk for two choices', { choices: [{ delta: { content: 'a' } }, { delta: { content: 'b' } }] }, 2],
  ['a call of a tool', { choices: [{ delta: { tool_calls: [{ index: 0 }] } }] }, 1],
  ['a thought', { choices: [{ delta: { reasoning_content: 'Hm' } }] }, 1],
  ['a last chunk', { choices: [{ delta: {}, finish_reason: 'stop' }] }, 0],
  ['a chunk with usage alone', { choices: [], usage: {} }, 0],
  ['a text completion', { choices: [{ text: 'a' }] }, 1],
  ['a delta of the Responses API', { type: 'response.output_text.delta', delta: 'a' }, 1],
  ['its end', { type: 'response.output_text.done', text: 'a' }, 0],
  ['a delta of Anthropic', { type: 'content_block_delta', delta: { text: 'a' } }, 1],
  ['its ping', { type: 'ping' }, 0],
  ['choices that are none', { choices: [1, null, 'x'] }, 0],
] as const)
  test(`piecesOfEvent() counts ${what}`, () => assert.equal(piecesOfEvent(event).count, pieces));
