import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { endOfResponse } from './response.ts';

/** Where a client connects to, and from which loopback address: one address has ports for 28,000 connections at most. */
export interface ConnectionOptions {
  readonly port: number;
  readonly localAddress?: string;
}

/** A client's connection for one request after the other. */
export class KeptConnection {
  readonly #socket: Socket;
  #received = '';
  #waiting: PromiseWithResolvers<string> | undefined;
  #ended: Error | undefined;

  static async open(options: ConnectionOptions): Promise<KeptConnection> {
    const socket = connect({ host: '127.0.0.1', noDelay: true, ...options });
    await once(socket, 'connect');
    return new KeptConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('The server closed a connection that was to be kept')));
  }

  /** Sends a request and gives the whole response. Rejects when the connection is lost, also when that was before. */
  ask(request: string | Uint8Array): Promise<string> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    this.#received = '';
    this.#waiting = Promise.withResolvers<string>();
    this.#socket.write(request);
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#received += chunk.toString('latin1');
    if (endOfResponse(this.#received) === undefined) return;
    this.#waiting?.resolve(this.#received);
    this.#waiting = undefined;
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }
}
