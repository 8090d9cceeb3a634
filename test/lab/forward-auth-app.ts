/**
 * An app that says what has arrived, whatever it is asked: the only witness that counts.
 *
 * @module
 */
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { WebSocketServer } from 'ws';

export interface EchoApp {
  readonly port: number;
  close(): Promise<void>;
}

/** What the app has received. */
export interface Arrived {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Starts it on a free loopback port. */
export async function startEchoApp(): Promise<EchoApp> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(arrived(request, body)));
    });
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => socket.send(JSON.stringify(arrived(request, ''))));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot start the app: it has no port');
  return {
    port: address.port,
    close: async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function arrived(request: IncomingMessage, body: string): Arrived {
  const fields: [string, string][] = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2)
    fields.push([request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? '']);
  return { method: request.method ?? '', target: request.url ?? '', fields, body };
}

export interface RawAnswer {
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** What the app says to have received, when it has answered. */
  readonly arrived: Arrived | undefined;
}

export interface RawRequest {
  readonly method?: string;
  readonly target?: string;
  /** Default: the app's. */
  readonly host?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** Sends a request byte for byte, on a connection of its own, and reads the answer; of a WebSocket, its first message. */
export function sendRaw(port: number, request: RawRequest): Promise<RawAnswer> {
  const { method = 'GET', target = '/', host = 'app.corp.example', headers = [], body = '' } = request;
  const upgrade = headers.some((line) => /^upgrade:/i.test(line));
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${host}`,
    ...(upgrade ? [] : ['Connection: close']),
    ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...headers,
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = Buffer.alloc(0);
    const done = (): void => {
      socket.destroy();
      try {
        resolve(readAnswer(received, method));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    socket.setTimeout(10_000, () => socket.destroy(new Error(`No answer to ${method} ${target} within 10 s`)));
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (upgrade && isComplete(received)) done();
    });
    socket.on('end', done);
    socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'));
  });
}

/** A handshake was accepted and the first message is there, or the refusal is. */
function isComplete(received: Buffer): boolean {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const head = received.toString('latin1', 0, end);
  const rest = received.length - end - 4;
  if (head.startsWith('HTTP/1.1 101')) {
    const short = received[end + 5] ?? 0;
    const length = short < 126 ? short : received.length >= end + 8 ? received.readUInt16BE(end + 6) : Number.NaN;
    return rest >= length + (short < 126 ? 2 : 4);
  }
  const length = /\r\ncontent-length: *([0-9]+)/i.exec(head)?.[1];
  if (length !== undefined) return rest >= Number(length);
  return received.toString('latin1', end + 4).endsWith('0\r\n\r\n');
}

function readAnswer(received: Buffer, method: string): RawAnswer {
  const end = received.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = received.toString('latin1', 0, Math.max(end, 0)).split('\r\n');
  const status = Number(statusLine.split(' ')[1] ?? 0);
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  let content = received.subarray(end + 4);
  if (status === 101) content = content.subarray((content[1] ?? 0) < 126 ? 2 : 4);
  else if (fields.some(([name, value]) => name.toLowerCase() === 'transfer-encoding' && value === 'chunked'))
    content = dechunked(content);
  const body = content.toString('utf8');
  const isEcho = (status === 200 || status === 101) && body.startsWith('{"method":') && method !== 'HEAD';
  const arrivedThere: Arrived | undefined = isEcho ? JSON.parse(body) : undefined;
  return { status, fields, body, arrived: arrivedThere };
}

function dechunked(content: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = content.indexOf('\r\n', at);
    if (end === -1) return Buffer.concat(pieces);
    const size = Number.parseInt(content.toString('latin1', at, end), 16);
    if (!(size > 0)) return Buffer.concat(pieces);
    pieces.push(content.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

/** The values of a field, by its name in lower case. */
export const valuesOf = (fields: RawAnswer['fields'], lowerName: string): readonly string[] =>
  fields.filter(([name]) => name.toLowerCase() === lowerName).map(([, value]) => value);
