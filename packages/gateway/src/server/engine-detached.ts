import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * A connection that Node has taken its parser off, because the request asked for another protocol. It is answered with
 * an ordinary response all the same, and then either carries a tunnel or gets a parser again, so that a browser can
 * repeat a handshake that was answered 401 on the connection it already has.
 */
export class DetachedSocket {
  readonly #socket: Socket;
  readonly #response: ServerResponse;
  readonly #giveBack: () => void;

  constructor(socket: Socket, response: ServerResponse, giveBack: () => void) {
    this.#socket = socket;
    this.#response = response;
    this.#giveBack = giveBack;
    response.assignSocket(socket);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
  }

  /** Leaves the connection to somebody else. */
  release(): void {
    this.#response.detachSocket(this.#socket);
    this.#socket.off('drain', this.#onDrain);
    this.#socket.off('end', this.#onEnd);
  }

  /** The response is through. */
  finish(close: boolean): void {
    this.release();
    if (close) this.#socket.destroySoon();
    else this.#giveBack();
  }

  /** Node's server would do this, if it still listened. */
  readonly #onDrain = (): void => {
    this.#response.emit('drain');
  };

  /** A client that ends its side before the answer has given up. */
  readonly #onEnd = (): void => {
    this.#socket.destroy();
  };
}
