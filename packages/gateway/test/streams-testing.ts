/**
 * For tests of streams that end with their sign-in: how a WebSocket or an event stream has ended, as its client sees it.
 *
 * @module
 */
import { type Agent, request } from 'node:http';
import { WebSocket } from 'ws';

export interface Closing {
  readonly code: number;
  readonly reason: string;
  /** `performance.now()`. */
  readonly at: number;
}

export interface OpenSocket {
  readonly socket: WebSocket;
  /** How it has ended, once it has. */
  readonly closing: Promise<Closing>;
  readonly ended: () => boolean;
}

/** Opens a WebSocket; rejects with the status when it is refused. */
export function openWs(
  url: string,
  headers: Readonly<Record<string, string>>,
  options: { readonly perMessageDeflate?: boolean } = {},
): Promise<OpenSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('http', 'ws'), { headers, ...options });
    let ended = false;
    const closing = new Promise<Closing>((closed) => {
      socket.once('close', (code: number, reason: Buffer) => {
        ended = true;
        closed({ code, reason: reason.toString(), at: performance.now() });
      });
    });
    socket.once('open', () => resolve({ socket, closing, ended: () => ended }));
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      reject(new Refused(response.statusCode ?? 0));
    });
    socket.on('error', reject);
  });
}

/** A stream that was not opened. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`Refused with ${status}`);
    this.status = status;
  }
}

export interface OpenEvents {
  readonly status: number;
  readonly body: () => string;
  /** Resolves when it has been cut. */
  readonly cut: Promise<{ readonly at: number }>;
  readonly ended: () => boolean;
  readonly close: () => void;
}

/** Opens an event stream as `EventSource` does, and reads on. */
export function openEvents(url: string, headers: Readonly<Record<string, string>>, agent?: Agent): Promise<OpenEvents> {
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      headers: { Accept: 'text/event-stream', ...headers },
      ...(agent === undefined ? {} : { agent }),
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      let body = '';
      let ended = false;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('error', () => {});
      const cut = new Promise<{ readonly at: number }>((gone) => {
        response.once('close', () => {
          ended = true;
          gone({ at: performance.now() });
        });
      });
      const close = (): void => void asked.destroy();
      resolve({ status: response.statusCode ?? 0, body: () => body, cut, ended: () => ended, close });
    });
    asked.end();
  });
}
