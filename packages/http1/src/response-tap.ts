import type { EngineContext } from './engine-context.ts';
import type { Completion, Tap } from './exchange.ts';

/** Lets a tap see what has been written, and nothing happen to the response if it fails. */
export class ResponseTap {
  readonly #context: Pick<EngineContext, 'onError'>;
  #tap: Tap | undefined;
  /** What is being written. */
  readonly #unseen: Buffer[] = [];

  constructor(context: Pick<EngineContext, 'onError'>, tap: Tap) {
    this.#context = context;
    this.#tap = tap;
  }

  /** Content that is to be seen at the next `show`. Its memory must stay as it is until then. */
  add(chunk: Buffer): void {
    if (this.#tap !== undefined) this.#unseen.push(chunk);
  }

  /** To be called when it has been written, so that the client does not wait for the tap. */
  show(): void {
    // Taken out one by one: a tap may end the response.
    for (let chunk = this.#unseen.shift(); chunk !== undefined; chunk = this.#unseen.shift()) {
      const bytes = chunk;
      this.#tell((tap) => tap.content(bytes));
    }
  }

  end(how: Completion['end']): void {
    this.show();
    this.#tell((tap) => tap.end(how === 'complete' ? 'complete' : how === 'client-gone' ? 'cancelled' : 'cut'));
  }

  #tell(call: (tap: Tap) => void): void {
    const tap = this.#tap;
    if (tap === undefined) return;
    try {
      call(tap);
    } catch (error) {
      this.#tap = undefined;
      this.#unseen.length = 0;
      this.#context.onError('A tap on a response failed', error);
    }
  }
}
