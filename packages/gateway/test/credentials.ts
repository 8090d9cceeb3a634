/**
 * For tests of credentials that come with each request: a gateway of which everything is kept that it writes and sends to its
 * app, to look for what must not be there.
 *
 * @module
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type ClientOptions, WebSocket } from 'ws';
import { runCli } from '../src/cli/run.ts';
import { Screen } from '../src/cli/testing.ts';
import { send, startTestGateway, type TestGateway, type TestOptions, type TestResponse } from './harness.ts';

export interface WatchedGateway extends TestGateway {
  /** Every byte that has gone to the app. */
  received(): string;
  /** Forgets what has gone to the app so far, for tests that look at one request; `leaks` sees it all the same. */
  forget(): void;
  /** Stops the gateway, and says where these texts can be read: in what the app got, the logs, the metrics, the state. */
  leaks(secrets: readonly string[]): Promise<readonly string[]>;
}

/** Starts a gateway with the sample app behind a line that is listened in on. */
export async function startWatched(options: Omit<TestOptions, 'folder'>): Promise<WatchedGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-credentials-'));
  const line = await startLine();
  const gateway = await startTestGateway({
    threads: 1, // so that what a request causes is in the audit log when its answer is there
    ...options,
    folder,
    config: (upstream) => {
      line.lead(upstream);
      return options.config(line.origin);
    },
  });
  let open = true;
  async function close(): Promise<void> {
    if (open) await gateway.close();
    open = false;
    line.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    ...gateway,
    received: () => line.received(),
    forget: () => line.forget(),
    close,
    leaks: async (secrets) => {
      const { body: metrics } = await send(`${gateway.admin}/metrics`);
      open = false;
      await gateway.close(); // what waits is written
      const places: [string, string][] = [
        ['the app', readable(line.everything())],
        ['the logs', gateway.written()],
        ['the metrics', metrics],
        ...readdirSync(join(folder, 'state')).map((name): [string, string] => [
          `state/${name}`,
          readFileSync(join(folder, 'state', name), 'latin1'),
        ]),
      ];
      return places.flatMap(([place, text]) =>
        secrets.flatMap((secret, i) => (finds(text, secret) ? [`${place} has secret ${i}`] : [])),
      );
    },
  };
}

/** With the contents of signed tokens as they are when somebody has read them. */
const readable = (text: string): string =>
  text +
  [...text.matchAll(/\beyJ[\w-]+\.([\w-]+)\./g)]
    .map(([, part = '']) => Buffer.from(part, 'base64url').toString())
    .join('\n');

/** Whole, or so much of it that the rest could be guessed. */
function finds(text: string, secret: string): boolean {
  if (secret.length < 12) throw new Error('Such a short text could stand anywhere');
  // Neither its beginning, which is no secret, nor its end, which a test may have altered.
  const part = secret.length > 48 ? secret.slice(-40, -8) : secret;
  return [part, encodeURIComponent(part), Buffer.from(part).toString('base64').slice(0, -4)].some((one) =>
    text.includes(one),
  );
}

interface Line {
  readonly origin: string;
  lead(to: string): void;
  received(): string;
  everything(): string;
  forget(): void;
  close(): void;
}

