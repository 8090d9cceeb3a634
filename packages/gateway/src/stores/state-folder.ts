import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** What belongs into the directory in `state` cannot be used. The message names it, and says why or what to do. */
export class StateError extends Error {
  override readonly name: string = 'StateError';
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not do that',
  EPERM: 'this user may not do that',
  EEXIST: 'something else than a directory is there',
  ENOTDIR: 'a part of this path is a file',
  ENOENT: 'nothing can be made there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: "this user's share of the disk is full",
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'this path is too long',
};

/** Why the operating system has refused something in the state directory, with its own word for it. */
export function stateFault(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const reason = reasons[code];
  return reason === undefined ? code : `${reason} (${code})`;
}

/** Makes the directory, for its owner alone, where it is missing. Throws `StateError` where it is none, or not to be written to. */
export function makeStateFolder(state: string): void {
  try {
    const missing: string[] = [];
    // Step by step: Node's own way of making several directories never ends in a file system that takes none, such as /proc.
    for (let path = resolve(state); !isThere(path) && path !== dirname(path); path = dirname(path)) missing.push(path);
    for (const path of missing.toReversed()) make(path);
    if (missing.length === 0) make(state);
    accessSync(state, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StateError(`Cannot use directory "${state}": ${stateFault(error)}; see "state"`, { cause: error });
  }
}

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** It may be there already: somebody else was first. */
function make(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}
