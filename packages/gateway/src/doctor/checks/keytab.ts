import { etypeName, type KeytabEntryInfo, parseKeytab } from '@cardea/kerberos';
import { type Entry, EqualityFilter, OrFilter } from 'ldapts';
import { accountStateOf, textOf } from '../../directory/ldap-entries.ts';
import { type Check, type Env, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';

/** The keytab against the accounts that its keys are of. */
export const keytab: Check = {
  id: 'keytab',
  title: 'the keytab fits its account in Active Directory',
  sides: ['gateway'],
  finds: {
    'keytab-kvno': "the keytab lacks the account's present key, which tickets are encrypted with",
    'keytab-etypes': 'the keytab lacks the encryption type that tickets will have',
    'account-rc4': 'the account has RC4 alone: its tickets are easily broken, and Cardea refuses them',
    'spn-missing': 'no account has the name that browsers ask for tickets of',
    'spn-duplicate': 'several accounts have the name: the domain controller gives no tickets for it',
    'account-state': 'the account of the service is disabled, locked or expired, or its password has expired',
  },
  async run(env) {
    const { sign_in: entries } = env.loaded.config;
    const found: Finding[] = [];
    for (const { negotiate } of entries) {
      if (negotiate === undefined) continue;
      const read = env.loaded.files.read(negotiate.keytab);
      if (read.kind === 'wrong') continue; // told by the configuration check
      let keys: readonly KeytabEntryInfo[];
      try {
        keys = parseKeytab(read.value).entries.filter(({ principal }) => /^HTTP\//i.test(principal));
      } catch {
        continue;
      }
      found.push(...(await examine(env, keys, negotiate.services)));
    }
    return found;
  },
};

const attributes = [
  'sAMAccountName',
  'servicePrincipalName',
  'msDS-KeyVersionNumber',
  'msDS-SupportedEncryptionTypes',
  'userAccountControl',
  'accountExpires',
  'msDS-User-Account-Control-Computed',
];

/** Every name that the keytab has keys for, or that an app is reached by. */
async function examine(
  env: Env,
  keys: readonly KeytabEntryInfo[],
  services: readonly string[] | undefined,
): Promise<readonly Finding[]> {
  const wanted = services?.map((service) => (service.split('@')[0] ?? '').toLowerCase());
  const inUse = keys.filter(({ principal }) => wanted === undefined || wanted.includes(principal.toLowerCase()));
  const byName = new Map<string, KeytabEntryInfo[]>();
  for (const key of inUse) {
    const name = key.principal.replace(/^http\//i, 'HTTP/');
    byName.set(name, [...(byName.get(name) ?? []), key]);
  }
  const hosts = env.loaded.config.apps
    .filter(({ sign_in: own }) => own !== 'none' && (own === undefined || own.includes('negotiate')))
    .flatMap(({ host }) => host.filter((one) => /[a-z]/.test(one)));
  for (const host of hosts)
    if (![...byName.keys()].some((one) => one.toLowerCase() === `http/${host}`)) byName.set(`HTTP/${host}`, []);

  const found: Finding[] = [];
  for (const [name, present] of byName) found.push(...(await judgeName(env, name, present)));
  return found;
}

async function judgeName(env: Env, name: string, present: readonly KeytabEntryInfo[]): Promise<readonly Finding[]> {
  const about = { about: name, tried: `searching the account with ${name}` };
  if (env.directory === undefined)
    return [
      unknown(
        { id: 'spn-missing', ...about, seen: 'there is no directory.ldap to ask' },
        'Add directory.ldap, or look with setspn -Q.',
      ),
    ];
  let entries: readonly Entry[];
  try {
    entries = await accountsWith(env.directory, name);
  } catch (error) {
    return [unknown({ id: 'spn-missing', ...about, seen: reasonOf(error) }, 'See what is said of ldap-bind.')];
  }
  const [account, ...more] = entries;
  if (account === undefined)
    return [
      fail(
        { id: 'spn-missing', ...about, seen: 'no account below the base has it' },
        `setspn -S ${name} account, with the account that the keytab is of.`,
      ),
    ];
  const names = entries.map((entry) => textOf(entry, 'sAMAccountName') ?? 'an account without a name').join(', ');
  const single = pass({ id: 'spn-missing', ...about, seen: `${names} has it` });
  if (more.length > 0)
    return [
      single,
      fail(
        { id: 'spn-duplicate', ...about, seen: `several have it: ${names}` },
        `setspn -D ${name} account, for all but the account that the keytab is of.`,
      ),
    ];
  return [
    single,
    pass({ id: 'spn-duplicate', ...about, seen: `${names} alone has it` }),
    judgeState(account, names, env.now()),
    ...judgeTypes(account, name, names, present),
    ...judgeVersion(account, name, names, present),
  ];
}

/** Who has `HTTP/…` itself; without one, who has `HOST/…`, which AD takes for it (MS-ADTS 7.1.1.4, sPNMappings). */
async function accountsWith(directory: NonNullable<Env['directory']>, name: string): Promise<readonly Entry[]> {
  const asHost = name.replace(/^HTTP\//, 'HOST/');
  const filter = new OrFilter({
    filters: [name, asHost].map((value) => new EqualityFilter({ attribute: 'servicePrincipalName', value })),
  });
  const entries = await directory.search({ filter, attributes, sizeLimit: 10 });
  const own = entries.filter((entry) => valuesOf(entry, 'servicePrincipalName').some((one) => same(one, name)));
  return own.length > 0 ? own : entries;
}

function judgeState(account: Entry, who: string, now: number): Finding {
  const about = { id: 'account-state', about: who, tried: 'userAccountControl and accountExpires of the account' };
  const state = accountStateOf(account, now);
  const computed = Number(textOf(account, 'msDS-User-Account-Control-Computed') ?? 0);
  if (state === 'unknown')
    return unknown({ ...about, seen: 'they cannot be read' }, 'Give the bind account the right to read them.');
  // MS-ADTS 2.2.16, ADS_UF_PASSWORD_EXPIRED. Tickets for the service are given all the same; its owner cannot export keys any more.
  if (state === 'active' && (computed & 0x80_0000) !== 0)
    return fail(
      { ...about, seen: 'its password has expired' },
      'Set it anew, let it not expire, and export the keytab again.',
    );
  if (state === 'active') return pass({ ...about, seen: 'it is active' });
  return fail(
    { ...about, seen: `it is ${state}` },
    'Enable, unlock or extend it: the domain controller gives no tickets for it.',
  );
}

const aes256 = 16;
const aes128 = 8;

function judgeTypes(
  account: Entry,
  name: string,
  who: string,
  present: readonly KeytabEntryInfo[],
): readonly Finding[] {
  const text = textOf(account, 'msDS-SupportedEncryptionTypes');
  const types = Number(text ?? 0);
  const about = { about: name, tried: `msDS-SupportedEncryptionTypes of ${who}` };
  const seen = text === undefined ? 'it is not set' : `it is ${types}`;
  const todo = 'Set it to 24 (AES), change the password of the account, and export the keytab again.';
  // What it means then is the domain controllers' affair (DefaultDomainSupportedEncTypes): RC4 for long, AES with newer ones.
  if (types === 0)
    return [unknown({ id: 'account-rc4', ...about, seen: `${seen}: the domain controllers decide` }, todo)];
  if ((types & (aes128 | aes256)) === 0) return [fail({ id: 'account-rc4', ...about, seen: `${seen}: no AES` }, todo)];
  const own = pass({ id: 'account-rc4', ...about, seen: `${seen}: AES` });
  if (present.length === 0) return [own];
  // The domain controller takes the strongest that the account has.
  const etype = (types & aes256) !== 0 ? 18 : 17;
  const keys = [...new Set(present.map((key) => etypeName(key.etype)))].join(', ');
  const fitting = { id: 'keytab-etypes', about: name, tried: `the keytab's keys for ${name}` };
  return [
    own,
    present.some((key) => key.etype === etype)
      ? pass({ ...fitting, seen: `${etypeName(etype)} is among them` })
      : fail(
          { ...fitting, seen: `it has ${keys}; tickets will have ${etypeName(etype)}` },
          'Export the keytab again, with all encryption types of the account.',
        ),
  ];
}

function judgeVersion(
  account: Entry,
  name: string,
  who: string,
  present: readonly KeytabEntryInfo[],
): readonly Finding[] {
  if (present.length === 0) return []; // that the keytab lacks the name is told by the configuration check
  const about = { id: 'keytab-kvno', about: name, tried: `msDS-KeyVersionNumber of ${who} and the keytab's` };
  const version = Number(textOf(account, 'msDS-KeyVersionNumber') ?? Number.NaN);
  if (!Number.isInteger(version))
    return [unknown({ ...about, seen: "the account's cannot be read" }, 'Give the bind account the right to read it.')];
  const versions = [...new Set(present.map(({ kvno }) => kvno))].sort((a, b) => a - b);
  // Version 0 stands for any: see the keytab's own reader.
  const has = versions.some((one) => one === version || one === 0 || one === (version & 0xff));
  const seen = `the account has ${version}, the keytab ${versions.join(', ')}`;
  if (has) return [pass({ ...about, seen })];
  return [
    fail(
      { ...about, seen },
      'Export the keytab again, and remember that ktpass changes the password unless it is told not to.',
    ),
  ];
}

function valuesOf(entry: Entry, attribute: string): readonly string[] {
  const value = entry[attribute];
  const values = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return values.map((each) => (typeof each === 'string' ? each : each.toString('utf8')));
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
