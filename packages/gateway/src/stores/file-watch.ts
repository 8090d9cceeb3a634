/**
 * Notices that files have changed while the program runs: certificates, keytabs, whatever somebody else renews.
 *
 * It reads them again every few seconds. What operating systems tell about changes does not follow a file that is
 * renamed into place, nor the symbolic links by which Kubernetes replaces a whole directory, nor a network share.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** The contents of all watched files, by path. */
export type Contents = ReadonlyMap<string, Uint8Array>;

export interface FileWatchOptions {
  /** What is in use now. Other contents than these are a change, also those that the disk had before the watch began. */
  readonly inUse: Contents;
  readonly everyMs: number;
  /**
   * Called with changed contents when two looks in a row have found the same ones, so that nobody is in the middle of
   * writing them. True: they are in use from now on. False: they are not; they are offered again at every look (`again`),
   * as time alone can make them good.
   */
  readonly offer: (contents: Contents, again: boolean) => boolean;
  /** Called once when one of the files cannot be read any more, also not at the next look. `reason` is fit for a log. */
  readonly onUnreadable: (path: string, reason: string) => void;
  /** For a bug in `offer`: what it throws. The watch goes on. */
  readonly onTrouble: (message: string, cause: unknown) => void;
}

export interface FileWatch {
  /** Looks now, on somebody's word that the files are complete: does not wait for a second look. */
  look(): Promise<void>;
  /** Ends it. Nothing is called any more, also when a look is under way. */
  close(): void;
}

/** Longer files are not what anybody wanted to name. */
const LARGEST = 16 * 1024 * 1024;

/** Begins to watch. The first look is at once; it keeps no process alive. */
export function watchFiles(options: FileWatchOptions): FileWatch {
  const watch = new PollingWatch(options);
  watch.start();
  return watch;
}

class PollingWatch implements FileWatch {
  readonly #options: FileWatchOptions;
  /** Digests instead of contents: what is watched may be a private key. */
  #inUse: string;
  #seen: string;
  #reported: string | undefined;
  #looking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#inUse = digest(options.inUse);
    this.#seen = this.#inUse;
  }

  start(): void {
    void this.#queue(false).then(() => {
      if (this.#closed) return;
      this.#timer = setTimeout(() => this.start(), this.#options.everyMs);
      this.#timer.unref();
    });
  }

  look(): Promise<void> {
    return this.#queue(true);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** One look at a time; it never rejects. */
  #queue(complete: boolean): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look(complete));
    return this.#looking;
  }

  async #look(complete: boolean): Promise<void> {
    const found = await readAll([...this.#options.inUse.keys()]);
    if (this.#closed) return;
    const { state } = found;
    const settled = complete || state === this.#seen;
    this.#seen = state;
    if (state === this.#inUse) {
      this.#reported = undefined;
      return;
    }
    if (!settled) return;
    const again = state === this.#reported;
    this.#reported = state;
    if (found.kind === 'contents') {
      if (this.#offer(found.contents, again)) this.#inUse = state;
    } else if (!again) this.#options.onUnreadable(found.path, found.reason);
  }

  #offer(contents: Contents, again: boolean): boolean {
    try {
      return this.#options.offer(contents, again);
    } catch (error) {
      if (!again) this.#options.onTrouble('Cannot take over a changed file', error);
      return false;
    }
  }
}

type Found =
  | { readonly kind: 'contents'; readonly state: string; readonly contents: Contents }
  | { readonly kind: 'unreadable'; readonly state: string; readonly path: string; readonly reason: string };

async function readAll(paths: readonly string[]): Promise<Found> {
  const contents = new Map<string, Uint8Array>();
  for (const path of paths) {
    const read = await readOne(path);
    if (typeof read === 'string') return { kind: 'unreadable', state: `${path}: ${read}`, path, reason: read };
    contents.set(path, read);
  }
  return { kind: 'contents', state: digest(contents), contents };
}

/** The contents, or why they cannot be had. */
async function readOne(path: string): Promise<Uint8Array | string> {
  try {
    const found = await stat(path);
    // Anything else, such as a pipe, might never end.
    if (!found.isFile()) return 'not a file';
    if (found.size > LARGEST) return 'larger than 16 MiB';
    return await readFile(path);
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  }
}

function digest(contents: Contents): string {
  const hash = createHash('sha256');
  for (const [path, bytes] of contents) hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  return hash.digest('base64');
}
