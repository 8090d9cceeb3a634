import type { Entry } from 'ldapts';
import type { Loaded } from '../config/load.ts';
import { DirectorySignInError, LdapConnection, type LdapQuestion } from '../directory/ldap-connection.ts';

/** The directory of the configuration, for all checks of one run. */
export interface DirectoryQuestions {
  readonly url: string;
  readonly host: string;
  /** Throws `DirectoryError`. */
  search(question: LdapQuestion): Promise<readonly Entry[]>;
  close(): Promise<void>;
}

/** `undefined` without `directory.ldap`. Connects at the first question. */
export function openQuestions({ config, files }: Loaded, timeoutMs: number): DirectoryQuestions | undefined {
  const { ldap } = config.directory;
  if (ldap === undefined) return undefined;
  const ca = ldap.ca === undefined ? undefined : files.read(ldap.ca);
  let refused: DirectorySignInError | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let connection: LdapConnection | undefined;
  const ask = async (question: LdapQuestion): Promise<readonly Entry[]> => {
    // A wrong password that every check tries again locks the account.
    if (refused !== undefined) throw refused;
    connection ??= new LdapConnection({
      url: ldap.url,
      startTls: ldap.start_tls,
      ca: ca?.kind === 'ok' ? Buffer.from(ca.value).toString() : undefined,
      user: ldap.bind.user,
      password: ldap.bind.password,
      base: ldap.base,
      timeoutMs: Math.min(ldap.timeout, timeoutMs),
    });
    try {
      return await connection.search(question);
    } catch (error) {
      if (error instanceof DirectorySignInError) refused = error;
      throw error;
    }
  };
  return {
    url: ldap.url,
    host: new URL(ldap.url).hostname.replace(/^\[|\]$/g, ''),
    search(question) {
      const asked = turn.then(() => ask(question));
      turn = asked.catch(() => undefined);
      return asked;
    },
    close: async () => connection?.close(),
  };
}
