import { isIP } from 'node:net';
import { covers, validity } from '../../config/checks/certificate-pair.ts';
import { type Check, type Env, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';
import { exchange, type Handshake, handshake, valuesOf } from '../connect.ts';
import { type Entrance, entrances, entranceText } from '../entrances.ts';

/** TLS as browsers meet it. */
export const tls: Check = {
  id: 'tls',
  title: 'certificates, TLS versions and HSTS, as they are served',
  sides: ['gateway', 'outside'],
  finds: {
    'tls-certificate': 'the certificate that is served has expired, is not valid yet, or will expire soon',
    'tls-name': 'the certificate that is served is not for the name of the app',
    'tls-chain': 'the certificate that is served does not lead to an authority that is trusted here',
    'tls-version': 'TLS 1.0 or 1.1 is spoken',
    hsts: 'browsers are not told to use https alone',
  },
  async run(env) {
    const all = (await entrances(env)).filter(({ url }) => url.protocol === 'https:');
    const found = await Promise.all(all.map((entrance) => examine(env, entrance)));
    return found.flat();
  },
};

async function examine(env: Env, entrance: Entrance): Promise<readonly Finding[]> {
  const { app, host, place } = entrance;
  const tried = `a TLS handshake with ${entranceText(entrance)}`;
  const servername = isIP(host.replace(/^\[|\]$/g, '')) === 0 ? host : '';
  let shown: Handshake;
  try {
    shown = await handshake(place, { servername, moreCa: env.ca }, env.attemptMs);
  } catch (error) {
    return [
      fail(
        { id: 'tls-certificate', about: app.name, tried, seen: reasonOf(error) },
        'Start the gateway, or see what else listens there.',
      ),
    ];
  }
  return [
    ...judgeCertificate(env, shown, host, { about: app.name, tried }),
    await judgeVersions(env, entrance, servername),
    await judgeHsts(env, entrance),
  ];
}

function judgeCertificate(
  env: Env,
  { certificate, chainFault }: Handshake,
  host: string,
  about: { readonly about: string; readonly tried: string },
): readonly Finding[] {
  if (certificate === undefined)
    return [unknown({ id: 'tls-certificate', ...about, seen: 'no certificate was shown' }, 'See what listens there.')];
  const until = certificate.validToDate.toISOString().slice(0, 10);
  const time = validity(certificate, env.now());
  const dated = { id: 'tls-certificate', ...about };
  const named = { id: 'tls-name', ...about };
  const chained = { id: 'tls-chain', ...about };
  return [
    time === undefined
      ? pass({ ...dated, seen: `a certificate that is good until ${until}` })
      : fail({ ...dated, seen: time.message }, time.fix),
    covers(certificate, host)
      ? pass({ ...named, seen: `it is for ${host}` })
      : fail(
          { ...named, seen: `it is not for ${host}` },
          'Get a certificate with this name (subjectAltName), and put it into listen.tls.',
        ),
    chainFault === undefined || isAboutTime(chainFault)
      ? pass({ ...chained, seen: chainFault === undefined ? 'it is trusted here' : 'nothing but its time is wrong' })
      : fail(
          { ...chained, seen: `it is not trusted here: ${chainFault}` },
          "Put the certificates between into the file, after the gateway's own. An authority of your own, which browsers know and this machine does not: name it with --ca.",
        ),
  ];
}

const isAboutTime = (fault: string): boolean => fault === 'CERT_HAS_EXPIRED' || fault === 'CERT_NOT_YET_VALID';

async function judgeVersions(env: Env, entrance: Entrance, servername: string): Promise<Finding> {
  const about = {
    id: 'tls-version',
    about: entrance.app.name,
    tried: `TLS 1.0 and 1.1 with ${entranceText(entrance)}`,
  };
  try {
    const { protocol } = await handshake(
      entrance.place,
      // Without it OpenSSL would not even ask.
      { servername, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
      env.attemptMs,
    );
    return fail(
      { ...about, seen: `${protocol} was agreed on` },
      'Let whatever ends TLS there speak TLS 1.2 at least. Cardea itself does.',
    );
  } catch (error) {
    if (isOurOwn(error))
      return unknown(
        { ...about, seen: 'this machine itself speaks neither' },
        'Try it from another machine, with openssl s_client -tls1_1.',
      );
    return pass({ ...about, seen: 'they were refused' });
  }
}

/** OpenSSL's word for having no version or cipher left that it could offer. */
function isOurOwn(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /NO_PROTOCOLS_AVAILABLE|NO_CIPHERS_AVAILABLE|UNSUPPORTED_PROTOCOL_LOCAL/.test(code);
}

async function judgeHsts(env: Env, { app, place, url, ...entrance }: Entrance): Promise<Finding> {
  const about = {
    id: 'hsts',
    about: app.name,
    tried: `GET ${entranceText({ app, place, url, ...entrance })}`,
  };
  try {
    const { fields, status } = await exchange({ place, url, fields: ['Accept', 'text/html'] }, env.attemptMs);
    const [value] = valuesOf(fields, 'strict-transport-security');
    const age = Number(/max-age\s*=\s*"?(\d+)/i.exec(value ?? '')?.[1] ?? 0);
    if (age >= 86_400)
      return pass({ ...about, seen: `Strict-Transport-Security for ${Math.floor(age / 86_400)} days` });
    return fail(
      { ...about, seen: value === undefined ? `status ${status} without Strict-Transport-Security` : `max-age ${age}` },
      'Add Strict-Transport-Security: max-age=31536000, in response_headers of the app or at the proxy in front: a first request in plain HTTP could be answered by somebody else.',
    );
  } catch (error) {
    return unknown({ ...about, seen: reasonOf(error) }, 'Try again.');
  }
}
