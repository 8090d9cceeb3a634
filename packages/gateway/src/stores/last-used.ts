export interface LastUsedOptions {
  /** Writes what was noted since the last time. */
  readonly flush: () => Promise<void>;
  readonly everyMs: number;
  /** Told once when it fails, until it works again. Must not throw. */
  readonly onTrouble: (message: string) => void;
}

/** Writes down from time to time when credentials were last used. `close` writes the rest. */
export function startLastUsed({ flush, everyMs, onTrouble }: LastUsedOptions): { close(): Promise<void> } {
  let failing = false;
  const write = async (): Promise<void> => {
    try {
      await flush();
      failing = false;
    } catch (error) {
      if (!failing)
        onTrouble(`Cannot write when API keys were used: ${error instanceof Error ? error.message : 'unknown error'}`);
      failing = true;
    }
  };
  const timer = setInterval(() => void write(), everyMs);
  timer.unref();
  return {
    close: async () => {
      clearInterval(timer);
      await write();
    },
  };
}