/** Passes bytes on to an app and keeps those that go there. */
async function startLine(): Promise<Line> {
  let to = { host: '127.0.0.1', port: 0 };
  let bytes = '';
  let from = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  };
  const server = createServer((client) => {
    const app = connect(to);
    keep(client, app);
    keep(app, client);
    client.on('data', (chunk: Buffer) => (bytes += chunk.toString('latin1')));
    client.pipe(app);
    app.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const where = server.address();
  return {
    origin: `http://127.0.0.1:${where !== null && typeof where === 'object' ? where.port : 0}`,
    lead: (url) => {
      const { hostname: host, port } = new URL(url);
      to = { host, port: Number(port) };
    },
    received: () => bytes.slice(from),
    everything: () => bytes,
    forget: () => void (from = bytes.length),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** What `cardea` with these arguments says, beside the gateway in this folder. Throws when it does not succeed. */
export async function cardea(folder: string, ...argv: readonly string[]): Promise<string> {
  const [stdout, stderr] = [new Screen(), new Screen()];
  const terminal = { stdin: Readable.from([]), stdout, stderr, env: {}, cwd: folder, version: '1', now: Date.now };
  const status = await runCli(argv, { serve: async () => {}, terminal });
  if (status !== 0) throw new Error(`cardea ${argv.join(' ')}: ${status} ${stderr.text}`);
  return stdout.text;
}

/** Makes an API key. */
export const makeKey = async (folder: string, name: string, ...options: readonly string[]): Promise<string> =>
  (await cardea(folder, 'keys', 'create', '--name', name, ...options)).trim();

/** Its id, which is no secret. */
export const idOf = (key: string): string => key.split('_')[1] ?? '';

export interface Stream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The first piece of the body. */
  readonly first: string;
  close(): void;
}

/** Begins to read an event stream, as an `EventSource` does. Close it. */
export function openStream(url: string, headers: OutgoingHttpHeaders = {}, agent?: Agent): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, {
      headers: { Accept: 'text/event-stream', 'Cache-Control': 'no-cache', ...headers },
      ...(agent === undefined ? {} : { agent }),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const { statusCode: status = 0, headers: fields } = response;
      const close = (): void => void request.destroy();
      response.on('error', () => {});
      response.setEncoding('utf8');
      response.once('data', (first: string) => resolve({ status, headers: fields, first, close }));
      response.once('end', () => resolve({ status, headers: fields, first: '', close }));
    });
    request.end();
  });
}

export type Upgrade =
  | { readonly kind: 'open'; readonly socket: WebSocket; readonly visitor: Visitor; readonly fields: Received }
  | { readonly kind: 'refused'; readonly status: number };

/** The identity as the sample app tells it. */
export interface Visitor {
  readonly user?: string;
  readonly upn?: string;
  readonly groups: readonly string[];
}
/** Fields as the app got them. */
export type Received = readonly (readonly [name: string, value: string])[];

/** Opens a WebSocket and waits for the app's first message. Terminate it. */
export function openSocketWith(url: string, options: ClientOptions): Promise<Upgrade> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('http', 'ws'), [], options);
    socket.once('message', (data: Buffer) => {
      const { visitor, fields }: { visitor: Visitor; fields: Received } = JSON.parse(data.toString());
      resolve({ kind: 'open', socket, visitor, fields });
    });
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      resolve({ kind: 'refused', status: response.statusCode ?? 0 });
    });
    socket.once('error', reject);
  });
}

/** Who the app says that is there: over HTTP, an event stream and a WebSocket with the same credential. */
export async function seenBy(
  origin: string,
  headers: Readonly<Record<string, string>>,
): Promise<readonly (string | undefined)[]> {
  const whoami = await send(`${origin}/api/whoami`, { headers });
  const stream = await openStream(`${origin}/events`, headers);
  stream.close();
  const upgrade = await openSocketWith(`${origin}/ws`, { headers });
  if (upgrade.kind === 'open') upgrade.socket.terminate();
  return [
    userIn(whoami),
    stream.status === 200 ? visitorIn(stream.first).user : String(stream.status),
    upgrade.kind === 'open' ? upgrade.visitor.user : String(upgrade.status),
  ];
}

/** The account that the app got; the status when it was not asked. */
export function userIn({ status, body }: TestResponse): string | undefined {
  if (status !== 200) return String(status);
  const visitor: Visitor = JSON.parse(body);
  return visitor.user;
}

/** The identity in the first event of the sample app's stream. */
export function visitorIn(event: string): Visitor {
  const data = /^data: (.*)$/m.exec(event)?.[1];
  if (data === undefined) throw new Error(`This is no event: ${event}`);
  return JSON.parse(data);
}

/** Sends JSON. */
export const postJson = (url: string, body: unknown, headers: OutgoingHttpHeaders = {}): Promise<TestResponse> =>
  send(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

/** Why requests were refused: the reasons in the audit log, from this place on. */
export function reasons(gateway: TestGateway, kind: 'refused' | 'sign-in-failed', from = 0): readonly string[] {
  return gateway
    .audit(kind)
    .slice(from)
    .map(({ reason }) => String(reason));
}
