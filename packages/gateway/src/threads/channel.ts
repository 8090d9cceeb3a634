/**
 * Calls between threads: each side offers services, and uses those of the other side
 * as if they were its own, except that every answer is a promise.
 *
 * Only what the structured clone algorithm copies can be an argument or an answer.
 *
 * @module
 */

/** What a `MessagePort`, a `Worker` and a thread's `parentPort` have in common. */
export interface Port {
  postMessage(message: unknown, transfer: []): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

/** A service by name, with the methods that the other side may call. Both sides import the same contract. */
export interface Contract<S extends object> {
  readonly name: string;
  readonly methods: { readonly [M in keyof S]: true };
}

/** A service of the other side. */
export type Remote<S> = {
  readonly [M in keyof S]: S[M] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Awaited<Answer>>
    : never;
};

/** The other side has ended, or has not answered in time. */
export class ChannelError extends Error {
  override readonly name = 'ChannelError';
}

/** An error as it crosses: what the structured clone would lose (`code`, `syscall`) is kept, what it would carry on (causes) is not. */
interface CarriedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: unknown;
  readonly syscall: unknown;
}

type Message =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly service: string;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly error: CarriedError };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Callable = (...args: readonly unknown[]) => unknown;

/** One end of a port between two threads. */
export class Channel {
  readonly #port: Port;
  readonly #offered = new Map<string, Callable>();
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closed: string | undefined;

  constructor(port: Port) {
    this.#port = port;
    port.on('message', (message) => {
      if (isMessage(message)) this.#take(message);
    });
  }

  /** Lets the other side call the contract's methods of `service`, and no others. Offer before the other side can call. */
  offer<S extends object>(contract: Contract<S>, service: S): void {
    for (const method of methodsOf(contract)) {
      const found: unknown = Reflect.get(service, method);
      if (typeof found !== 'function') throw new TypeError(`Cannot offer ${contract.name}: it has no ${method}()`);
      this.#offered.set(`${contract.name}.${method}`, (...args) => Reflect.apply(found, service, args));
    }
  }

  /**
   * The other side's service. A call rejects with what was thrown there, and with `ChannelError` when that side ends or takes
   * longer than `timeoutMs`.
   */
  use<S extends object>(contract: Contract<S>, timeoutMs?: number): Remote<S> {
    const methods = methodsOf(contract).map((method) => [
      method,
      (...args: readonly unknown[]) => this.#call(contract.name, method, args, timeoutMs),
    ]);
    return Object.fromEntries(methods) as Remote<S>;
  }

  /** Nothing will come from the other side any more: whoever waits is told so. */
  close(why: string): void {
    this.#closed ??= why;
    for (const { reject } of this.#waiting.values()) reject(new ChannelError(why));
    this.#waiting.clear();
  }

  async #call(service: string, method: string, args: readonly unknown[], timeoutMs?: number): Promise<unknown> {
    if (this.#closed !== undefined) throw new ChannelError(this.#closed);
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#port.postMessage({ kind: 'call', id, service, method, args } satisfies Message, []);
    this.#waiting.set(id, { resolve, reject });
    const late = (): void => reject(new ChannelError(`${service}.${method}() has not answered within ${timeoutMs} ms`));
    const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  #take(message: Message): void {
    if (message.kind === 'call') return void this.#answer(message);
    const waiting = this.#waiting.get(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(revived(message.error));
  }

  async #answer({ id, service, method, args }: Extract<Message, { kind: 'call' }>): Promise<void> {
    try {
      const callable = this.#offered.get(`${service}.${method}`);
      if (callable === undefined) throw new TypeError(`${service}.${method}() is not offered`);
      const value: unknown = await callable(...args);
      this.#port.postMessage({ kind: 'answer', id, value } satisfies Message, []);
    } catch (error) {
      this.#port.postMessage({ kind: 'failure', id, error: carried(error) } satisfies Message, []);
    }
  }
}

const methodsOf = <S extends object>({ methods }: Contract<S>): readonly string[] => Object.keys(methods);

/** Whoever has the port is this process: the check tells our messages from those of others who use it too. */
const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && 'kind' in value && 'id' in value && typeof value.id === 'number';

function carried(error: unknown): CarriedError {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), stack: undefined, code: undefined, syscall: undefined };
  const { name, message, stack } = error;
  return {
    name,
    message,
    stack,
    code: 'code' in error ? plain(error.code) : undefined,
    syscall: 'syscall' in error ? plain(error.syscall) : undefined,
  };
}

const plain = (value: unknown): string | number | undefined =>
  typeof value === 'string' || typeof value === 'number' ? value : undefined;

function revived({ name, message, stack, code, syscall }: CarriedError): Error {
  const error = new Error(message);
  Object.defineProperty(error, 'name', { value: name });
  if (stack !== undefined) Object.defineProperty(error, 'stack', { value: stack });
  return Object.assign(error, code === undefined ? {} : { code }, syscall === undefined ? {} : { syscall });
}
