/**
 * Names of Windows accounts as other programs write them: `CORP\alice`,
 * `alice@corp.example`, `alice`. Read strictly, since whoever reads a name loosely takes
 * one person for another.
 *
 * @module
 */

export interface AccountNames {
  /** The domain of a name that comes without one. Without it such a name is refused. */
  readonly defaultDomain?: string | undefined;
  /** Short domain names by the part of a UPN behind the `@`, in lower case: `corp.example` to `CORP`. */
  readonly domains?: Readonly<Record<string, string>> | undefined;
}

export interface AccountName {
  /** `CORP\alice`; `alice@corp.example` where no short name is known for the domain. */
  readonly account: string;
  readonly upn: string | undefined;
  /** The same for every spelling in upper and lower case, which Windows does not tell apart. */
  readonly key: string;
}

/** [MS-NBTE] 2.2.1: 15 characters, none of those that separate. */
const shortDomain = /^[^\s\\/:*?"<>|@,.;=+[\]]{1,15}$/u;
/**
 * What a sAMAccountName may hold ([MS-SAMR] 3.1.1.6): none of these, and no space at its ends. A `%`, which it may hold,
 * nobody uses: it shows that a name is encoded that was not to be.
 */
const samName = /^(?! )[^"%/\\[\]:;|=,+*?<>@\p{C}\p{Zl}\p{Zp}]{1,64}(?<! )$/u;
const upnPrefix = /^[^\s"%/\\[\]:;|=,*?<>@\p{C}]{1,64}$/u;
const dnsDomain = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/;

/** Reads one name; `undefined` for what is none, or could be two. */
export function parseAccountName(text: string, { defaultDomain, domains = {} }: AccountNames): AccountName | undefined {
  const name = text.normalize('NFC');
  if (name.includes('\\')) {
    const [domain = '', account = '', ...more] = name.split('\\');
    return more.length === 0 ? inDomain(domain, account, undefined) : undefined;
  }
  if (!name.includes('@')) return defaultDomain === undefined ? undefined : inDomain(defaultDomain, name, undefined);
  const [prefix = '', suffix = '', ...more] = name.split('@');
  const domain = suffix.toLowerCase();
  if (more.length > 0 || !upnPrefix.test(prefix) || !dnsDomain.test(domain)) return undefined;
  const upn = `${prefix}@${domain}`;
  const short = domains[domain]; // it has a dot, as nothing has that an object brings along
  return short === undefined ? { account: upn, upn, key: upn.toLowerCase() } : inDomain(short, prefix, upn);
}

function inDomain(domain: string, name: string, upn: string | undefined): AccountName | undefined {
  if (!shortDomain.test(domain) || !samName.test(name) || /^\.+$/.test(name)) return undefined;
  const account = `${domain.toUpperCase()}\\${name}`;
  return { account, upn, key: account.toLowerCase() };
}
