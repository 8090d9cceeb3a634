/**
 * Keeps account of what a process of `npm test` tells about its files, and of how it ends.
 *
 * @module
 */
import { relative } from 'node:path';
import type { Failure } from './failure-report.ts';
import type { Told } from './test-reporter.ts';

/**
 * What became of a file. There is a second one of the same file, without tests, if it leaves something behind that
 * fails when another file has begun.
 */
export interface FileResult {
  readonly file: string;
  /** Tests in it that passed, and all of them. */
  readonly passed: number;
  readonly tests: number;
  /** Tests in it that failed, and at least 1 if anything did. */
  readonly failed: number;
  /** The names of those that were skipped, with the reason. */
  readonly skipped: readonly string[];
  readonly failures: readonly Failure[];
  /** The end of what it has printed. */
  readonly printed: string;
  readonly milliseconds: number;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  /** It was stopped, because it said nothing for so long. */
  readonly silentMs?: number;
}

interface Running {
  readonly file: string;
  readonly counts: Record<'passed' | 'failed' | 'skipped' | 'todo', number>;
  readonly skipped: string[];
  readonly failures: Failure[];
  printed: string;
  milliseconds: number;
  isOver: boolean;
}

const printedAtMost = 8_000;

/** One process and the files that ran in it, one after the other. */
export class TestRecord {
  readonly #over: Running[] = [];
  #current: Running;
  readonly #uncaught: { readonly message: string; readonly stack: string; readonly during: string }[] = [];
  readonly #complaints: string[] = [];
  #open: (Told & { readonly kind: 'open' }) | undefined;
  #anyFailed = false;

  constructor(file: string) {
    this.#current = running(file);
  }

  /** Takes note, and returns whether the file that runs is over. */
  hear(told: Told): boolean {
    const { counts, failures, skipped } = this.#current;
    if (told.kind === 'test') {
      counts[told.outcome] += 1;
      if (told.outcome === 'skipped') skipped.push([told.name, ...(told.reason ? [told.reason] : [])].join(': '));
    } else if (told.kind === 'failure') {
      this.#anyFailed = true;
      failures.push(told.failure);
    } else if (told.kind === 'uncaught') this.#uncaught.push({ ...told, during: this.#current.file });
    else if (told.kind === 'complaint') this.#complaints.push(told.text);
    else if (told.kind === 'open') this.#open = told;
    else {
      this.#current.isOver = true;
      this.#current.milliseconds = told.milliseconds;
    }
    return told.kind === 'end';
  }

  /** Takes note of what was printed. */
  print(text: string): void {
    this.#current.printed = (this.#current.printed + text).slice(-printedAtMost);
  }

  /** Goes on to another file, and returns what became of the one before. */
  begin(file: string): FileResult {
    const before = this.#current;
    this.#over.push(before);
    this.#current = running(file);
    return result(before);
  }

  /** What became of the last file, and what the others have left behind, now that the process has ended. */
  end({ code, signal, silentMs }: Ending): readonly FileResult[] {
    const left = this.#over.map((before) => running(before.file));
    const all = [this.#current, ...left];
    for (const text of this.#complaints) {
      const { stack = '', during } = this.#uncaught.find(({ message }) => text.includes(message)) ?? {};
      const from =
        all.find(({ file }) => text.includes(named(file)) || stack.includes(file)) ??
        all.find(({ file }) => file === during) ??
        this.#current;
      this.#fail(from, [text, stack], 'after the test');
    }
    if (this.#open !== undefined) {
      const { files, resources } = this.#open;
      const culprits = all.filter(({ file }) => files.includes(file));
      for (const culprit of culprits.length > 0 ? culprits : [this.#current])
        this.#fail(culprit, [`does not end; this or another file has left open: ${resources.join(', ')}`]);
    }
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    if (silentMs !== undefined) this.#fail(this.#current, [`said nothing for ${silentMs / 1000} s`]);
    else if (!this.#current.isOver) this.#fail(this.#current, [how, ...this.#uncaught.map(({ stack }) => stack)]);
    else if (code !== 0 && !this.#anyFailed)
      this.#fail(this.#current, [
        `${how}, though no test failed`,
        ...(left.length > 0
          ? ['it is one for this file and those that ran before it:', ...left.map(({ file }) => named(file))]
          : []),
      ]);
    return [...left.filter(({ failures }) => failures.length > 0), this.#current].map(result);
  }

  #fail(file: Running, lines: readonly string[], name = 'its process'): void {
    this.#anyFailed = true;
    file.failures.push({ name, text: lines.join('\n'), byOthers: false });
  }
}

function running(file: string): Running {
  const counts = { passed: 0, failed: 0, skipped: 0, todo: 0 };
  return { file, counts, skipped: [], failures: [], printed: '', milliseconds: 0, isOver: false };
}

function result({ file, counts, skipped, failures, printed, milliseconds }: Running): FileResult {
  const { passed, failed } = counts;
  const tests = passed + failed + counts.skipped + counts.todo;
  const atLeast = failures.length > 0 ? 1 : 0;
  return { file, passed, tests, failed: Math.max(failed, atLeast), skipped, failures, printed, milliseconds };
}

/** As Node's runner names it. */
function named(file: string): string {
  return relative(process.cwd(), file);
}
