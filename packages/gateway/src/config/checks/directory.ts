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
  if (entries === undefined || directory === undefined) return;
  const { ldap, graph, people } = directory;
  if (ldap !== undefined && graph !== undefined && people === undefined)
    report(
      error(
        ['directory'],
        'both ldap and graph are there, and nothing says which of them tells the groups of people',
        'Write people: ldap or people: graph.',
      ),
    );
  if (people !== undefined && directory[people] === undefined)
    report(error(['directory', 'people'], `there is no directory.${people}`, 'Add it, or remove this line.'));
  const missing = (at: readonly (string | number)[], what: string): void =>
    report(
      error(
        ['sign_in', ...at],
        `there is no ${what} to ask`,
        'Add it: directory: { ldap: { url: ldaps://dc1.corp.example, bind: { … } } }',
      ),
    );
  for (const [i, entry] of entries.entries())
    for (const [kind, options] of Object.entries(entry)) {
      if (options === undefined) continue;
      if (ldap === undefined && 'ldap' in options && options.ldap) missing([i, kind, 'ldap'], 'directory.ldap');
      if (ldap !== undefined || graph !== undefined) continue;
      if ('groups_from' in options && options.groups_from === 'directory')
        missing([i, kind, 'groups_from'], 'directory.ldap or directory.graph');
      if ('issuers' in options)
        for (const [at, { groups_from: from }] of options.issuers.entries())
          if (from === 'directory')
            missing([i, kind, 'issuers', at, 'groups_from'], 'directory.ldap or directory.graph');
    }
};
