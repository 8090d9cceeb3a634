import { allTerms } from '../../policy/rule.ts';
import type { Path } from '../problem.ts';
import { looksLikeSid } from '../values/sid.ts';
import { type Check, error, warning, wellFormedApps } from './check.ts';

/**
 * A Kerberos ticket carries SIDs only. Where nothing can name a group, a rule that names it never lets anybody in;
 * people with passwords bring the names of their groups with them.
 */
export const checkGroupsHaveNames: Check = ({ config, report }) => {
  const { sign_in: methods, directory, roles } = config;
  if (methods === undefined || directory === undefined || directory.ldap !== undefined) return;
  if (!methods.some(({ negotiate }) => negotiate?.groups_from === 'method')) return;
  const others = methods.some((method) => method.password);
  const named = new Set(Object.values(directory.groups).map((name) => name.toLowerCase()));

  const see = (groups: readonly string[] | undefined, path: Path, negated = false): void => {
    for (const [i, group] of (groups ?? []).entries()) seeOne(group, [...path, i], negated);
  };
  const seeOne = (group: string, path: Path, negated: boolean): void => {
    if (looksLikeSid(group) || named.has(group.toLowerCase())) return;
    if (negated)
      report(
        error(
          path,
          `not keeps nobody of "${group}" out: Kerberos tickets carry groups as SIDs, and nothing tells which one this is`,
          'Add directory.ldap, or the group to directory.groups, or write its SID here.',
        ),
      );
    else if (!others)
      report(
        warning(
          path,
          `nothing tells which group "${group}" is: Kerberos tickets carry groups as SIDs`,
          'Add directory.ldap, or the group to directory.groups, or write its SID here.',
        ),
      );
  };
  for (const [name, role] of Object.entries(roles ?? {})) see(role.groups, ['roles', name, 'groups']);
  for (const { app, at } of wellFormedApps(config)) {
    for (const [i, tier] of (app.limits?.tiers ?? []).entries())
      see(tier.groups, [...at, 'limits', 'tiers', i, 'groups']);
    for (const [i, { group }] of (app.limits?.groups ?? []).entries())
      seeOne(group, [...at, 'limits', 'groups', i, 'group'], false);
    for (const [i, rule] of app.rules.entries())
      for (const { terms, at: inner, negated } of allTerms(rule))
        see(terms.groups, [...at, 'rules', i, ...inner, 'groups'], negated);
  }
};
