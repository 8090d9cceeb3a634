import { EqualityFilter, PresenceFilter } from 'ldapts';
import { DirectorySignInError } from '../../directory/ldap-connection.ts';
import { sidsOf } from '../../directory/ldap-entries.ts';
import { type Check, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';

/** The directory, asked as the gateway asks it. */
export const directory: Check = {
  id: 'directory',
  title: 'the directory answers, takes our password, and shows groups',
  sides: ['gateway'],
  finds: {
    'ldap-connect': 'the domain controller cannot be reached, or its certificate is not one that the gateway takes',
    'ldap-bind': 'the domain controller refuses the bind account or its password',
    'ldap-base': 'below the base nothing is to be read',
    'ldap-groups': 'the groups of people (tokenGroups) cannot be read',
  },
  async run(env) {
    const { directory: questions } = env;
    const { ldap } = env.loaded.config.directory;
    if (questions === undefined || ldap === undefined) return [];
    const about = { about: questions.url };
    const connect = { id: 'ldap-connect', ...about, tried: 'a connection over TLS' };
    const bind = { id: 'ldap-bind', ...about, tried: `signing in as ${ldap.bind.user}` };
    const any = new PresenceFilter({ attribute: 'objectClass' });
    try {
      await questions.search({ at: '', filter: any, attributes: ['defaultNamingContext'], sizeLimit: 1 });
    } catch (error) {
      if (error instanceof DirectorySignInError)
        return [
          pass({ ...connect, seen: 'it answers, with a certificate that is right' }),
          fail(
            { ...bind, seen: error.message },
            'Set the right password in directory.ldap.bind, and see whether the account is enabled. It was tried once.',
          ),
        ];
      return [
        fail(
          { ...connect, seen: reasonOf(error) },
          'See whether the controller runs, url is right, and ca is its authority.',
        ),
        unknown({ ...bind, seen: 'there was no connection' }, 'See what is said of ldap-connect.'),
      ];
    }
    const found: Finding[] = [
      pass({ ...connect, seen: 'it answers, with a certificate that is right' }),
      pass({ ...bind, seen: 'it was let in' }),
    ];
    const base = { id: 'ldap-base', about: ldap.base || 'the default base', tried: 'searching one group below it' };
    try {
      const isGroup = new EqualityFilter({ attribute: 'objectClass', value: 'group' });
      // More than one there will be: that the limit is met is an answer too.
      const groups = await questions
        .search({ filter: isGroup, attributes: ['cn'], sizeLimit: 1 })
        .catch((error: unknown) => {
          if (error instanceof Error && /size ?limit/i.test(error.message)) return undefined;
          throw error;
        });
      found.push(
        groups?.length === 0
          ? fail(
              { ...base, seen: 'there is none' },
              'Correct base, or give the bind account the right to read below it.',
            )
          : pass({ ...base, seen: 'there are groups' }),
      );
    } catch (error) {
      found.push(fail({ ...base, seen: reasonOf(error) }, 'Correct directory.ldap.base: DC=corp,DC=example'));
    }
    found.push(await judgeGroups(questions, ldap.bind.user));
    return found;
  },
};

async function judgeGroups(
  questions: { search: NonNullable<Parameters<Check['run']>[0]['directory']>['search'] },
  user: string,
): Promise<Finding> {
  const about = { id: 'ldap-groups', about: user, tried: 'tokenGroups of the bind account' };
  const name = user.includes('\\') ? user.slice(user.indexOf('\\') + 1) : (user.split('@')[0] ?? user);
  const byDn = user.includes('=');
  try {
    const any = new PresenceFilter({ attribute: 'objectClass' });
    const filter = byDn ? any : new EqualityFilter({ attribute: 'sAMAccountName', value: name });
    const attributes = ['objectSid'];
    const [entry] = await questions.search({ filter, attributes, sizeLimit: 2, ...(byDn ? { at: user } : {}) });
    if (entry === undefined)
      return unknown({ ...about, seen: 'the account was not found below the base' }, 'Widen directory.ldap.base.');
    const [own] = await questions.search({ at: entry.dn, filter: any, attributes: ['tokenGroups'], sizeLimit: 1 });
    const count = own === undefined ? 0 : sidsOf(own, 'tokenGroups').length;
    if (count > 0) return pass({ ...about, seen: `${count} groups` });
    return fail(
      { ...about, seen: 'none can be read, and everybody is in one at least' },
      'Put the bind account into "Windows Authorization Access Group" (and "Pre-Windows 2000 Compatible Access").',
    );
  } catch (error) {
    return unknown({ ...about, seen: reasonOf(error) }, 'See what is said of ldap-base.');
  }
}
