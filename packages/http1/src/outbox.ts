import type { Socket } from 'node:net';

/** Up to here content is copied into the text that waits; beyond it, bytes are written from where they lie. */
const COPIED = 8 * 1024;
/** What waits is written at this size: Node writes a latin1 string of up to 16 KiB without allocating. */
const HELD = 16 * 1024;

/**
 * What goes out on a connection, held back until a whole is there: a head and its small content become one write.
 * Everything is latin1, where one character is one byte.
 */
export class Outbox {
  readonly #socket: Socket;
  #held = '';

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The other side takes bytes slower than they come: wait for the socket's `drain`. */
  get full(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** All that was written has been taken by the operating system. */
  get empty(): boolean {
    return this.#held === '' && this.#socket.writableLength === 0;
  }

  /** Adds text that `flush` or more content will send. */
  add(text: string): void {
    this.#held += text;
  }

  /** Adds content. True: its memory may be used again. False: it is still being written. */
  content(bytes: Buffer): boolean {
    const { length } = bytes;
    if (length <= COPIED) {
      this.#held += bytes.toString('latin1');
      if (this.#held.length > HELD) this.flush();
      return true;
    }
    const socket = this.#socket;
    if (this.#held === '') socket.write(bytes);
    else {
      socket.cork();
      this.flush();
      socket.write(bytes);
      socket.uncork();
    }
    return socket.writableLength === 0;
  }

  /** Adds content as one chunk (RFC 9112, 7.1). */
  chunk(bytes: Buffer): boolean {
    this.#held += `${bytes.length.toString(16)}\r\n`;
    const free = this.content(bytes);
    this.#held += '\r\n';
    return free;
  }

  /** Writes what was held back. */
  flush(): void {
    const held = this.#held;
    if (held === '') return;
    this.#held = '';
    this.#socket.write(held, 'latin1');
  }
}
