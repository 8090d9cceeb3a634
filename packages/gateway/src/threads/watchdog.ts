/**
 * Notices a thread that hangs: it would go on to get its share of the connections, and
 * answer none of them.
 *
 * @module
 */

export interface WatchdogTimes {
  readonly everyMs: number;
  /** So long an answer may take. */
  readonly patienceMs: number;
  /** Then it is asked once more, and this is how long that answer may take. */
  readonly lastChanceMs: number;
}

/** Collecting garbage or a burst of signatures takes a thread less than a second. */
export const usualWatch: WatchdogTimes = { everyMs: 10_000, patienceMs: 30_000, lastChanceMs: 5_000 };

/** Something that may hang. */
export interface Watched {
  /** Rejects when no answer comes within `limitMs`. */
  readonly ask: (limitMs: number) => Promise<unknown>;
  /** It hangs. Called once. */
  readonly onHang: () => void;
}

/**
 * Asks a thread from time to time whether it is still there, until the returned function is called. The second question is for a
 * process that was stopped as a whole, with its machine or by a debugger: there all answers are late, and come at once.
 */
export function watch({ ask, onHang }: Watched, times: WatchdogTimes): () => void {
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const answers = async (limitMs: number): Promise<boolean> => {
    try {
      await ask(limitMs);
      return true;
    } catch {
      return false;
    }
  };
  const look = async (): Promise<void> => {
    const there = (await answers(times.patienceMs)) || (await answers(times.lastChanceMs));
    if (over) return;
    if (there) return next();
    over = true;
    onHang();
  };
  const next = (): void => {
    timer = setTimeout(() => void look(), times.everyMs);
    timer.unref();
  };
  next();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
