/**
 * A proxy of `node:http` in and `fetch` out, which is undici: `node bench/bare-fetch.ts UPSTREAM-PORT`. Prints its own
 * port.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

const port = Number(process.argv[2]);
/** `fetch` sets these itself. */
const own: ReadonlySet<string> = new Set(['connection', 'content-length', 'host']);

async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { method = 'GET', url = '/' } = incoming;
    const headers = new Headers();
    for (const [name, value] of Object.entries(incoming.headers)) if (!own.has(name)) headers.set(name, String(value));
    const answer = await fetch(`http://127.0.0.1:${port}${url}`, { method, headers, redirect: 'manual' });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body === null) response.end();
    else Readable.fromWeb(answer.body).pipe(response);
  } catch {
    response.destroy();
  }
}

const server = createServer((incoming, response) => void pass(incoming, response)).listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') console.log(address.port);
});
process.once('SIGTERM', () => process.exit()); // so that a profile is written
