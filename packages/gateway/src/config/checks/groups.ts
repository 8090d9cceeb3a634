import type { Path } from '../problem.ts';
import { looksLikeSid } from '../values/sid.ts';
import { type Check, warning, wellFormedApps } from './check.ts';

/**
 * A Kerberos ticket carries SIDs only. Where nothing can name a group, a rule that names it never lets anybody in;
 * people with passwords bring the names of their groups with them.
 */
export const checkGroupsHaveNames: Check = ({ config, report }) => {
  const { sign_in: methods, directory, roles } = config;
  if (methods === undefined || directory === undefined || directory.ldap !== undefined) return;
  if (!methods.some((method) => method.negotiate) || methods.some((method) => method.password)) return;
  const named = new Set(Object.values(directory.groups).map((name) => name.toLowerCase()));

  const see = (groups: readonly string[] | undefined, path: Path): void => {
    for (const [i, group] of (groups ?? []).entries())
      if (!looksLikeSid(group) && !named.has(group.toLowerCase()))
        report(
          warning(
            [...path, i],
            `nothing tells which group "${group}" is: Kerberos tickets carry groups as SIDs`,
            'Add directory.ldap, or the group to directory.groups, or write its SID here.',
          ),
        );
  };
  for (const [name, role] of Object.entries(roles ?? {})) see(role.groups, ['roles', name, 'groups']);
  for (const { app, at } of wellFormedApps(config))
    for (const [i, rule] of app.rules.entries()) see(rule.groups, [...at, 'rules', i, 'groups']);
};
