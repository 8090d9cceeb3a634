/**
 * The `openai` packages before a gateway, npm's and Python's: the same steps with the same results, `openai_client.py` being the
 * other half.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import OpenAI, { APIError } from 'openai';
import { environment } from '../../lab/files.ts';
import { openaiPython } from '../../lab/openai-python.ts';

export const steps = ['answers', 'errors', 'broken', 'cancel', 'refused', 'other model', 'patient'] as const;
export type Step = (typeof steps)[number];

/** One that runs. */
export interface Program {
  /** Takes these steps, one after the other, and gives what came of each. */
  take(...taken: readonly Step[]): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

/** All that a program is told. */
export interface Told {
  readonly baseURL: string;
  readonly apiKey: string;
  /** npm's alone. */
  readonly fetch?: typeof fetch;
}

/** Python's, in a process of its own. */
export function inPython({ baseURL, apiKey }: Told): Program {
  const child = spawn(openaiPython, [join(import.meta.dirname, 'openai_client.py')], {
    env: environment({ OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: apiKey }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    take: async (...taken) => {
      const results: unknown[] = [];
      for (const step of taken) {
        child.stdin.write(`${step}\n`);
        const { value } = await lines.next();
        if (typeof value !== 'string') throw new Error(`openai_client.py has ended at the step "${step}"`);
        results.push(JSON.parse(value));
      }
      return results;
    },
    close: async () => {
      child.kill();
      await ended;
    },
  };
}

/** npm's. */
export function inNode(told: Told): Program {
  const client = new OpenAI(told);
  const once = new OpenAI({ ...told, maxRetries: 0 });
  const question = [{ role: 'user' as const, content: 'good morning to you' }];
  type Metadata = Readonly<Record<string, string>>;
  const chat = async (of = client, metadata: Metadata = {}, model = 'small-echo'): Promise<string | null | undefined> =>
    (await of.chat.completions.create({ model, messages: question, metadata })).choices[0]?.message.content;
  const streamed = (metadata: Metadata = {}, more: { readonly stream_options?: { include_usage: boolean } } = {}) =>
    client.chat.completions.create({ model: 'small-echo', messages: question, metadata, stream: true, ...more });
  async function collect<T, R>(stream: AsyncIterable<T>, pick: (event: T) => R): Promise<R[]> {
    const picked: R[] = [];
    for await (const event of stream) picked.push(pick(event));
    return picked;
  }
  const error = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => 'no error',
      (caught: unknown) => {
        if (!(caught instanceof APIError)) throw caught;
        return [caught.constructor.name, caught.status, caught.code];
      },
    );
  const take: Readonly<Record<Step, () => Promise<unknown>>> = {
    answers: async () => {
      const events = await collect(
        await streamed({}, { stream_options: { include_usage: true } }),
        (event) => event.usage?.total_tokens,
      );
      const vectors = await client.embeddings.create({ model: 'small-embedding', input: ['a', 'bc'] });
      const responses = { model: 'small-echo', input: 'good morning' };
      const sound = await client.audio.speech.create({ model: 'small-echo', voice: 'alloy', input: 'hi' });
      return {
        chat: await chat(),
        words: await collect(await streamed(), ({ choices }) => choices[0]?.delta.content ?? null),
        usage: events.at(-1),
        models: await collect(client.models.list(), ({ id }) => id),
        embedding: vectors.data[1]?.embedding.slice(0, 3),
        response: (await client.responses.create(responses)).output_text,
        typed: await collect(
          await client.responses.create({ ...responses, input: 'good', stream: true }),
          ({ type }) => type,
        ),
        sound: (await sound.arrayBuffer()).byteLength,
      };
    },
    errors: async () => ({
      'unknown model': await error(chat(client, {}, 'large-unknown')),
      failure: await error(chat(once, { status: '500' })),
      'limit of the backend': await error(chat(once, { status: '429' })),
      'failure that passes': await chat(client, { status: '500', until_retry: '1' }),
    }),
    broken: async () => {
      const stream = await streamed({ break_after: '2' });
      return collect(stream, () => {}).then(
        () => 'no error',
        (caught: unknown) => (caught instanceof Error ? caught.name : caught),
      );
    },
    cancel: async () => {
      const stream = await streamed({ pause_ms: '600000' });
      for await (const { choices } of stream) if (choices[0]?.delta.content === 'good ') break;
      const at = Date.now();
      stream.controller.abort();
      return at;
    },
    refused: () => error(chat(once)),
    'other model': () => error(chat(once, {}, 'large-echo')),
    patient: () => chat(),
  };
  return {
    take: async (...taken) => {
      const results: unknown[] = [];
      for (const step of taken) results.push(await take[step]());
      return results;
    },
    close: () => Promise.resolve(),
  };
}
