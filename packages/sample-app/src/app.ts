/**
 * A small web app that shows the identity it receives over HTTP, event stream and
 * WebSocket. It stands for the app that a company wants to put behind Cardea, and
 * the tests look at the gateway through its eyes.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { fieldsOf, type Visitor, visitorOf } from './identity.ts';
import { page, script, styleSheet } from './page.ts';

export interface SampleApp {
  readonly origin: string;
  /** WebSockets open now. */
  sockets(): number;
  close(): Promise<void>;
}

/** Starts the app on loopback; port 0 takes a free one. */
export async function startSampleApp(options: { readonly port: number }): Promise<SampleApp> {
  const server = createServer((request, response) => answer(request, response));
  const sockets = new WebSocketServer({
    server,
    path: '/ws',
    handleProtocols: (protocols) => [...protocols][0] ?? false,
  });
  sockets.on('connection', (socket, request) => {
    socket.on('error', () => socket.terminate());
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.send(JSON.stringify({ visitor: visitorOf(request.headers), fields: fieldsOf(request) }));
  });
  server.listen(options.port, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    sockets: () => sockets.clients.size,
    close: async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const routes: readonly (readonly [path: string, answer: Answer])[] = [
  [
    '/',
    (request, response) =>
      send(
        response,
        'text/html',
        page.replace('PAGE', () => rows(visitorOf(request.headers))),
      ),
  ],
  ['/app.css', (_, response) => send(response, 'text/css', styleSheet)],
  ['/app.js', (_, response) => send(response, 'text/javascript', script)],
  ['/api/whoami', (request, response) => sendJson(response, visitorOf(request.headers))],
  ['/headers', (request, response) => sendJson(response, fieldsOf(request))],
  [
    '/reports/',
    (request, response) => sendJson(response, { report: 'quarterly figures', for: visitorOf(request.headers).user }),
  ],
  ['/events', events],
  ['/upload', upload],
];

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '/').split('?')[0];
  const found = routes.find(([route]) => route === path);
  if (found) found[1](request, response);
  else send(response, 'text/plain', 'The sample app has no such page.\n', 404);
}

/** Says who is there, then the time every second until the client leaves. */
function events(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.write(`event: visitor\ndata: ${JSON.stringify(visitorOf(request.headers))}\n\n`);
  const timer = setInterval(() => response.write(`event: time\ndata: ${new Date().toISOString()}\n\n`), 1000);
  response.on('close', () => clearInterval(timer));
}

/** Says how many bytes arrived and their SHA-256, so that a test can compare. */
function upload(request: IncomingMessage, response: ServerResponse): void {
  const hash = createHash('sha256');
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  request.on('error', () => response.destroy());
  request.on('end', () => sendJson(response, { bytes, sha256: hash.digest('hex') }));
}

function rows(visitor: Visitor): string {
  const values = {
    user: visitor.user,
    UPN: visitor.upn,
    name: visitor.name,
    groups: visitor.groups.length > 12 ? `${visitor.groups.length} groups` : visitor.groups.join(', '),
    roles: visitor.roles.join(', '),
  };
  return Object.entries(values)
    .map(([key, value]) => `<dt>${key}</dt><dd>${escape(value === undefined || value === '' ? '–' : value)}</dd>`)
    .join('');
}

const escape = (text: string): string => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

function send(response: ServerResponse, type: string, body: string, status = 200): void {
  response.writeHead(status, { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' }).end(body);
}

function sendJson(response: ServerResponse, value: unknown): void {
  send(response, 'application/json', `${JSON.stringify(value, undefined, 2)}\n`);
}
