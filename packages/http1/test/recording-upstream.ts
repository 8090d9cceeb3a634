/**
 * An upstream that keeps every byte, answers each request it can see, and says what it saw. It reads for itself, with
 * nothing of the engine, and takes only what every other server would read alike.
 *
 * @module
 */
import { once } from 'node:events';
import net from 'node:net';

export interface SeenRequest {
  readonly line: string;
  readonly fields: readonly string[];
  readonly content: string;
  /** All of it has come. */
  readonly complete: boolean;
}

/** What came on one connection. */
export interface Seen {
  readonly requests: readonly SeenRequest[];
  /** What is wrong with it: something that another server might read differently. */
  readonly doubt: string | undefined;
}

const LINE = /^[A-Z-]+ [\x21-\x7e]+ HTTP\/1\.1$/;
const FIELD =
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$|^[\w-]+: $/;

/** Reads all that came on one connection. */
export function readAll(bytes: string): Seen {
  const requests: SeenRequest[] = [];
  let rest = bytes;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return { requests, doubt: `half a head: ${JSON.stringify(rest)}` };
    const [line = '', ...fields] = rest.slice(0, end).split('\r\n');
    if (!LINE.test(line)) return { requests, doubt: `request line: ${JSON.stringify(line)}` };
    const bad = fields.find((field) => !FIELD.test(field));
    if (bad !== undefined) return { requests, doubt: `field: ${JSON.stringify(bad)}` };
    const framing = fields.filter((field) =>
      /^(?:content[^a-z0-9]?length|transfer[^a-z0-9]?encoding)\s*:/i.test(field),
    );
    if (framing.length > 1) return { requests, doubt: `framing: ${framing.join(' and ')}` };
    const content = readContent(framing[0], rest.slice(end + 4));
    if (typeof content === 'string') return { requests, doubt: content };
    requests.push({ line, fields, content: content.content, complete: content.complete });
    rest = content.rest;
  }
  return { requests, doubt: undefined };
}

interface Content {
  readonly content: string;
  readonly complete: boolean;
  readonly rest: string;
}

function readContent(framing: string | undefined, rest: string): Content | string {
  if (framing === undefined) return { content: '', complete: true, rest };
  const length = /^content-length: (0|[1-9][0-9]*)$/i.exec(framing)?.[1];
  if (length !== undefined) {
    const content = rest.slice(0, Number(length));
    return { content, complete: content.length === Number(length), rest: rest.slice(content.length) };
  }
  return /^transfer-encoding: chunked$/i.test(framing) ? readChunks(rest) : `framing: ${framing}`;
}

function readChunks(bytes: string): Content | string {
  let content = '';
  let rest = bytes;
  for (;;) {
    const size = /^(0|[1-9a-f][0-9a-f]*)\r\n/i.exec(rest);
    if (size === null) return /^[0-9a-f]*\r?$/i.test(rest) ? { content, complete: false, rest: '' } : `chunk: ${rest}`;
    const length = Number.parseInt(size[1] ?? '', 16);
    rest = rest.slice(size[0].length);
    if (length === 0) break;
    if (rest.length < length + 2) return { content: content + rest.slice(0, length), complete: false, rest: '' };
    if (rest.slice(length, length + 2) !== '\r\n') return `end of chunk: ${rest.slice(length)}`;
    content += rest.slice(0, length);
    rest = rest.slice(length + 2);
  }
  const trailers = /^(?:[\w-]+: [\x21-\x7e\x80-\xff ]*\r\n)*\r\n/.exec(rest);
  if (trailers === null) return `trailers: ${JSON.stringify(rest)}`;
  return { content, complete: true, rest: rest.slice(trailers[0].length) };
}

export class RecordingUpstream {
  readonly #server = net.createServer({ allowHalfOpen: true });
  readonly #received: string[] = [];
  readonly #arrived: SeenRequest[] = [];
  readonly #sockets: net.Socket[] = [];

  constructor(answerTo: (request: SeenRequest) => string) {
    this.#server.on('connection', (socket: net.Socket) => {
      const nth = this.#sockets.push(socket) - 1;
      this.#received[nth] = '';
      let answered = 0;
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.on('data', (chunk) => {
        this.#received[nth] += chunk.toString('latin1');
        const complete = readAll(this.#received[nth] as string).requests.filter((request) => request.complete);
        for (const request of complete.slice(answered)) {
          this.#arrived.push(request);
          socket.write(answerTo(request));
        }
        answered = complete.length;
      });
    });
  }

  /** By connection. */
  get seen(): readonly Seen[] {
    return this.#received.map(readAll);
  }

  /** Whole requests in the order in which they came to their end. */
  get arrived(): readonly SeenRequest[] {
    return this.#arrived;
  }

  /** Every byte that came, by connection. */
  get streams(): readonly string[] {
    return this.#received;
  }

  /** Every byte that ever came. */
  get bytes(): string {
    return this.#received.join('');
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
