import { EqualityFilter, OrFilter } from 'ldapts';
import { termsOf } from '../../config/checks/check.ts';
import { looksLikeSid } from '../../config/values/sid.ts';
import { batches, groupAttributes, sidFilter, sidOf, textOf } from '../../directory/ldap-entries.ts';
import { type Check, type Env, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';

/** The policy against the directory. Rules that can never match are told by the configuration check. */
export const policy: Check = {
  id: 'policy',
  title: 'the groups of the policy exist, and its roles are used',
  sides: ['gateway'],
  finds: {
    'group-unknown': 'a rule or role names a group that nobody can be in',
    'role-unused': 'a role opens nothing: no rule asks for it, and no app is told of it',
  },
  run: async (env) => [...(await judgeGroups(env)), ...judgeRoles(env)],
};

/** Where each group is named. */
function groupsOf({ loaded: { config } }: Env): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  const add = (groups: readonly string[] | undefined, place: string): void => {
    for (const group of groups ?? []) if (!places.has(group)) places.set(group, place);
  };
  for (const [name, role] of Object.entries(config.roles)) add(role.groups, `roles.${name}`);
  for (const [i, app] of config.apps.entries())
    for (const { terms, place } of termsOf(app, ['apps', i]))
      add(terms.groups, `apps.${app.name}, rule ${String(place[3])}`);
  return places;
}

async function judgeGroups(env: Env): Promise<readonly Finding[]> {
  const { directory, loaded } = env;
  const { config, users } = loaded;
  const places = groupsOf(env);
  if (places.size === 0 || directory === undefined) return [];
  const folded = (text: string): string => text.normalize('NFC').toLowerCase();
  const elsewhere = new Set(
    [...users.flatMap(({ groups }) => groups), ...Object.values(config.directory.groups)].map(folded),
  );
  // Providers and proxies name groups that the directory need not know.
  const others = config.sign_in.some(
    ({ oidc, bearer }) => (oidc !== undefined && oidc.groups_from !== 'directory') || bearer !== undefined,
  );
  const asked = [...places.keys()].filter((group) => !elsewhere.has(folded(group)));
  const found: Finding[] = [];
  for (const some of batches(asked, 50)) {
    const tried = 'searching them in the directory';
    let known: ReadonlySet<string>;
    try {
      known = await existing(directory, some);
    } catch (error) {
      const about = some.join(', ');
      found.push(
        unknown({ id: 'group-unknown', about, tried, seen: reasonOf(error) }, 'See what is said of ldap-bind.'),
      );
      continue;
    }
    for (const group of some) {
      const about = {
        id: 'group-unknown',
        about: `${group} (${places.get(group)})`,
        tried: 'searching it in the directory',
      };
      if (known.has(folded(group))) found.push(pass({ ...about, seen: 'there is such a group' }));
      else if (others)
        found.push(
          unknown(
            { ...about, seen: 'there is none; a provider may name it' },
            'See whether the provider has a group of that name.',
          ),
        );
      else
        found.push(
          fail({ ...about, seen: 'there is no such group below the base' }, 'Correct the name, or make the group.'),
        );
    }
  }
  return found;
}

async function existing(
  directory: NonNullable<Env['directory']>,
  groups: readonly string[],
): Promise<ReadonlySet<string>> {
  const sids = groups.filter(looksLikeSid).map((sid) => sid.toUpperCase());
  const names = groups.filter((group) => !looksLikeSid(group));
  const filters = names.map((value) => new EqualityFilter({ attribute: 'sAMAccountName', value }));
  const filter = new OrFilter({ filters: [...filters, ...(sids.length > 0 ? [sidFilter(sids)] : [])] });
  const entries = await directory.search({ filter, attributes: groupAttributes, sizeLimit: 4 * groups.length });
  return new Set(
    entries.flatMap((entry) =>
      [textOf(entry, 'sAMAccountName'), sidOf(entry)].flatMap((one) =>
        one === undefined ? [] : [one.normalize('NFC').toLowerCase()],
      ),
    ),
  );
}

function judgeRoles({ loaded: { config } }: Env): readonly Finding[] {
  const told = config.apps.some(
    ({ headers, sign_in: own }) => own !== 'none' && (headers.roles !== false || headers.assertion !== false),
  );
  if (told) return [];
  const terms = config.apps.flatMap((app, i) => termsOf(app, ['apps', i]).map((one) => one.terms));
  return Object.entries(config.roles).map(([name, { modules }]) => {
    const about = { id: 'role-unused', about: name, tried: 'looking for a rule that asks for it' };
    const isUsed = terms.some(
      ({ roles, module }) =>
        roles?.includes(name) === true || (module !== undefined && (modules.includes(module) || modules.includes('*'))),
    );
    if (isUsed) return pass({ ...about, seen: 'there is one' });
    return fail(
      { ...about, seen: 'there is none, and no app is told of roles' },
      'Remove the role, or let a rule ask for it or for one of its modules.',
    );
  });
}
