import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { type PasswordSource, passwordSource } from '../auth/password.ts';
import { defaultParameters } from '../auth/password-hash.ts';
import type { PasswordUser } from '../auth/password-users.ts';
import type { Loaded } from '../config/load.ts';
import { readUsers } from '../config/users-file.ts';
import type { Attempts } from '../ports/attempts.ts';
import { sqliteStrongerHashes } from '../stores/stronger-hashes-sqlite.ts';
import type { Closers } from './closers.ts';
import { openPasswordDirectory } from './directory.ts';
import { troubleLog } from './log.ts';
import { reader } from './read.ts';
import { watchReplacement, type Watches } from './watches.ts';

export interface PasswordParts {
  readonly database: DatabaseSync;
  readonly attempts: Attempts;
  readonly log: Logger;
  readonly watches: Watches;
}

/** Sign-in by password. */
export interface Passwords {
  readonly source: PasswordSource;
  /** Who is in the users file now. */
  users(): readonly PasswordUser[];
}

/**
 * Opens it, once in the process; `undefined` when the configuration has none. The users are those of the file as it is now, for
 * sign-ins that begin from now on: sessions that have begun go on.
 */
export function openPasswords(
  loaded: Loaded,
  { database, attempts, log, watches }: PasswordParts,
  closers: Closers,
): Passwords | undefined {
  const { config } = loaded;
  const options = config.sign_in.find(({ password }) => password !== undefined)?.password;
  if (options === undefined) return undefined;
  const read = reader(loaded);
  const onTrouble = troubleLog(log);
  const directory = options.ldap ? openPasswordDirectory(config, read, attempts, onTrouble) : undefined;
  if (directory !== undefined) closers.add(() => directory.close());
  const { memory, passes } = options.argon2;
  let { users } = loaded;
  const source = passwordSource({
    users,
    directory,
    attempts,
    lifetimeMs: config.session.lifetime,
    lookUpGroups: options.groups_from === 'directory',
    parameters: { ...defaultParameters, memory: memory / 1024, passes },
    stronger: sqliteStrongerHashes(database),
    onTrouble,
  });
  const { users: file } = options;
  if (file !== undefined)
    watches.add(
      watchReplacement({
        what: 'users file',
        file,
        inUse: read(file),
        log,
        take(contents) {
          const { users: changed, problems } = readUsers(new TextDecoder().decode(contents), file);
          if (problems.length > 0) return problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
          source.replaceUsers(changed);
          users = changed;
          return [];
        },
      }),
    );
  return { source, users: () => users };
}
