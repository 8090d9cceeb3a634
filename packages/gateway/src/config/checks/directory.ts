import { type Check, error } from './check.ts';

/** The directory account's password is never sent in plain text. */
export const checkDirectory: Check = ({ config, report }) => {
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
