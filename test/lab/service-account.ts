/**
 * A service account of a test's own in the lab's domain, which can be made wrong in every way, and its keytab.
 *
 * @module
 */
import { join } from 'node:path';
import { encodeKeytab } from '@cardea/kerberos';
import { Attribute, Change, Client, EqualityFilter } from 'ldapts';
import { administratorPassword, baseDn, dnsDomain, realm } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { run } from '../../lab/processes.ts';
import { readFileSync } from 'node:fs';

export interface ServiceAccount {
  readonly name: string;
  /** Replaces an attribute; without values it is taken away. */
  set(attribute: string, ...values: readonly string[]): Promise<void>;
  /** Gives it another password, and so the next key version. */
  changePassword(): Promise<void>;
  /** A keytab with keys of these types, of the account's present version. The keys themselves are made up. */
  keytab(types?: readonly number[]): Promise<Uint8Array>;
  remove(): Promise<void>;
}

/** Makes an account with AES that is good for ever, and has these service principal names. */
export async function makeServiceAccount(name: string, spns: readonly string[]): Promise<ServiceAccount> {
  const dn = `CN=${name},CN=Users,${baseDn}`;
  const client = new Client({ url: `ldaps://${address}`, tlsOptions: { ca: readFileSync(paths.ca) } });
  await client.bind(`Administrator@${dnsDomain}`, administratorPassword);
  await client.del(dn).catch(() => {}); // of a run that was killed
  let count = 0;
  const password = (): Buffer => Buffer.from(`"Svc-Doctor-Passw0rd${count++}!"`, 'utf16le');
  await client.add(dn, [
    new Attribute({ type: 'objectClass', values: ['user'] }),
    new Attribute({ type: 'sAMAccountName', values: [name] }),
    new Attribute({ type: 'msDS-SupportedEncryptionTypes', values: ['24'] }),
    new Attribute({ type: 'unicodePwd', values: [password()] }),
    // NORMAL_ACCOUNT, DONT_EXPIRE_PASSWORD
    new Attribute({ type: 'userAccountControl', values: ['66048'] }),
    ...(spns.length === 0 ? [] : [new Attribute({ type: 'servicePrincipalName', values: [...spns] })]),
  ]);
  const replace = (type: string, values: readonly (string | Buffer)[]): Promise<void> =>
    client.modify(dn, [
      new Change({
        operation: 'replace',
        modification: new Attribute({ type, values: [...values] as string[] | Buffer[] }),
      }),
    ]);
  return {
    name,
    set: (attribute, ...values) => replace(attribute, values),
    changePassword: () => replace('unicodePwd', [password()]),
    async keytab(types = [18, 17]) {
      const filter = new EqualityFilter({ attribute: 'sAMAccountName', value: name });
      const { searchEntries } = await client.search(baseDn, { filter, attributes: ['msDS-KeyVersionNumber'] });
      const kvno = Number(searchEntries[0]?.['msDS-KeyVersionNumber']);
      return encodeKeytab(
        spns.flatMap((principal) =>
          types.map((etype) => ({
            principal,
            realm,
            kvno,
            etype,
            nameType: 1,
            timestamp: 0,
            key: new Uint8Array(etype === 18 ? 32 : 16).fill(7),
          })),
        ),
      );
    },
    async remove() {
      await client.del(dn).catch(() => {});
      await client.unbind();
    },
  };
}

/**
 * Gives an account a service principal name that another one has already, past the domain controller, who would not: as two
 * controllers do that were asked at the same time.
 */
export async function forceServiceName(account: string, name: string): Promise<void> {
  const script = `
import sys, ldb
db = ldb.Ldb(sys.argv[1])
[entry] = db.search(base=sys.argv[2], scope=ldb.SCOPE_SUBTREE, expression='(&(sAMAccountName=%s)(!(isDeleted=TRUE)))' % sys.argv[3], attrs=[])
message = ldb.Message(entry.dn)
message['servicePrincipalName'] = ldb.MessageElement([sys.argv[4]], ldb.FLAG_MOD_REPLACE, 'servicePrincipalName')
db.modify(message)
`;
  const file = join(paths.controller, 'private', 'sam.ldb.d', `${baseDn.toUpperCase()}.ldb`);
  await run('/usr/bin/python3', ['-c', script, file, baseDn, account, name]);
}
