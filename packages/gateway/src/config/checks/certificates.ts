import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Files } from '../files.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';
import type { Path } from '../problem.ts';
import { type Check, type CheckContext, error, warning, wellFormedApps } from './check.ts';

const day = 86_400_000;

/** Certificates and keys: they can be read, belong together, are valid now, and cover the hosts of the apps. */
export const checkCertificates: Check = (context) => {
  const { config, files, now, report } = context;
  if (files === undefined) return;
  const own: X509Certificate[] = [];
  for (const [i, { tls }] of (config.listen ?? []).entries()) {
    if (tls === undefined) continue;
    const at = ['listen', i, 'tls'];
    const cert = take(context, [...at, 'cert'], readCertificate(files, tls.cert));
    const key = take(context, [...at, 'key'], readKey(files, tls.key));
    if (files.isWorldReadable(tls.key))
      report(
        warning(
          [...at, 'key'],
          `everybody on this machine may read ${files.display(tls.key)}`,
          'Let it belong to the user of the service, and chmod 600.',
        ),
      );
    if (cert === undefined) continue;
    own.push(cert);
    checkTimes(context, [...at, 'cert'], cert, now);
    if (key !== undefined && !cert.checkPrivateKey(key))
      report(
        error(
          [...at, 'key'],
          'the key does not belong to the certificate',
          'Name the key that the certificate was requested with.',
        ),
      );
  }
  if (own.length > 0) checkHosts(context, own);

  const authorities: [Path, string | undefined][] = [
    [['directory', 'ldap', 'ca'], config.directory?.ldap?.ca],
    ...wellFormedApps(config).map(({ app, at }): [Path, string | undefined] => [
      [...at, 'upstream', 'ca'],
      app.upstream.ca,
    ]),
  ];
  for (const [path, file] of authorities) {
    const cert = file === undefined ? undefined : take(context, path, readCertificate(files, file));
    if (cert !== undefined) checkTimes(context, path, cert, now);
  }
};

function checkTimes({ report }: CheckContext, path: Path, cert: X509Certificate, now: number): void {
  const from = cert.validFromDate.getTime();
  const to = cert.validToDate.getTime();
  const date = (time: number): string => new Date(time).toISOString().slice(0, 10);
  if (now < from)
    report(
      error(
        path,
        `the certificate is valid only from ${date(from)} on`,
        'Check the clock of this machine, or take another certificate.',
      ),
    );
  else if (now > to) report(error(path, `the certificate has expired on ${date(to)}`, 'Renew it.'));
  else if (to - now < 14 * day) report(warning(path, `the certificate expires on ${date(to)}`, 'Renew it now.'));
}

function checkHosts({ config, report }: CheckContext, certificates: readonly X509Certificate[]): void {
  for (const { app, at } of wellFormedApps(config))
    for (const [i, host] of app.host.entries()) {
      const address = host.replace(/^\[|\]$/g, '');
      const covers = (cert: X509Certificate) =>
        (isIP(address) ? cert.checkIP(address) : cert.checkHost(host)) !== undefined;
      if (host !== '*' && !certificates.some(covers))
        report(
          warning(
            [...at, 'host', i],
            `the certificate in listen is not for ${host}: browsers will refuse it`,
            'Add the name to the certificate.',
          ),
        );
    }
}

function readCertificate(files: Files, path: string): Parsed<X509Certificate> {
  const read = files.read(path);
  if (read.kind === 'wrong') return read;
  try {
    return ok(new X509Certificate(read.value));
  } catch {
    return wrong(
      `${files.display(path)} is not a certificate`,
      'Name a PEM file that begins with -----BEGIN CERTIFICATE-----.',
    );
  }
}

function readKey(files: Files, path: string): Parsed<KeyObject> {
  const read = files.read(path);
  if (read.kind === 'wrong') return read;
  const text = new TextDecoder().decode(read.value);
  if (/ENCRYPTED/.test(text.slice(0, 200)))
    return wrong(
      `the key in ${files.display(path)} is encrypted`,
      `Decrypt it: openssl pkey -in ${files.display(path)} -out gateway.key`,
    );
  try {
    return ok(createPrivateKey(text));
  } catch {
    return wrong(
      `${files.display(path)} is not a private key`,
      'Name a PEM file that begins with -----BEGIN PRIVATE KEY-----.',
    );
  }
}

function take<T>({ report }: CheckContext, path: Path, parsed: Parsed<T>): T | undefined {
  if (parsed.kind === 'ok') return parsed.value;
  report(error(path, parsed.message, parsed.fix));
  return undefined;
}
