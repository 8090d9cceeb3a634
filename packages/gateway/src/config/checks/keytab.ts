import { type Keytab, KeytabError, parseKeytab } from '@cardea/kerberos';
import type { Path } from '../problem.ts';
import type { Negotiate } from '../schema.ts';
import { type Check, type CheckContext, error, warning, wellFormedApps } from './check.ts';

const rc4 = 23;
const aes: readonly number[] = [17, 18, 19, 20];

/** The keytab can be read and has usable keys for what browsers will ask for. */
export const checkKeytabs: Check = (context) => {
  const { config, report } = context;
  for (const [i, { negotiate }] of (config.sign_in ?? []).entries()) {
    if (negotiate === undefined) continue;
    const at = ['sign_in', i, 'negotiate'];
    const { listen } = config;
    if (negotiate.channel_bindings === 'required' && listen?.every(({ tls }) => tls === undefined))
      report(
        error(
          [...at, 'channel_bindings'],
          'no token can be bound to a TLS connection, for none ends here',
          'Add tls to listen, or write when_sent.',
        ),
      );
    const keytab = readKeytab(context, [...at, 'keytab'], negotiate.keytab);
    if (keytab !== undefined) checkKeys(context, at, keytab, negotiate);
  }
};

function readKeytab({ files, report }: CheckContext, path: Path, file: string): Keytab | undefined {
  if (files === undefined) return undefined;
  const read = files.read(file);
  if (read.kind === 'wrong') {
    report(error(path, read.message, read.fix));
    return undefined;
  }
  if (files.isWorldReadable(file))
    report(
      warning(
        path,
        `everybody on this machine may read ${files.display(file)}, and sign in to the service as anybody`,
        'chmod 600, and let it belong to the user of the service.',
      ),
    );
  try {
    return parseKeytab(read.value);
  } catch (cause) {
    if (!(cause instanceof KeytabError) && !(cause instanceof RangeError)) throw cause;
    report(error(path, `${files.display(file)} is not a good keytab: ${cause.message}`, 'Export the keytab again.'));
    return undefined;
  }
}

function checkKeys({ config, report }: CheckContext, at: Path, keytab: Keytab, negotiate: Negotiate): void {
  for (const { at: place, ...fault } of keytabFaults(keytab, negotiate)) report({ ...fault, path: [...at, ...place] });
  const entries = webEntries(keytab);
  if (entries.length === 0) return;
  const list = namesOf(entries);

  const hosts = wellFormedApps(config)
    .filter(({ app: { sign_in: own } }) => own !== 'none' && (own === undefined || own.includes('negotiate')))
    .flatMap(({ app, at: place }) => app.host.map((host, i) => ({ host, place: [...place, 'host', i] as Path })));
  const { issuer } = config;
  if (
    issuer !== undefined &&
    issuer !== false &&
    (issuer.sign_in === undefined || issuer.sign_in.includes('negotiate'))
  ) {
    const { hostname } = new URL(issuer.url);
    if (!hosts.some(({ host }) => same(host, hostname))) hosts.push({ host: hostname, place: ['issuer', 'url'] });
  }
  for (const { host, place } of hosts)
    if (/[a-z]/.test(host) && !has(entries, `HTTP/${host}`))
      report(
        warning(
          place,
          `the keytab has no key for HTTP/${host}, which browsers ask for at this address`,
          `Add the service principal name (setspn -S HTTP/${host} account) and export the keytab again. An alias (CNAME) of ${list} is fine.`,
        ),
      );
}

/** What makes a keytab useless for this sign-in: for `cardea check`, and for a gateway that runs when the file has changed. */
export function keytabFaults(
  keytab: Keytab,
  negotiate: Pick<Negotiate, 'services' | 'dangerously_allow_rc4'>,
): readonly KeytabFault[] {
  const fault = (at: Path, message: string, fix: string): KeytabFault => ({ severity: 'error', at, message, fix });
  const entries = webEntries(keytab);
  if (entries.length === 0) {
    const others =
      keytab.principals.length === 0 ? 'it is empty' : `it has ${keytab.principals.slice(0, 5).join(', ')}`;
    return [
      fault(
        ['keytab'],
        `the keytab has no key for HTTP/…: ${others}`,
        'Export the keys of the account that has the HTTP/… service principal name.',
      ),
    ];
  }
  const faults = (negotiate.services ?? []).flatMap((service, i) =>
    has(entries, service)
      ? []
      : [
          fault(
            ['services', i],
            `the keytab has no key for ${service}`,
            `Export the keytab again with that name, or use one of these: ${namesOf(entries)}.`,
          ),
        ],
  );
  const types = new Set(entries.map(({ etype }) => etype));
  if (aes.some((type) => types.has(type)) || (types.has(rc4) && negotiate.dangerously_allow_rc4)) return faults;
  return [
    ...faults,
    fault(
      ['keytab'],
      types.has(rc4)
        ? 'the keytab has RC4 keys only, and RC4 is refused'
        : 'the keytab has no key of an encryption type that is spoken here',
      'Set msDS-SupportedEncryptionTypes of the service account to 24 (AES), change its password, and export the keytab again.',
    ),
  ];
}

/** With its place in the entry of `sign_in`. */
export interface KeytabFault {
  readonly severity: 'error';
  readonly at: Path;
  readonly message: string;
  readonly fix: string;
}

type Entries = Keytab['entries'];

const webEntries = ({ entries }: Keytab): Entries => entries.filter(({ principal }) => /^HTTP\//i.test(principal));

const has = (entries: Entries, service: string): boolean =>
  entries.some(({ principal, realm }) => same(service, principal) || same(service, `${principal}@${realm}`));

const namesOf = (entries: Entries): string => [...new Set(entries.map(({ principal }) => principal))].join(', ');

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
