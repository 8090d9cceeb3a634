/**
 * A checked configuration as plain data, so that every thread runs the same one, also a
 * thread that is started long after the files have changed.
 *
 * @module
 */
import type { PasswordUser } from '../auth/password-users.ts';
import { Secret } from '../core/secret.ts';
import type { Loaded } from './load.ts';
import { ok, wrong } from './parsed.ts';
import type { Path } from './problem.ts';
import type { Config } from './schema.ts';

/** It holds secrets in the clear: it goes to threads of this process and nowhere else. */
export interface Snapshot {
  /** `undefined` where a secret belongs. */
  readonly config: unknown;
  readonly secrets: readonly { readonly path: Path; readonly value: string }[];
  readonly users: readonly PasswordUser[];
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** The configuration with every file that it names. */
export function snapshotOf({ config, users, files }: Loaded): Snapshot {
  const secrets: { path: Path; value: string }[] = [];
  const bare = (value: unknown, path: Path): unknown => {
    if (value instanceof Secret) return void secrets.push({ path, value: value.reveal() });
    if (Array.isArray(value)) return value.map((item: unknown, i) => bare(item, [...path, i]));
    if (!isPlainObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, bare(child, [...path, key])]));
  };
  return { config: bare(config, []), secrets, users, files: files.contents() };
}

/** The inverse of `snapshotOf`. Changes the snapshot's configuration in place: use each copy once. */
export function loadedFrom({ config, secrets, users, files }: Snapshot): Loaded {
  for (const { path, value } of secrets) put(config, path, new Secret(value));
  return {
    // It was a configuration before it was packed, and every part of it is back.
    config: config as Config,
    users,
    files: {
      absolute: (name) => name,
      display: (path) => path,
      read(path) {
        const contents = files.get(path);
        return contents === undefined
          ? wrong(`${path} was not there when the configuration was checked`, 'Restart Cardea.')
          : ok(contents);
      },
      contents: () => files,
      isWorldReadable: () => false,
    },
  };
}

const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

function put(root: unknown, path: Path, value: unknown): void {
  const [last] = path.slice(-1);
  let holder = root;
  for (const part of path.slice(0, -1))
    holder = typeof holder === 'object' && holder !== null ? Reflect.get(holder, part) : undefined;
  if (last === undefined || typeof holder !== 'object' || holder === null)
    throw new TypeError('Cannot unpack configuration: a secret has no place');
  Reflect.set(holder, last, value);
}
