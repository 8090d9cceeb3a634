/**
 * Accounts that a test makes in the lab's domain, changes and removes again, as an
 * administrator does over LDAP.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sidFromBytes } from '@cardea/kerberos';
import { Attribute, Change, Client } from 'ldapts';
import { administratorPassword, baseDn, dnsDomain } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { run } from '../../lab/processes.ts';

export interface TestAccount {
  /** As it is in the domain: with something random in it, so that suites do not meet. */
  readonly name: string;
  readonly dn: string;
  readonly sid: string;
  readonly password: string;
}

export interface Administrator {
  /** Makes a user; `name` becomes the beginning of the account's. */
  addUser(name: string, attributes?: Readonly<Record<string, string>>): Promise<TestAccount>;
  addGroup(name: string, members?: readonly TestAccount[]): Promise<TestAccount>;
  /** Rules for the passwords of some users alone (MS-ADTS 6.1.1.4.11.1). */
  addPasswordPolicy(
    name: string,
    users: readonly TestAccount[],
    rules: { readonly maximumAgeDays?: number; readonly lockoutThreshold?: number },
  ): Promise<void>;
  /** Lets the password of an account be years old. */
  agePassword(account: TestAccount): Promise<void>;
  /** Replaces an attribute; without a value it is removed. `dn`: of the account, or of the domain. */
  set(dn: string, attribute: string, value?: string | Buffer): Promise<void>;
  /** Removes what was made here, puts back what was set on the domain, and ends the connection. */
  close(): Promise<void>;
}

/** Signs in to the domain controller as its administrator. */
export async function administrator(): Promise<Administrator> {
  const client = new Client({ url: `ldaps://${address}`, tlsOptions: { ca: readFileSync(paths.ca, 'utf8') } });
  await client.bind(`Administrator@${dnsDomain}`, administratorPassword);
  const made: string[] = [];
  const before: (() => Promise<void>)[] = [];

  async function add(dn: string, name: string, attributes: Record<string, string | Buffer>, password: string) {
    const entry = Object.entries(attributes).map(
      ([type, value]) => new Attribute({ type, values: typeof value === 'string' ? [value] : [value] }),
    );
    await client.add(dn, entry);
    made.push(dn);
    const { searchEntries } = await client.search(dn, { scope: 'base', attributes: ['objectSid'] });
    const sid = searchEntries[0]?.['objectSid'];
    if (!Buffer.isBuffer(sid)) throw new Error(`The lab has made no SID for ${dn}`);
    return { name, dn, sid: sidFromBytes(sid), password };
  }

  async function replace(dn: string, type: string, value: string | Buffer | undefined): Promise<void> {
    const values = typeof value === 'string' ? [value] : value === undefined ? [] : [value];
    const modification = new Attribute({ type, values });
    await client.modify(dn, new Change({ operation: 'replace', modification }));
  }

  return {
    addUser(start, attributes = {}) {
      const name = `${start}${randomBytes(3).toString('hex')}`;
      const password = `Test-${randomBytes(6).toString('hex')}1`;
      const all = {
        objectClass: 'user',
        sAMAccountName: name,
        userAccountControl: '512',
        unicodePwd: Buffer.from(`"${password}"`, 'utf16le'),
        ...attributes,
      };
      return add(`CN=${escaped(name)},CN=Users,${baseDn}`, name, all, password);
    },

    async addGroup(start, members = []) {
      const name = `${start}${randomBytes(3).toString('hex')}`;
      const all = { objectClass: 'group', sAMAccountName: name };
      const group = await add(`CN=${escaped(name)},CN=Users,${baseDn}`, name, all, '');
      if (members.length > 0)
        await client.modify(
          group.dn,
          new Change({
            operation: 'replace',
            modification: new Attribute({ type: 'member', values: members.map(({ dn }) => dn) }),
          }),
        );
      return group;
    },

    async addPasswordPolicy(start, users, { maximumAgeDays, lockoutThreshold = 0 }) {
      const name = `${start}${randomBytes(3).toString('hex')}`;
      const dn = `CN=${name},CN=Password Settings Container,CN=System,${baseDn}`;
      const never = '-9223372036854775808';
      const values: Readonly<Record<string, string | string[]>> = {
        objectClass: 'msDS-PasswordSettings',
        'msDS-PasswordSettingsPrecedence': '10',
        'msDS-PasswordReversibleEncryptionEnabled': 'FALSE',
        'msDS-PasswordHistoryLength': '0',
        'msDS-PasswordComplexityEnabled': 'FALSE',
        'msDS-MinimumPasswordLength': '0',
        'msDS-MinimumPasswordAge': '0',
        'msDS-MaximumPasswordAge': maximumAgeDays === undefined ? never : String(-maximumAgeDays * 86_400 * 10_000_000),
        'msDS-LockoutThreshold': String(lockoutThreshold),
        'msDS-LockoutObservationWindow': '-18000000000',
        'msDS-LockoutDuration': '-18000000000',
        'msDS-PSOAppliesTo': users.map((user) => user.dn),
      };
      const entry = Object.entries(values).map(
        ([type, value]) => new Attribute({ type, values: typeof value === 'string' ? [value] : value }),
      );
      await client.add(dn, entry);
      made.push(dn);
    },

    async agePassword({ dn }) {
      const script = join(import.meta.dirname, 'age_password.py');
      await run('/usr/bin/python3', [script, join(paths.controller, 'private/sam.ldb.d'), dn]);
    },

    async set(dn, attribute, value) {
      if (dn === baseDn) {
        const { searchEntries } = await client.search(dn, { scope: 'base', attributes: [attribute] });
        const old = searchEntries[0]?.[attribute];
        before.unshift(() => replace(dn, attribute, typeof old === 'string' ? old : undefined));
      }
      await replace(dn, attribute, value);
    },

    async close() {
      for (const undo of before) await undo();
      for (const dn of made.toReversed()) await client.del(dn).catch(() => {});
      await client.unbind();
    },
  };
}

/** RFC 4514, 2.4. */
const escaped = (text: string): string => text.replace(/[,+"\\<>;=#]/g, '\\$&');
