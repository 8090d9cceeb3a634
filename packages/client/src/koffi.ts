/**
 * The part of koffi (koffi.dev) that is used here. It is an optional peer: who has it signs in without another program.
 *
 * @module
 */
import { createRequire } from 'node:module';

/** Memory of a library. */
export type Pointer = bigint;

export interface ForeignFunction {
  (...args: readonly unknown[]): unknown;
  /** Runs in a thread of its own; the last argument is called at the end. */
  async(...args: readonly unknown[]): unknown;
}

export interface ForeignLibrary {
  func(name: string, result: unknown, parameters: readonly unknown[]): ForeignFunction;
  symbol(name: string): Pointer;
}

export interface Koffi {
  load(path: string): ForeignLibrary;
  struct(members: Readonly<Record<string, unknown>>): object;
  pointer(type: unknown): object;
  out(type: unknown): object;
  inout(type: unknown): object;
  view(pointer: Pointer, length: number): ArrayBuffer;
  alloc(type: unknown, length: number): Pointer;
  free(pointer: Pointer): void;
  encode(pointer: Pointer, type: unknown, value: unknown): void;
  decode(pointer: Pointer, type: unknown): unknown;
  sizeof(type: unknown): number;
}

/** koffi, where it is installed and has a binary for this machine. */
export function loadKoffi(): Koffi | undefined {
  try {
    // Not import(): a bundler would insist on what may be missing.
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    return koffi;
  } catch {
    return undefined;
  }
}

/** Calls a function that may wait for the network, in a thread of its own. */
export function callAsync(f: ForeignFunction, ...args: readonly unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    f.async(...args, (error: unknown, result: unknown) => {
      if (error === null || error === undefined) resolve(Number(result));
      else reject(error instanceof Error ? error : new Error('Cannot call a function of the system', { cause: error }));
    });
  });
}

/** A copy of memory that belongs to a library. */
export function copyOf(koffi: Koffi, pointer: Pointer | null, length: number | bigint): Uint8Array {
  return pointer === null || Number(length) === 0
    ? new Uint8Array()
    : new Uint8Array(koffi.view(pointer, Number(length))).slice();
}
