/**
 * What every part of the benchmark gets, and what is put away after it.
 *
 * @module
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Program } from './programs.ts';
import type { Comparison } from './report.ts';

export interface Surroundings {
  /** Rough figures in a minute or so. */
  readonly quick: boolean;
  /** How often each contender is measured. */
  readonly rounds: number;
  /** Progress, for people. */
  readonly say: (line: string) => void;
  /** Runs at the end of the part, last one first, also after an error. */
  readonly later: (undo: () => unknown) => void;
  /** What a start gives, to be stopped at the end of the part. */
  readonly started: <P extends Pick<Program, 'stop'>>(starting: Promise<P>) => Promise<P>;
  /** A new directory that goes at the end of the part. */
  readonly folder: () => string;
}

export interface Part {
  readonly name: string;
  readonly summary: string;
  /** What this machine lacks for it, with what to do about it; empty: it can run. */
  missing(): readonly string[];
  run(surroundings: Surroundings): Promise<readonly Comparison[]>;
}

/** Runs one part and puts everything away that it has started, also when `signal` ends it before its time. */
export async function runPart(
  part: Part,
  { signal, ...options }: Pick<Surroundings, 'quick' | 'rounds' | 'say'> & { readonly signal: AbortSignal },
): Promise<readonly Comparison[]> {
  const undo: (() => unknown)[] = [];
  const later = (work: () => unknown): void => void undo.push(work);
  const started = async <P extends Pick<Program, 'stop'>>(starting: Promise<P>): Promise<P> => {
    const program = await starting;
    later(program.stop);
    return program;
  };
  const folder = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'cardea-bench-'));
    chmodSync(path, 0o755); // nginx and Apache give up being root, and read from here
    later(() => rmSync(path, { recursive: true, force: true }));
    return path;
  };
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([part.run({ ...options, later, started, folder }), aborted]);
  } finally {
    for (const work of undo.toReversed()) await work();
  }
}
