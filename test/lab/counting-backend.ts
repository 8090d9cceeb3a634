/**
 * A backend that is no model: it holds each request for as long as the request says, streams the while, and keeps account of whom it
 * works for and when.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request that was accepted. Times are those of `performance.now()`. */
export interface Work {
  readonly who: string;
  /** When its sender has sent it. */
  readonly sent: number;
  /** When it came. */
  readonly at: number;
  /**
   * When work on it began: as soon as all has been read that was there when it was read itself. Else one whose sender has
   * left would count beside the next, although its end had come before that. Infinite until then.
   */
  from: number;
  /** Infinite while it goes on. */
  to: number;
}

export interface CountingBackend {
  readonly origin: string;
  /** The credential that it asks for. */
  readonly key: string;
  /** In the order of arrival. */
  readonly work: readonly Work[];
  /** What came without the credential, or without a name. */
  readonly strange: readonly string[];
  close(): void;
}

/** The field with the name of whoever is there. */
export const userField = 'x-orion-user';
/** The field that says for how long, in milliseconds. */
export const holdField = 'x-hold';
/** The field that says when it was sent, by the clock of this process. */
export const sentField = 'x-sent';

const tokenEveryMs = 100;

const isOver = ({ to }: Work): boolean => to < Number.POSITIVE_INFINITY;

/** Starts it on a free port. */
export async function startCountingBackend(): Promise<CountingBackend> {
  const key = 'key-of-the-backend';
  const work: Work[] = [];
  const strange: string[] = [];
  const sockets = new Map<Socket, Work | undefined>();

  function end(socket: Socket): void {
    const current = sockets.get(socket);
    if (current === undefined) return;
    current.to = performance.now();
    sockets.set(socket, undefined);
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket, headers } = request;
    const who = String(headers[userField] ?? '');
    if (headers.authorization !== `Bearer ${key}` || who === '') {
      strange.push(`${request.method} ${request.url} of "${who}"`);
      response.writeHead(401).end();
      return;
    }
    const sent = Number(headers[sentField] ?? 0);
    const one: Work = {
      who,
      sent,
      at: performance.now(),
      from: Number.POSITIVE_INFINITY,
      to: Number.POSITIVE_INFINITY,
    };
    work.push(one);
    sockets.set(socket, one);
    request.resume();
    const until = one.at + Number(headers[holdField] ?? 0);
    const go = (): void => {
      if (isOver(one)) return;
      const left = until - performance.now();
      if (left > 0) {
        response.write('data: {"choices":[{"delta":{"content":"word "}}]}\n\n');
        setTimeout(go, Math.min(left, tokenEveryMs));
        return;
      }
      // Before anybody can know: whoever hears of the end may send the next one at once.
      end(socket);
      response.end('data: [DONE]\n\n');
    };
    const begin = (): void => {
      if (isOver(one)) return;
      one.from = performance.now();
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      go();
    };
    // The first comes before the event loop reads again, the second after that.
    setImmediate(() => setImmediate(begin));
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, answer);
  server.on('connection', (socket) => {
    sockets.set(socket, undefined);
    // `close` would be too late: it comes when all else has been read that was there.
    for (const event of ['end', 'error', 'close']) socket.on(event, () => end(socket));
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`,
    key,
    work,
    strange,
    close: () => {
      server.close();
      for (const socket of sockets.keys()) socket.destroy();
    },
  };
}

/** The most of them that were worked on at the same time. */
export function mostAtOnce(work: readonly Work[]): number {
  const begun = work.filter(({ from }) => from < Number.POSITIVE_INFINITY);
  const changes = begun.flatMap(({ from, to }) => [[from, 1] as const, [to, -1] as const]);
  changes.sort(([a, x], [b, y]) => a - b || x - y);
  let running = 0;
  let most = 0;
  for (const [, change] of changes) most = Math.max(most, (running += change));
  return most;
}

/** The most of them that have arrived within any time of this length. */
export const mostWithin = (work: readonly Work[], ms: number): number =>
  Math.max(0, ...work.map(({ at: from }) => work.filter(({ at }) => at >= from && at < from + ms).length));

/**
 * The most of them that were let in within any time of this length, whatever time they took on their way: both sent and arrived
 * within it. What was let in before it, and came late, does not count.
 */
export const mostLetInWithin = (work: readonly Work[], ms: number): number =>
  Math.max(0, ...work.map(({ sent: from }) => work.filter(({ sent, at }) => sent >= from && at < from + ms).length));
