/**
 * The lab's Active Directory domain: every name, group and password, in one place.
 *
 * The values are throwaway and known to everybody. The domain listens on a loopback address only.
 *
 * @module
 */

export interface LabUser {
  readonly name: string;
  readonly password: string;
  readonly givenName?: string;
  readonly surname?: string;
  /** Why this account cannot sign on. */
  readonly blocked?: 'disabled' | 'expired' | 'must-change-password';
}

export interface LabGroup {
  readonly name: string;
  readonly scope: 'global' | 'domain-local' | 'universal';
  /** sAMAccountNames of users and of other groups. */
  readonly members: readonly string[];
}

export interface LabService {
  readonly account: string;
  /** Hosts that get an `HTTP/host` service principal name. */
  readonly hosts: readonly string[];
  /** msDS-SupportedEncryptionTypes: 4 RC4, 8 AES128, 16 AES256. Without it AD issues RC4 only. */
  readonly encryptionTypes: number;
  /**
   * What happens to the password after the keytab was exported. `changed`: the keytab is out of date.
   * `rolled`: it is exported once more into the same file, which then holds both versions.
   */
  readonly afterExport?: 'changed' | 'rolled';
  /** False: registered in the domain, absent from every keytab. */
  readonly exported?: boolean;
}

export const realm = 'CORP.EXAMPLE';
export const netbiosName = 'CORP';
export const dnsDomain = 'corp.example';
export const baseDn = 'DC=corp,DC=example';
/** Fixed, so that every SID is the same after each rebuild. */
export const domainSid = 'S-1-5-21-1004336348-1177238915-682003330';
export const administratorPassword = 'Adm1n-Passw0rd!';
export const servicePassword = 'Svc-App-Passw0rd1!';

export const users: readonly LabUser[] = [
  { name: 'alice', password: 'Alice-Passw0rd1', givenName: 'Alice', surname: 'Smith' },
  { name: 'bob', password: 'Bob-Passw0rd1', givenName: 'Bob', surname: 'Jones' },
  { name: 'carol', password: 'Carol-Passw0rd1', givenName: 'Кэрол', surname: 'Łukasińska-陳' },
  { name: 'jürgen', password: 'Jurgen-Passw0rd1', givenName: 'Jürgen', surname: 'Müller' },
  { name: 'biguser', password: 'Big-Passw0rd1' },
  { name: 'dave', password: 'Dave-Passw0rd1', blocked: 'disabled' },
  { name: 'erin', password: 'Erin-Passw0rd1', blocked: 'must-change-password' },
  { name: 'frank', password: 'Frank-Passw0rd1', blocked: 'expired' },
];

const bigGroups = Array.from({ length: 400 }, (_, i): LabGroup => {
  return { name: `big-group-${String(i).padStart(3, '0')}`, scope: 'global', members: ['biguser'] };
});

/** Members come after what they are made of: a group is listed before the group that contains it. */
export const groups: readonly LabGroup[] = [
  { name: 'team-ai', scope: 'global', members: ['alice'] },
  { name: 'dep1', scope: 'global', members: ['team-ai'] },
  { name: 'dep2', scope: 'global', members: ['bob'] },
  { name: 'pro_group', scope: 'global', members: ['bob', 'carol'] },
  { name: 'max_group', scope: 'global', members: ['alice'] },
  { name: 'loc1', scope: 'domain-local', members: ['alice'] },
  { name: 'uni1', scope: 'universal', members: ['alice'] },
  { name: 'Ökonomie-経理', scope: 'global', members: ['jürgen'] },
  ...bigGroups,
];

export const services: readonly LabService[] = [
  { account: 'svc-app', hosts: ['app.corp.example', 'desk.corp.example'], encryptionTypes: 24 },
  { account: 'svc-rc4', hosts: ['rc4.corp.example'], encryptionTypes: 4 },
  { account: 'svc-aes128', hosts: ['aes128.corp.example'], encryptionTypes: 8 },
  { account: 'svc-mixed', hosts: ['mixed.corp.example'], encryptionTypes: 28 },
  { account: 'svc-stale', hosts: ['stale.corp.example'], encryptionTypes: 24, afterExport: 'changed' },
  { account: 'svc-rolled', hosts: ['rolled.corp.example'], encryptionTypes: 24, afterExport: 'rolled' },
  { account: 'svc-other', hosts: ['other.corp.example'], encryptionTypes: 24, exported: false },
  { account: 'svc-cardea', hosts: [], encryptionTypes: 24, exported: false },
];

/** The password of a user or service account. */
export function passwordOf(account: string): string {
  if (account === 'Administrator') return administratorPassword;
  if (services.some((service) => service.account === account)) return servicePassword;
  const user = users.find(({ name }) => name === account);
  if (user === undefined) throw new RangeError(`Cannot find the password of "${account}": the lab has no such account`);
  return user.password;
}
