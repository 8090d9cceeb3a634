/**
 * The certificates of a listener: as the engine wants them, and renewed while it runs.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { basename } from 'node:path';
import type { Certificate, Engine } from '@cardea/http1';
import type { Logger } from 'pino';
import { judgeAuthority, judgePair, serverNames } from '../config/checks/certificate-pair.ts';
import type { Listener } from '../config/schema.ts';
import { type Contents, type FileWatch, watchFiles } from '../stores/file-watch.ts';
import type { Read } from './read.ts';

type TlsFiles = NonNullable<Listener['tls']>;
type ReadBytes = (path: string) => Uint8Array;

/** The certificates with the names that are in them. Throws for one that cannot be read. */
export function certificatesOf(tls: TlsFiles, read: ReadBytes): readonly Certificate[] {
  return tls.map(({ cert, key }) => ({
    cert: text(read(cert)),
    key: text(read(key)),
    names: serverNames(new X509Certificate(read(cert))),
  }));
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

export interface CertificateWatch {
  /** As they were when the engine got its certificates. */
  readonly read: Read;
  readonly now: () => number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** How often the files are looked at; a change is taken over when two looks have found it. */
  readonly everyMs?: number;
}

const LOOK_EVERY_MS = 2_000;

/**
 * Gives the engine the certificates of its listener, and the authority of its clients' ones, anew when their files have changed, for
 * new connections; those that are open keep theirs. All files of the listener are judged first as `cardea check` does. When anything is wrong with
 * one of them the engine keeps what it has; the log says so once per change, and the files are judged again at every look
 * (a certificate of the near future becomes valid). Does nothing for a listener without TLS.
 */
export function watchCertificates(
  engine: Pick<Engine, 'replaceCertificate'>,
  { tls, client_ca: clientCa }: Pick<Listener, 'address' | 'tls' | 'client_ca'>,
  { read, now, log, everyMs = LOOK_EVERY_MS }: CertificateWatch,
): FileWatch {
  if (tls === undefined) return { look: async () => {}, close: () => {} };
  const paths = [
    ...new Set([...tls.flatMap(({ cert, key }) => [cert, key]), ...(clientCa === undefined ? [] : [clientCa])]),
  ];
  let current = certificatesOf(tls, read);

  const offer = (contents: Contents, again: boolean): boolean => {
    const bytes = (path: string): Uint8Array => contents.get(path) ?? new Uint8Array();
    const faults = [
      ...tls.flatMap((pair) => faultsOf(pair, bytes, now())),
      ...(clientCa === undefined ? [] : faultsOfAuthority(clientCa, bytes, now())),
    ];
    const errors = faults.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) {
      if (!again) log.error({ faults: errors }, 'A changed certificate is not used: the one before it goes on');
      return false;
    }
    const changed = certificatesOf(tls, bytes);
    engine.replaceCertificate(changed, clientCa === undefined ? undefined : text(bytes(clientCa)));
    log.info(
      { certificates: tls.map(({ cert }) => summary(cert, bytes)) },
      'New connections get the changed certificate',
    );
    const lost = namesOf(current).filter((name) => !namesOf(changed).includes(name));
    if (lost.length > 0)
      log.warn({ names: lost }, 'The changed certificate is not for names that the one before it was for');
    for (const { file, message } of faults) log.warn({ file }, `About the changed certificate: ${message}`);
    current = changed;
    return true;
  };

  return watchFiles({
    inUse: new Map(paths.map((path) => [path, read(path)])),
    everyMs,
    offer,
    onUnreadable: (file, reason) =>
      log.error({ file, reason }, 'A certificate or its key cannot be read any more: the one before it goes on'),
    onTrouble: (message, err) => log.error({ err }, message),
  });
}

function faultsOf({ cert, key }: TlsFiles[number], bytes: ReadBytes, now: number) {
  const names = { cert: basename(cert), key: basename(key) };
  const { faults } = judgePair({ cert: bytes(cert), key: bytes(key), names }, now);
  return faults.map(({ severity, file, message }) => ({ severity, file: file === 'cert' ? cert : key, message }));
}

function faultsOfAuthority(file: string, bytes: ReadBytes, now: number) {
  const fault = judgeAuthority(bytes(file), basename(file), now);
  return fault === undefined ? [] : [{ severity: fault.severity, file, message: fault.message }];
}

const namesOf = (certificates: readonly Certificate[]): string[] => certificates.flatMap(({ names }) => names ?? []);

/** What tells one certificate from another, in the log. */
function summary(file: string, bytes: ReadBytes): object {
  const { serialNumber, validTo, fingerprint256 } = new X509Certificate(bytes(file));
  return { file, serialNumber, validTo, fingerprint256 };
}
