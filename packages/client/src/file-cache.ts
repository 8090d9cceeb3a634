import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { KeptToken, TokenCache } from './token-cache.ts';
import { TokenError } from './token-error.ts';

export interface FileCacheOptions {
  /** Default: `cardea` below `XDG_CACHE_HOME`, or `~/.cache`; on Windows below `LOCALAPPDATA`. */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const longestFile = 128 * 1024;

/**
 * Keeps tokens in files that only their user can read (mode 0600 in a folder of mode 0700), so that programs that run
 * shortly need not sign in each time. Files or folders that others could read or change are not used: `TokenError`.
 * On Windows the modes say nothing; there the folder of the profile keeps others out.
 */
export function fileCache(options: FileCacheOptions = {}): TokenCache {
  const env = options.env ?? process.env;
  const folder = options.folder ?? defaultFolder(env);
  // With another ticket it may be another person.
  const fileOf = (key: string): string => {
    const hash = createHash('sha256').update(JSON.stringify([key, env['KRB5CCNAME'] ?? '']));
    return join(folder, `${hash.digest('hex').slice(0, 32)}.json`);
  };
  return {
    async read(key) {
      if (!(await folderIsSafe(folder))) return undefined;
      return readKept(await textOf(fileOf(key)));
    },
    async write(key, token) {
      const file = fileOf(key);
      if (token === undefined) return rm(file, { force: true });
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await folderIsSafe(folder);
      const temporary = `${file}.${randomUUID()}`;
      try {
        await writeFile(temporary, JSON.stringify(token), { mode: 0o600, flag: 'wx' });
        await rename(temporary, file); // whoever reads meanwhile has the old one or the new one
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
  };
}

function defaultFolder(env: Readonly<Record<string, string | undefined>>): string {
  const local = process.platform === 'win32' ? env['LOCALAPPDATA'] : env['XDG_CACHE_HOME'];
  const root = local === undefined || local === '' ? join(env['HOME'] ?? homedir(), '.cache') : local;
  return join(root, 'cardea');
}

interface Owned {
  readonly uid: number;
  readonly mode: number;
}

const isOwn = ({ uid, mode }: Owned): boolean =>
  process.getuid === undefined || (uid === process.getuid() && (mode & 0o077) === 0);

/** False: there is none yet. */
async function folderIsSafe(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(missing);
  if (found === undefined) return false;
  if (!found.isDirectory() || !isOwn(found)) throw unsafe(folder, '0700');
  return true;
}

/** Undefined: there is none. */
async function textOf(file: string): Promise<string | undefined> {
  // Not by way of a link: it may have been put there by somebody else.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(missing);
  if (handle === undefined) return undefined;
  try {
    const found = await handle.stat();
    if (!found.isFile() || !isOwn(found)) throw unsafe(file, '0600');
    return found.size > longestFile ? undefined : await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function readKept(text: string | undefined): KeptToken | undefined {
  try {
    const { value, receivedAt, expiresAt } = Object(JSON.parse(text ?? ''));
    const whole = typeof value === 'string' && Number.isFinite(receivedAt) && Number.isFinite(expiresAt);
    return whole ? { value, receivedAt, expiresAt } : undefined;
  } catch {
    return undefined; // torn or of another program: it will be written anew
  }
}

function missing(error: unknown): undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return undefined;
  if (code === 'ELOOP') throw new TokenError('unsafe-cache', 'the file of the cache is a link: remove it');
  throw error;
}

const unsafe = (path: string, mode: string): TokenError =>
  new TokenError('unsafe-cache', `${path} is not yours alone: make its mode ${mode}, or remove it`);
