/**
 * The key ring's file, `<state>/keys.json`: readable by its owner alone, replaced in
 * one step, made at the first start.
 *
 * @module
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type MasterKey, newMasterKey, readStoredKey, storedKey } from '../tokens/key-ring.ts';
import { makeStateFolder, StateError, stateFault } from './state-folder.ts';

/** The key file cannot be used. The message names the file and what to do, never a key. */
export class KeyFileError extends StateError {
  override readonly name = 'KeyFileError';
}

/** The keys in `<state>/keys.json`; the directory and the file are made when they are missing. Throws `KeyFileError`. */
export function openKeys(state: string, now: number): readonly MasterKey[] {
  const path = join(state, 'keys.json');
  const there = read(path);
  if (there !== undefined) return there;
  makeStateFolder(state);
  return create(path, now);
}

/** Replaces the keys in `<state>/keys.json` in one step: a reader sees the old ones or the new ones. */
export function saveKeys(state: string, keys: readonly MasterKey[]): void {
  const path = join(state, 'keys.json');
  const draft = writeDraft(path, keys);
  renameSync(draft, path);
  syncDirectory(path);
}

/**
 * A look at `<state>/keys.json`: the keys when the file is another one than at the last look (the first look counts as such),
 * else `undefined`. It costs a few microseconds while nothing has changed. A file that cannot be used gives `undefined`, and is
 * reported once.
 */
export function keyFileLook(
  state: string,
  onTrouble: (message: string) => void,
): () => readonly MasterKey[] | undefined {
  const path = join(state, 'keys.json');
  let seen = '';
  return () => {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    const found = stat === undefined ? '' : `${stat.dev} ${stat.ino} ${stat.mtimeNs} ${stat.size} ${stat.mode}`;
    if (found === seen) return undefined;
    seen = found;
    try {
      return read(path);
    } catch (error) {
      onTrouble(error instanceof Error ? error.message : 'Cannot read key file');
      return undefined;
    }
  };
}

function create(path: string, now: number): readonly MasterKey[] {
  const keys = [newMasterKey(now)];
  const draft = writeDraft(path, keys);
  try {
    linkSync(draft, path); // unlike a rename, it fails when another process was first
    syncDirectory(path);
    return keys;
  } catch (error) {
    const other = hasCode(error, 'EEXIST') ? read(path) : undefined;
    if (other === undefined) throw error;
    return other;
  } finally {
    rmSync(draft, { force: true });
  }
}

function read(path: string): readonly MasterKey[] | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw new KeyFileError(`Cannot read key file "${path}": ${stateFault(error)}`, { cause: error });
  }
  try {
    const { mode } = fstatSync(file);
    // Windows reports made-up mode bits; there the directory's access list protects the file.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new KeyFileError(
        `Cannot use key file "${path}": its mode is ${(mode & 0o777).toString(8)}, so others can read the keys. ` +
          `Run: chmod 600 "${path}"; and if others may have read it, rotate the keys`,
      );
    return parse(path, readFileSync(file, 'utf8'));
  } finally {
    closeSync(file);
  }
}

function parse(path: string, text: string): readonly MasterKey[] {
  try {
    const value: unknown = JSON.parse(text);
    const keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined;
    if (!Array.isArray(keys) || keys.length === 0) throw new RangeError('it has no list "keys" with at least one key');
    return keys.map(readStoredKey);
  } catch (error) {
    // JSON.parse quotes the text that it stumbles over, which may be a key.
    const why = error instanceof RangeError ? error.message : 'it is not JSON';
    throw new KeyFileError(`Cannot use key file "${path}": ${why}. Restore it, or remove it to sign everybody out`);
  }
}

function writeDraft(path: string, keys: readonly MasterKey[]): string {
  const draft = `${path}.${process.pid}.new`;
  try {
    rmSync(draft, { force: true });
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(file, `${JSON.stringify({ version: 1, keys: keys.map(storedKey) }, undefined, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return draft;
  } catch (error) {
    rmSync(draft, { force: true }); // half of one is of no use, and takes room where there is none
    throw new KeyFileError(`Cannot write key file "${path}": ${stateFault(error)}`, { cause: error });
  }
}

function syncDirectory(path: string): void {
  if (process.platform === 'win32') return; // a directory cannot be opened there
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
const hasCode = (error: unknown, code: string): boolean => codeOf(error) === code;
