import type { PasswordUser } from '../../auth/password-users.ts';
import { allTerms } from '../../policy/rule.ts';
import { closest } from '../closest.ts';
import type { Path } from '../problem.ts';
import { type CheckContext, warning, wellFormedApps } from './check.ts';

/**
 * Where the users file and the development identity alone say which groups there are, a group that nobody is in is
 * most likely misspelled. API keys, providers and directories name groups that cannot be known here.
 */
export function checkGroupsOfUsers({ config, report }: CheckContext, users: readonly PasswordUser[]): void {
  const { sign_in: methods } = config;
  if (methods === undefined || users.length === 0) return;
  const allTold = methods.every(
    ({ password, development, stream_token: streamToken, approval }) =>
      (password !== undefined && !password.ldap && password.groups_from === 'method') ||
      development !== undefined ||
      streamToken !== undefined ||
      approval !== undefined,
  );
  if (!allTold) return;
  const names = [...users, ...methods.flatMap(({ development }) => development ?? [])].flatMap(({ groups }) => groups);
  const known = new Set(names.map(folded));

  const see = (groups: readonly string[] | undefined, path: Path): void => {
    for (const [i, group] of (groups ?? []).entries()) {
      if (known.has(folded(group))) continue;
      const guess = closest(group, names);
      report(
        warning(
          [...path, i],
          `nobody in the users file is in "${group}"`,
          guess === undefined ? 'Add the group to somebody there, or correct the name.' : `Did you mean ${guess}?`,
        ),
      );
    }
  };
  for (const [name, role] of Object.entries(config.roles ?? {})) see(role.groups, ['roles', name, 'groups']);
  for (const { app, at } of wellFormedApps(config))
    for (const [i, rule] of app.rules.entries())
      for (const { terms, at: inner } of allTerms(rule)) see(terms.groups, [...at, 'rules', i, ...inner, 'groups']);
}

const folded = (name: string): string => name.normalize('NFC').toLowerCase();
