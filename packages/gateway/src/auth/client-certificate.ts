/**
 * People and programs who show a certificate in the TLS handshake (RFC 8446, 4.4.2). TLS has
 * verified that it chains to an authority that the listener names and that the client
 * has its key; here one of its names becomes an account.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { ClientCertificate, Connection } from '../wire/http.ts';
import { type AccountNames, parseAccountName } from './account-name.ts';
import type { Authenticator, Credentials, Outcome, Rejected } from './authenticator.ts';
import { type CertificateNames, readCertificateNames } from './certificate-names.ts';

/** The name that tells who it is. */
export type CertificateName = 'upn' | 'email' | 'dns' | 'cn';

export interface ClientCertificateOptions {
  readonly id?: string;
  readonly from: CertificateName;
  readonly names: AccountNames;
  readonly lifetimeMs: number;
  /** Whether the person's groups are to be asked of the directory. */
  readonly lookUpGroups?: boolean;
}

type Found = { readonly kind: 'none' } | { readonly kind: 'ok'; readonly person: Person } | Rejected;

interface Person {
  /** SHA-256 of the certificate. */
  readonly fingerprint: string;
  readonly account: string;
  readonly upn: string | undefined;
  readonly name: string | undefined;
  readonly email: string | undefined;
  readonly key: string;
  readonly notAfter: number;
}

/** Client certificates as a sign-in method. */
export function clientCertificate(options: ClientCertificateOptions): Authenticator {
  const id = options.id ?? 'client_certificate';
  // Once for each connection: its certificate cannot change.
  const known = new WeakMap<Connection, Found>();

  return {
    id,
    kind: 'client_certificate',
    scope: 'request',
    challenge: undefined,

    authenticate({ connection, now }: Credentials): Outcome {
      let found = known.get(connection);
      if (found === undefined) {
        found = personOf(connection.clientCertificate, options);
        known.set(connection, found);
      }
      if (found.kind === 'none') return absent;
      if (found.kind === 'rejected') return found;
      const { person } = found;
      // A connection may outlive the certificate that it began with.
      if (now >= person.notAfter) return rejected('certificate-expired', 'the certificate has expired');
      const identity = {
        subject: `client_certificate:${person.key}`,
        account: person.account,
        upn: person.upn,
        name: person.name,
        email: person.email,
        sids: [],
        groups: [],
        method: 'client_certificate',
        authenticatedAt: now,
        expiresAt: Math.min(now + options.lifetimeMs, person.notAfter),
      };
      return {
        kind: 'accepted',
        identity,
        lookUpGroups: options.lookUpGroups,
        reuse: { key: `${id} ${person.fingerprint}`, until: Math.min(now + reuseMs, person.notAfter) },
      };
    },
  };
}

/** So long is what the directory says about somebody kept without asking it again. */
const reuseMs = 60_000;

function personOf(certificate: ClientCertificate | undefined, { from, names }: ClientCertificateOptions): Found {
  if (certificate === undefined) return { kind: 'none' };
  if (!certificate.verified)
    return rejected(
      'certificate-not-verified',
      `the certificate was not verified: ${certificate.problem ?? 'unknown'}`,
    );
  const read = readCertificateNames(certificate.der);
  if (read === undefined) return rejected('certificate-unreadable', 'the names in the certificate cannot be read');
  const [name, ...more] = candidates[from](read);
  if (name === undefined) return rejected('certificate-without-name', `the certificate has no ${words[from]}`);
  if (more.length > 0) return rejected('certificate-ambiguous', `the certificate has more than one ${words[from]}`);
  const account = accountOf(name, from, names);
  if (account === undefined)
    return rejected('certificate-name', `the certificate's ${words[from]} is no name of an account`);
  const [commonName, ...others] = read.commonNames;
  const [email, ...emails] = read.emails;
  const person = {
    ...account,
    fingerprint: createHash('sha256').update(certificate.der).digest('base64url'),
    name: others.length === 0 ? commonName : undefined,
    email: emails.length === 0 ? email : undefined,
    notAfter: read.notAfter,
  };
  return { kind: 'ok', person };
}

const candidates: Readonly<Record<CertificateName, (names: CertificateNames) => readonly string[]>> = {
  upn: ({ upns }) => upns,
  email: ({ emails }) => emails,
  dns: ({ hosts }) => hosts,
  cn: ({ commonNames }) => commonNames,
};

const words: Readonly<Record<CertificateName, string>> = {
  upn: 'user principal name',
  email: 'e-mail address',
  dns: 'host name',
  cn: 'common name',
};

function accountOf(
  name: string,
  from: CertificateName,
  names: AccountNames,
): Pick<Person, 'account' | 'upn' | 'key'> | undefined {
  switch (from) {
    case 'upn':
    case 'email': {
      // Not `CORP\admin`, which is a name of another kind.
      const account = name.includes('@') ? parseAccountName(name, { domains: names.domains }) : undefined;
      return account && from === 'email' ? { ...account, upn: undefined } : account;
    }
    case 'cn':
      return parseAccountName(name, names) ?? (names.defaultDomain === undefined ? plainName(name) : undefined);
    case 'dns':
      return hostName.test(name.toLowerCase()) ? plainName(name.toLowerCase()) : undefined;
  }
}

const hostName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** A name outside any domain, such as a program's. It has nothing that could make it look like one within. */
function plainName(name: string): Pick<Person, 'account' | 'upn' | 'key'> | undefined {
  return /^[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,251}[A-Za-z0-9])?$/.test(name)
    ? { account: name, upn: undefined, key: name.toLowerCase() }
    : undefined;
}

const absent: Outcome = { kind: 'absent' };
const rejected = (reason: string, detail: string): Rejected => ({ kind: 'rejected', reason, detail });
