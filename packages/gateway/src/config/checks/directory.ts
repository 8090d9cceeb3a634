import { type Check, error } from './check.ts';

/** The directory account's password is never sent in plain text, and what is left to the directory has one. */
export const checkDirectory: Check = (context) => {
  const { config, report } = context;
  checkUses(context);
  const ldap = config.directory?.ldap;
  if (ldap === undefined) return;
  const secure = ldap.url.startsWith('ldaps:');
  if (!secure && !ldap.start_tls)
    report(
      error(
        ['directory', 'ldap', 'url'],
        'ldap:// without StartTLS would send the password in plain text',
        'Write ldaps:// (port 636), or add start_tls: true.',
      ),
    );
  if (secure && ldap.start_tls)
    report(
      error(
        ['directory', 'ldap', 'start_tls'],
        'ldaps:// is encrypted from its first byte',
        'Remove start_tls, or write ldap://.',
      ),
    );
};

const checkUses: Check = ({ config: { sign_in: entries, directory }, report }) => {
  if (entries === undefined || directory === undefined || directory.ldap !== undefined) return;
  const missing = (at: readonly (string | number)[]): void =>
    report(
      error(
        ['sign_in', ...at],
        'there is no directory.ldap to ask',
        'Add it: directory: { ldap: { url: ldaps://dc1.corp.example, bind: { … } } }',
      ),
    );
  for (const [i, entry] of entries.entries())
    for (const [kind, options] of Object.entries(entry)) {
      if (options === undefined) continue;
      if ('ldap' in options && options.ldap) missing([i, kind, 'ldap']);
      if ('groups_from' in options && options.groups_from === 'directory') missing([i, kind, 'groups_from']);
    }
};
