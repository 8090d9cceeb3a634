/** What has been started, to be ended in the opposite order. */
export class Closers {
  readonly #closers: (() => unknown)[] = [];

  /** Notes how to end something that has just been started. */
  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Ends everything, the newest first, each once. What cannot be ended does not keep the rest from it; it is thrown afterwards. */
  async closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).toReversed()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
