import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { ok, type Parsed, wrong } from './parsed.ts';

/**
 * The files that a configuration names. Each is read once, so that what was checked is what is used, also when
 * somebody writes to the file in between.
 */
export interface Files {
  /** The absolute path of a name in the configuration. */
  absolute(name: string): string;
  /** The name to show: relative when it lies beside the configuration. */
  display(path: string): string;
  /** The contents, or why they cannot be had. 16 MiB at most. */
  read(path: string): Parsed<Uint8Array>;
  /** The contents of every file that has been named so far, by absolute path; directories and what cannot be read left out. */
  contents(): ReadonlyMap<string, Uint8Array>;
  /** Whether everybody on this machine may read the file. Always false on Windows, which has no such bit. */
  isWorldReadable(path: string): boolean;
}

const largest = 16 * 1024 * 1024;

/** The real files; `base` is the directory of the configuration. */
export function openFiles(base: string): Files {
  const seen = new Map<string, Parsed<Uint8Array>>();
  const named = new Set<string>();
  const display = (path: string): string => {
    const short = relative(base, path);
    return short.startsWith('..') || isAbsolute(short) ? path : short;
  };
  const read = (path: string): Parsed<Uint8Array> => {
    const known = seen.get(path);
    if (known) return known;
    const found = readOnce(path, display(path));
    seen.set(path, found);
    return found;
  };
  return {
    absolute(name) {
      const path = resolve(base, name);
      named.add(path);
      return path;
    },
    display,
    read,
    contents() {
      const found = [...named].map((path) => [path, read(path)] as const);
      return new Map(found.flatMap(([path, file]) => (file.kind === 'ok' ? [[path, file.value] as const] : [])));
    },
    isWorldReadable(path) {
      const stat = process.platform === 'win32' ? undefined : statSync(path, { throwIfNoEntry: false });
      return stat !== undefined && stat.isFile() && (stat.mode & 0o004) !== 0;
    },
  };
}

function readOnce(path: string, shown: string): Parsed<Uint8Array> {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return wrong(`${shown} is not a file`, 'Name a file.');
    if (stat.size > largest) return wrong(`${shown} is larger than 16 MiB`, 'Is this the right file?');
    return ok(readFileSync(path));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return wrong(
        `${shown} does not exist`,
        'Create it, or correct the path. Relative paths start at the directory of the configuration file.',
      );
    if (code === 'EACCES' || code === 'EPERM')
      return wrong(`${shown} may not be read by this user`, "Give the service's user the right to read it.");
    return wrong(`${shown} cannot be read (${String(code)})`, 'See what is wrong with the file or its disk.');
  }
}
