import type { EngineContext } from './engine-context.ts';

/** Calls back into the handler, whose bugs are not ours to die of. */
export function report(context: Pick<EngineContext, 'onError'>, call: () => void): void {
  try {
    call();
  } catch (error) {
    context.onError('A report about a request failed', error);
  }
}
