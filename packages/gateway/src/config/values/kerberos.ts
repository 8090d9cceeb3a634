import { ok, type Parsed, wrong } from '../parsed.ts';

/** A service principal such as `HTTP/desk.corp.example`, with or without its realm. */
export function parseService(text: string): Parsed<string> {
  const [, service, host] = /^([A-Za-z]+)\/([A-Za-z0-9._-]+)(?:@[A-Za-z0-9._-]+)?$/.exec(text) ?? [];
  if (host === undefined) return wrong(`"${text}" is not a service principal`, 'Write it like HTTP/desk.corp.example.');
  if (service !== 'HTTP')
    return wrong(
      `"${text}" is not what a browser asks for`,
      `Write HTTP/${host} (in capitals, with https as well) and have that name in the keytab.`,
    );
  return ok(text);
}

/** A Kerberos realm: the Active Directory domain in capitals. */
export function parseRealm(text: string): Parsed<string> {
  if (!/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text))
    return wrong(`"${text}" is not a Kerberos realm`, 'Write it like CORP.EXAMPLE.');
  if (text !== text.toUpperCase())
    return wrong(
      `"${text}" is not in capitals`,
      `Write ${text.toUpperCase()}: realms are compared with regard to case.`,
    );
  return ok(text);
}

/** The short (NetBIOS) name of a domain, as in `CORP\alice` (MS-NBTE 2.2.1). */
export function parseDomain(text: string): Parsed<string> {
  if (!/^[^\s\\/:*?"<>|@,.]{1,15}$/.test(text))
    return wrong(
      `"${text}" is not the short name of a domain`,
      'Write it as it stands before the backslash of CORP\\alice.',
    );
  return ok(text);
}
