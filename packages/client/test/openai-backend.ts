/**
 * An OpenAI-compatible test backend: no model, it says back what it is asked. It takes the tokens that its own issuer gives.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface TestBackend {
  readonly origin: string;
  /** How often the issuer was asked. */
  readonly given: () => number;
  /** The paths that were asked for with a token that is good, in order. */
  readonly served: readonly string[];
  /** From now on only new tokens are taken. */
  revokeAll(): void;
  close(): Promise<void>;
}

/** Starts one on a loopback port. */
export async function startTestBackend(): Promise<TestBackend> {
  const served: string[] = [];
  let given = 0;
  let good = 1;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const path = request.url ?? '';
    if (path === '/desktop/token') {
      given += 1;
      return json(response, 200, { access_token: `token-${given}`, token_type: 'Bearer', expires_in: 1_800 });
    }
    const number = Number(/^Bearer token-(\d+)$/.exec(request.headers.authorization ?? '')?.[1] ?? 0);
    if (number < good) return json(response, 401, { error: { message: 'not a good token', type: 'invalid_request' } });
    served.push(path);
    const { messages, stream } = Object(JSON.parse(body));
    const words = String(messages.at(-1).content).split(' ');
    if (stream !== true) return json(response, 200, completion({ role: 'assistant', content: words.join(' ') }));
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const word of words) response.write(`data: ${JSON.stringify(chunkOf(word))}\n\n`);
    response.end('data: [DONE]\n\n');
  };
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The test backend has no port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    given: () => given,
    served,
    revokeAll: () => void (good = given + 1),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const about = { id: 'test', created: 1, model: 'echo' };
const completion = (message: object): object => ({
  ...about,
  object: 'chat.completion',
  choices: [{ index: 0, message, finish_reason: 'stop' }],
});
const chunkOf = (content: string): object => ({
  ...about,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
