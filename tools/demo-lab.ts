import { address, paths } from '../lab/files.ts';
import { passwordOf } from '../lab/domain.ts';
import { startLab } from '../lab/lab.ts';
import { available } from '../lab/packages.ts';

/** The name under which browsers reach the demonstration; the lab's keytab has its key. */
export const labHost = 'app.corp.example';

/** Starts the lab's domain and gives what the configuration needs of it. Ends the process with advice when the lab is not installed. */
export async function prepareLab(step: (text: string) => void): Promise<{
  readonly keytab: string;
  readonly ca: string;
  readonly host: string;
  readonly ldapAddress: string;
  readonly bindUser: string;
}> {
  const missing = available();
  if (missing.length > 0) {
    step(`The lab needs ${missing.join(', ')}. On Debian 12, as root: npm run lab:install`);
    process.exit(1);
  }
  step('Starting the Active Directory domain of the lab (15 s the first time) ...');
  await startLab(step);
  step('The domain keeps running when this ends; "node lab/lab.ts down" stops it.');
  process.env['CARDEA_LAB_LDAP_PASSWORD'] = passwordOf('svc-cardea');
  return {
    keytab: paths.keytab,
    ca: paths.ca,
    host: labHost,
    ldapAddress: address,
    bindUser: 'svc-cardea@corp.example',
  };
}
