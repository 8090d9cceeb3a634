/**
 * A certificate and its key, judged together: by `cardea check`, and by a gateway that runs when the files have changed.
 *
 * @module
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { ok, type Parsed, wrong } from '../parsed.ts';

/** The contents of the two files, and what messages call them. */
export interface PairFiles {
  /** `undefined`, here and below: there is nothing to be read, and somebody else says why. */
  readonly cert: Uint8Array | undefined;
  readonly key: Uint8Array | undefined;
  readonly names: { readonly cert: string; readonly key: string };
}

/** Something wrong with one of the two files, or (a warning) soon to be wrong. */
export interface PairFault {
  readonly severity: 'error' | 'warning';
  readonly file: 'cert' | 'key';
  readonly message: string;
  readonly fix: string;
}

export interface JudgedPair {
  /** Empty: the pair can be used. With warnings alone as well. */
  readonly faults: readonly PairFault[];
  /** As far as it could be read. */
  readonly certificate: X509Certificate | undefined;
}

/** Everything that can be said about a certificate and its key without asking anybody. `now` in ms since the epoch. */
export function judgePair({ cert, key, names }: PairFiles, now: number): JudgedPair {
  const faults: PairFault[] = [];
  const read = <T>(file: 'cert' | 'key', parsed: Parsed<T>): T | undefined => {
    if (parsed.kind === 'ok') return parsed.value;
    faults.push({ severity: 'error', file, message: parsed.message, fix: parsed.fix });
    return undefined;
  };
  const certificate = cert && read('cert', readCertificate(cert, names.cert));
  const privateKey = key && read('key', readKey(key, names.key));
  const time = certificate === undefined ? undefined : validity(certificate, now);
  if (time !== undefined) faults.push({ ...time, file: 'cert' });
  if (cert && key && certificate && privateKey) {
    const fault = certificate.checkPrivateKey(privateKey) ? refusedByTls(cert, key, names.cert) : NOT_ITS_KEY;
    if (fault !== undefined) faults.push(fault);
  }
  return { faults, certificate };
}

const NOT_ITS_KEY: PairFault = {
  severity: 'error',
  file: 'key',
  message: 'the key does not belong to the certificate',
  fix: 'Name the key that the certificate was requested with; in the file of the certificate, its own one must come first.',
};

/** What is wrong with the certificate of an authority, if anything: with the first one of its file. */
export function judgeAuthority(bytes: Uint8Array, shown: string, now: number): Omit<PairFault, 'file'> | undefined {
  const parsed = readCertificate(bytes, shown);
  if (parsed.kind === 'ok') return validity(parsed.value, now);
  return { severity: 'error', message: parsed.message, fix: parsed.fix };
}

/** The first certificate of a PEM file. */
function readCertificate(bytes: Uint8Array, shown: string): Parsed<X509Certificate> {
  try {
    return ok(new X509Certificate(bytes));
  } catch {
    return wrong(`${shown} is not a certificate`, 'Name a PEM file that begins with -----BEGIN CERTIFICATE-----.');
  }
}

function readKey(bytes: Uint8Array, shown: string): Parsed<KeyObject> {
  const text = new TextDecoder().decode(bytes);
  if (/ENCRYPTED/.test(text.slice(0, 200)))
    return wrong(`the key in ${shown} is encrypted`, `Decrypt it: openssl pkey -in ${shown} -out gateway.key`);
  try {
    return ok(createPrivateKey(text));
  } catch {
    return wrong(`${shown} is not a private key`, 'Name a PEM file that begins with -----BEGIN PRIVATE KEY-----.');
  }
}

const DAY = 86_400_000;

/** What is wrong with a certificate at this time; a warning in the last two weeks. */
export function validity(certificate: X509Certificate, now: number): Omit<PairFault, 'file'> | undefined {
  const from = certificate.validFromDate.getTime();
  const to = certificate.validToDate.getTime();
  const date = (time: number): string => new Date(time).toISOString().slice(0, 10);
  if (now < from)
    return {
      severity: 'error',
      message: `the certificate is valid only from ${date(from)} on`,
      fix: 'Check the clock of this machine, or take another certificate.',
    };
  if (now > to) return { severity: 'error', message: `the certificate has expired on ${date(to)}`, fix: 'Renew it.' };
  if (to - now < 14 * DAY)
    return { severity: 'warning', message: `the certificate expires on ${date(to)}`, fix: 'Renew it now.' };
  return undefined;
}

/** What only OpenSSL knows: a key that is too short for it, a certificate of the chain that cannot be read. */
function refusedByTls(cert: Uint8Array, key: Uint8Array, shown: string): PairFault | undefined {
  try {
    createSecureContext({ cert: Buffer.from(cert), key: Buffer.from(key), minVersion: 'TLSv1.2' });
    return undefined;
  } catch (cause) {
    const reason = cause instanceof Error && 'reason' in cause ? String(cause.reason) : 'unknown reason';
    return {
      severity: 'error',
      file: 'cert',
      message: `OpenSSL does not take the certificate with its chain: ${reason}`,
      fix: `If it is about the key, request the certificate anew with a P-256 or RSA 2048 key. Else look at each certificate in ${shown}.`,
    };
  }
}

/**
 * The DNS names of a certificate, in lower case: those for which a client that names its server (SNI) may get it. Browsers
 * look at nothing else (RFC 9525, 6.3), so that the common name does not count.
 */
export function serverNames(certificate: X509Certificate): string[] {
  // Node writes an entry with a comma in it as a JSON string without the comma (U+002C): it is no host name, and never two.
  const entries = (certificate.subjectAltName ?? '').split(', ');
  const names = entries.map((entry) => /^DNS:([A-Za-z0-9*._-]+)$/.exec(entry)?.[1]?.toLowerCase());
  return names.filter((name) => name !== undefined);
}

/** Whether browsers take the certificate for a host as the configuration writes it: a name, or an address as in a URL. */
export function covers(certificate: X509Certificate, host: string): boolean {
  if (/^[0-9.]+$|^\[/.test(host)) return certificate.checkIP(host.replace(/^\[|\]$/g, '')) !== undefined;
  return certificate.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined;
}
