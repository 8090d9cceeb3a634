import type { DatabaseSync } from 'node:sqlite';
import { type PasswordSource, passwordSource } from '../auth/password.ts';
import { defaultParameters } from '../auth/password-hash.ts';
import type { Loaded } from '../config/load.ts';
import type { Attempts } from '../ports/attempts.ts';
import { sqliteStrongerHashes } from '../stores/stronger-hashes-sqlite.ts';
import type { Closers } from './closers.ts';
import { openPasswordDirectory } from './directory.ts';
import { reader } from './read.ts';

/** Sign-in by password, once in the process. `undefined` when the configuration has none. */
export function openPasswords(
  loaded: Loaded,
  database: DatabaseSync,
  attempts: Attempts,
  onTrouble: (message: string) => void,
  closers: Closers,
): PasswordSource | undefined {
  const { config, users } = loaded;
  const options = config.sign_in.find(({ password }) => password !== undefined)?.password;
  if (options === undefined) return undefined;
  const directory = options.ldap ? openPasswordDirectory(config, reader(loaded), attempts, onTrouble) : undefined;
  if (directory !== undefined) closers.add(() => directory.close());
  const { memory, passes } = options.argon2;
  return passwordSource({
    users,
    directory,
    attempts,
    lifetimeMs: config.session.lifetime,
    lookUpGroups: options.groups_from === 'directory',
    parameters: { ...defaultParameters, memory: memory / 1024, passes },
    stronger: sqliteStrongerHashes(database),
    onTrouble,
  });
}
