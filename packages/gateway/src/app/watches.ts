import type { Logger } from 'pino';
import { type Contents, type FileWatch, watchFiles } from '../stores/file-watch.ts';

/** Everything that looks at files while the gateway runs. */
export class Watches {
  readonly #watches: FileWatch[] = [];

  add(watch: FileWatch): void {
    this.#watches.push(watch);
  }

  /** Looks now at all of them, on somebody's word that the files are complete. Never rejects. */
  async look(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.look()));
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
  }
}

export interface ReplacementOptions {
  /** What the file is, in the log: `users file`. */
  readonly what: string;
  readonly file: string;
  /** What is in use now. */
  readonly inUse: Uint8Array;
  /** Takes the new contents into use; or says what is wrong with them, fit for a log, and changes nothing. */
  readonly take: (contents: Uint8Array) => readonly string[];
  readonly log: Pick<Logger, 'info' | 'error'>;
  /** How often the file is looked at; a change is taken over when two looks have found it. */
  readonly everyMs?: number | undefined;
}

/** Files are few, and a look costs little. */
const LOOK_EVERY_MS = 2_000;

/** Takes a file into use anew when it has changed. One that cannot be used changes nothing; the log says so once. */
export function watchReplacement({
  what,
  file,
  inUse,
  take,
  log,
  everyMs = LOOK_EVERY_MS,
}: ReplacementOptions): FileWatch {
  const kept = `A changed ${what} is not used: the one before it goes on`;
  return watchFiles({
    inUse: new Map([[file, inUse]]),
    everyMs,
    offer(contents: Contents, again) {
      const faults = take(contents.get(file) ?? new Uint8Array());
      if (faults.length === 0) log.info({ file }, `The changed ${what} is in use from now on`);
      else if (!again) log.error({ file, faults }, kept);
      return faults.length === 0;
    },
    onUnreadable: (path, reason) => log.error({ file: path, reason }, kept),
    onTrouble: (message, err) => log.error({ err }, message),
  });
}
