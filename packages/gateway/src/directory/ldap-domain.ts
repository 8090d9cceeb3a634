/**
 * What Active Directory says about its own domain: what it is called, and after how many
 * wrong passwords it locks an account.
 *
 * @module
 */
import { AndFilter, EqualityFilter, PresenceFilter } from 'ldapts';
import { DirectoryError } from '../ports/directory.ts';
import { textOf } from './ldap-entries.ts';
import type { PatientConnection } from './ldap-patience.ts';

export interface LdapDomain {
  /** `DC=corp,DC=example`. */
  readonly dn: string;
  /** `CORP`. */
  readonly netbios: string;
  /** `corp.example`, in lower case. */
  readonly dns: string;
  /** Wrong passwords within `lockoutWindowMs` that lock an account; 0: none do. */
  readonly lockoutThreshold: number;
  readonly lockoutWindowMs: number;
}

/** A domain is renamed hardly ever, but its administrators do change how many wrong passwords it takes. */
const freshMs = 60 * 60_000;

/** The domain of the directory, asked once an hour at most. Throws `DirectoryError` when it is not known and cannot be asked. */
export class DomainFacts {
  readonly #connection: PatientConnection;
  #known: { readonly domain: LdapDomain; readonly at: number } | undefined;
  #asking: Promise<LdapDomain> | undefined;

  constructor(connection: PatientConnection) {
    this.#connection = connection;
  }

  /** As it was last heard of. */
  get known(): LdapDomain | undefined {
    return this.#known?.domain;
  }

  async get(now: number): Promise<LdapDomain> {
    if (this.#known !== undefined && now - this.#known.at < freshMs) return this.#known.domain;
    this.#asking ??= this.#ask(now).finally(() => (this.#asking = undefined));
    try {
      return await this.#asking;
    } catch (error) {
      if (this.#known === undefined || !(error instanceof DirectoryError)) throw error;
      return this.#known.domain;
    }
  }

  async #ask(now: number): Promise<LdapDomain> {
    const domain = await readDomain(this.#connection, now);
    this.#known = { domain, at: now };
    return domain;
  }
}

const any = new PresenceFilter({ attribute: 'objectClass' });

async function readDomain(connection: PatientConnection, now: number): Promise<LdapDomain> {
  const contexts = ['defaultNamingContext', 'configurationNamingContext'];
  const [root] = await connection.search({ at: '', filter: any, attributes: contexts, sizeLimit: 1 }, now);
  const dn = root && textOf(root, 'defaultNamingContext');
  const configuration = root && textOf(root, 'configurationNamingContext');
  if (dn === undefined || configuration === undefined) throw unnamed();
  // MS-ADTS 6.1.1.2.1.1: a crossRef object tells the names of each domain of the forest.
  const isDomain = new AndFilter({
    filters: [
      new EqualityFilter({ attribute: 'objectClass', value: 'crossRef' }),
      new EqualityFilter({ attribute: 'nCName', value: dn }),
    ],
  });
  const below = `CN=Partitions,${configuration}`;
  const names = { below, filter: isDomain, attributes: ['nETBIOSName', 'dnsRoot'], sizeLimit: 2 };
  const [reference] = await connection.search(names, now);
  const netbios = reference && textOf(reference, 'nETBIOSName');
  const dns = reference && textOf(reference, 'dnsRoot');
  if (netbios === undefined || dns === undefined) throw unnamed();
  const policy = ['lockoutThreshold', 'lockOutObservationWindow'];
  const [head] = await connection.search({ at: dn, filter: any, attributes: policy, sizeLimit: 1 }, now);
  const number = (attribute: string): number => Number((head && textOf(head, attribute)) ?? 0) || 0;
  return {
    dn,
    netbios,
    dns: dns.toLowerCase(),
    lockoutThreshold: Math.max(0, number('lockoutThreshold')),
    // In steps of 100 ns, and negative as all spans are (MS-ADTS 3.1.1.2.2.2.13).
    lockoutWindowMs: Math.abs(number('lockOutObservationWindow')) / 10_000,
  };
}

const unnamed = (): DirectoryError =>
  new DirectoryError(
    'Cannot find people in directory: it does not say what its domain is called. Is it Active Directory?',
  );
