import { readFileSync } from 'node:fs';
import { covers, validity } from '../../config/checks/certificate-pair.ts';
import { connect as connectUnix } from 'node:net';
import { type Check, type Env, fail, type Finding, pass, reasonOf } from '../check.ts';
import { handshake, tryConnect } from '../connect.ts';

/** Whether the gateway gets through to its apps. */
export const upstreamAnswers: Check = {
  id: 'upstream-answers',
  title: 'the apps take connections, and their certificates are right',
  sides: ['gateway'],
  finds: {
    'upstream-answers': 'an address of an app takes no connection',
    'upstream-certificate': "the certificate of an app's https address is not one that the gateway takes",
  },
  async run(env) {
    const all = env.loaded.config.apps.flatMap((app) => app.upstream.url.map((url) => ({ app, url })));
    return (await Promise.all(all.map(({ app, url }) => look(env, app, url)))).flat();
  },
};

type App = Env['loaded']['config']['apps'][number];

async function look(env: Env, app: App, url: string): Promise<readonly Finding[]> {
  const about = { about: app.name, tried: `a connection to ${url}` };
  const answers = { id: 'upstream-answers', ...about };
  const start = 'Start the app, or correct upstream.';
  if (url.startsWith('unix:')) {
    const why = await unixFault(url.slice('unix:'.length));
    return [why === undefined ? pass({ ...answers, seen: 'it was taken' }) : fail({ ...answers, seen: why }, start)];
  }
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const place = { host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
  const connected = await tryConnect(place, env.attemptMs);
  if (connected.kind === 'closed') return [fail({ ...answers, seen: connected.why }, start)];
  const open = pass({ ...answers, seen: 'it was taken' });
  if (protocol !== 'https:') return [open];
  return [open, await judgeCertificate(env, app, url, host, place)];
}

async function judgeCertificate(
  env: Env,
  app: App,
  url: string,
  host: string,
  place: { readonly host: string; readonly port: number },
): Promise<Finding> {
  const about = { id: 'upstream-certificate', about: app.name, tried: `a TLS handshake with ${url}` };
  const { ca, client_certificate: own } = app.upstream;
  const text = (path: string): string => {
    const read = env.loaded.files.read(path);
    return read.kind === 'ok' ? Buffer.from(read.value).toString() : readFileSync(path, 'utf8');
  };
  try {
    const shown = await handshake(
      place,
      {
        ...(host === place.host && /^[0-9.]+$|:/.test(host) ? {} : { servername: host }),
        ...(ca === undefined ? {} : { ca: text(ca) }),
        ...(own === undefined ? {} : { cert: text(own.cert), key: text(own.key) }),
      },
      env.attemptMs,
    );
    const { certificate } = shown;
    const time = certificate && validity(certificate, env.now());
    if (time !== undefined) return fail({ ...about, seen: time.message }, time.fix);
    if (shown.chainFault !== undefined)
      return fail(
        { ...about, seen: `its chain is not trusted (${shown.chainFault})` },
        'Name the authority in upstream.ca, and let the app send the certificates between.',
      );
    if (certificate !== undefined && !covers(certificate, host.includes(':') ? `[${host}]` : host))
      return fail(
        { ...about, seen: `it is not for ${host}` },
        'Name the app in upstream as its certificate does, or get one for that name.',
      );
    return pass({ ...about, seen: `${shown.protocol}, and a certificate that is right` });
  } catch (error) {
    return fail({ ...about, seen: reasonOf(error) }, 'See whether the app speaks TLS 1.2 there at least.');
  }
}

function unixFault(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connectUnix({ path });
    socket.on('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.on('error', (error) => resolve(reasonOf(error)));
  });
}
