import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely, type SecureContext } from 'node:tls';
import { endOfResponse } from './response.ts';

/** Where a client connects to, and from which loopback address: one address has ports for 28,000 connections at most. */
export interface ConnectionOptions {
  readonly port: number;
  readonly localAddress?: string;
  /** TLS, with a full handshake. Whose certificate it is does not matter. */
  readonly secureContext?: SecureContext;
}

/** A client's connection for one request after the other. */
export class KeptConnection {
  readonly #socket: Socket;
  #received = '';
  #waiting: PromiseWithResolvers<string> | undefined;
  #ended: Error | undefined;

  static async open(options: ConnectionOptions): Promise<KeptConnection> {
    const all = { host: '127.0.0.1', noDelay: true, ...options };
    if (options.secureContext === undefined) {
      const socket = connect(all);
      await once(socket, 'connect');
      return new KeptConnection(socket);
    }
    const secure = connectSecurely({ ...all, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    await once(secure, 'secureConnect');
    if (secure.isSessionReused() || secure.getProtocol() !== 'TLSv1.3')
      throw new Error(`Cannot measure: not a full handshake of TLS 1.3 but ${secure.getProtocol()}`);
    return new KeptConnection(secure);
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
