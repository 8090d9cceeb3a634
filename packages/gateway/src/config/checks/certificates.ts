import type { X509Certificate } from 'node:crypto';
import type { Path } from '../problem.ts';
import { covers, judgeAuthority, judgePair, serverNames } from './certificate-pair.ts';
import { type Check, type CheckContext, error, warning, wellFormedApps } from './check.ts';

/** Certificates and keys: they can be read, belong together, are valid now, and cover the hosts of the apps. */
export const checkCertificates: Check = (context) => {
  const { config, files } = context;
  if (files === undefined) return;
  const shown: Shown[] = [];
  for (const [i, { tls, client_ca: clientCa }] of (config.listen ?? []).entries()) {
    const own = (tls ?? []).map(({ at, ...pair }): Shown => {
      const path = ['listen', i, 'tls', ...at];
      return { path, certificate: checkPair(context, path, pair) };
    });
    checkChoice(context, own);
    shown.push(...own.map((one, at) => ({ ...one, first: at === 0 })));
    if (clientCa !== undefined) checkAuthority(context, ['listen', i, 'client_ca'], clientCa);
  }
  checkHosts(context, shown);

  for (const [i, { grpc }] of (config.forward_auth ?? []).entries()) {
    if (grpc?.tls === undefined) continue;
    const path = ['forward_auth', i, 'grpc', 'tls'];
    for (const pair of grpc.tls.pair) checkPair(context, path, pair);
    if (grpc.tls.client_ca !== undefined) checkAuthority(context, [...path, 'client_ca'], grpc.tls.client_ca);
  }
  for (const { app, at } of wellFormedApps(config)) {
    const { ca, client_certificate: own } = app.upstream;
    if (ca !== undefined) checkAuthority(context, [...at, 'upstream', 'ca'], ca);
    if (own !== undefined) checkPair(context, [...at, 'upstream', 'client_certificate'], own);
  }
  for (const kind of ['ldap', 'graph'] as const) {
    const ca = config.directory?.[kind]?.ca;
    if (ca !== undefined) checkAuthority(context, ['directory', kind, 'ca'], ca);
  }
  const { redis } = config;
  if (redis !== undefined && redis !== false && redis.ca !== undefined)
    checkAuthority(context, ['redis', 'ca'], redis.ca);
  const { usage } = config;
  const usageCa = usage === undefined || usage === false ? undefined : usage.postgres?.ca;
  if (usageCa !== undefined) checkAuthority(context, ['usage', 'postgres', 'ca'], usageCa);
};

/** A certificate of a listener. */
interface Shown {
  readonly path: Path;
  /** `undefined` when it cannot be read. */
  readonly certificate: X509Certificate | undefined;
  /** It is for clients that name no server, or one that is in no certificate. */
  readonly first?: boolean;
}

/** Gives the certificate as far as it can be read. */
function checkPair(
  { files, now, report }: CheckContext,
  path: Path,
  pair: { readonly cert: string; readonly key: string },
): X509Certificate | undefined {
  if (files === undefined) return undefined;
  const read = (part: 'cert' | 'key'): Uint8Array | undefined => {
    const bytes = files.read(pair[part]);
    if (bytes.kind === 'ok') return bytes.value;
    report(error([...path, part], bytes.message, bytes.fix));
    return undefined;
  };
  const names = { cert: files.display(pair.cert), key: files.display(pair.key) };
  const [cert, key] = [read('cert'), read('key')];
  if (files.isWorldReadable(pair.key))
    report(
      warning(
        [...path, 'key'],
        `everybody on this machine may read ${names.key}`,
        'Let it belong to the user of the service, and chmod 600.',
      ),
    );
  const { faults, certificate } = judgePair({ cert, key, names }, now);
  for (const { file, ...fault } of faults) report({ ...fault, path: [...path, file] });
  return certificate;
}

function checkAuthority({ files, now, report }: CheckContext, path: Path, file: string): void {
  const read = files?.read(file);
  if (files === undefined || read === undefined) return;
  if (read.kind === 'wrong') return report(error(path, read.message, read.fix));
  const fault = judgeAuthority(read.value, files.display(file), now);
  if (fault !== undefined) report({ ...fault, path });
}

/** Of several certificates, each is shown to somebody. */
function checkChoice({ report }: CheckContext, own: readonly Shown[]): void {
  const taken = new Map<string, number>();
  for (const [i, { path, certificate }] of own.entries()) {
    if (certificate === undefined) continue;
    const names = serverNames(certificate);
    const before = names.map((name) => taken.get(name));
    const [other] = before.filter((one) => one !== undefined);
    if (i > 0 && names.length === 0)
      report(
        error(
          [...path, 'cert'],
          'the certificate has no DNS name, and is never shown',
          'Let it have the name of an app (subjectAltName), or remove it from the list.',
        ),
      );
    else if (other !== undefined && before.every((one) => one !== undefined))
      report(
        error(
          [...path, 'cert'],
          `the certificate is never shown: certificates[${other}] ${names.length === 1 ? 'has its name' : 'and others have its names'} as well`,
          'Keep one of them.',
        ),
      );
    else if (other !== undefined) {
      const shared = names.filter((name) => taken.has(name));
      report(
        warning(
          [...path, 'cert'],
          `certificates[${other}] has ${shared.join(', ')} as well, and is the one that is shown for it`,
          'Let each name be in one certificate.',
        ),
      );
    }
    for (const name of names) if (!taken.has(name)) taken.set(name, i);
  }
}

function checkHosts({ config, report }: CheckContext, shown: readonly Shown[]): void {
  const certificates = shown.flatMap(({ certificate, first }) =>
    certificate === undefined ? [] : [{ certificate, first }],
  );
  if (certificates.length === 0) return;
  for (const { app, at } of wellFormedApps(config))
    for (const [i, host] of app.host.entries()) {
      if (host === '*') continue;
      const fit = certificates.filter(({ certificate }) => covers(certificate, host));
      // Who asks for an address names no server (RFC 6066, 3).
      const byAddress = /^[0-9.]+$|^\[/.test(host);
      if (fit.some(({ first }) => first || !byAddress)) continue;
      report(
        warning(
          [...at, 'host', i],
          fit.length > 0
            ? `browsers that ask for an address get the first certificate of the list, which is not for ${host}`
            : `no certificate in listen is for ${host}: browsers will refuse it`,
          fit.length > 0 ? 'Put the certificate with the address first.' : 'Add the name to the certificate.',
        ),
      );
    }
}
