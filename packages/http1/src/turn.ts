/** Something with text that waits to be written. */
export interface Waiting {
  /** Writes it, if it still waits. */
  write(): void;
}

/**
 * Writes when all that has come in this turn of the event loop has been read. Under load dozens of messages come in one
 * turn, and each write on its own would wake the process at the other end and let it fall asleep again: half of what a
 * request cost was the operating system doing that. Alone in its turn, a message waits for nothing.
 */
export class Turn {
  #waiting: Waiting[] = [];
  #spare: Waiting[] = [];

  add(one: Waiting): void {
    if (this.#waiting.push(one) === 1) setImmediate(this.#end);
  }

  readonly #end = (): void => {
    const waiting = this.#waiting;
    this.#waiting = this.#spare;
    for (const one of waiting) one.write();
    waiting.length = 0;
    this.#spare = waiting;
  };
}
