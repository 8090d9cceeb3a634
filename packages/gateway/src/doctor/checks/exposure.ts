import { addressText } from '../../config/values/address.ts';
import { type Check, type Env, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';
import { exchange, tryConnect } from '../connect.ts';
import { isLoopbackAddress, isWildcard } from '../entrances.ts';
import { judgeNetworks } from './trust.ts';

/** What listens that should not be reachable. */
export const exposure: Check = {
  id: 'exposure',
  title: 'the admin listener and plain HTTP are not reachable by others',
  sides: ['gateway', 'outside'],
  finds: {
    'admin-exposed': 'metrics and readiness can be had by anybody who reaches this machine',
    'plain-http': 'the gateway serves people by plain HTTP at an address that others can reach',
    'trust-too-wide':
      'a whole company or more may speak for others: trusted_proxies, trusted_header.from or proxy_protocol.from',
  },
  async run(env) {
    const found = await Promise.all([judgeAdmin(env), judgePlain(env)]);
    return [...found.flat(), ...(env.side === 'gateway' ? judgeNetworks(env) : [])];
  },
};

/** Addresses by which others could come. */
async function openTo(env: Env): Promise<readonly string[]> {
  if (env.side === 'gateway') return env.addresses.filter((one) => !isLoopbackAddress(one));
  if (env.targets.length > 0) return env.targets;
  const hosts = env.loaded.config.apps.flatMap(({ host }) => host.filter((one) => one !== '*'));
  const found = await Promise.all(hosts.map((host) => env.names.addresses(host).catch(() => [])));
  return [...new Set(found.flat())];
}

async function judgeAdmin(env: Env): Promise<readonly Finding[]> {
  const { admin } = env.loaded.config;
  if (admin === false) return [];
  const { address } = admin;
  const about = { id: 'admin-exposed', about: 'admin' };
  const hosts = await openTo(env);
  const tried = `connections to port ${address.port} at ${hosts.join(', ') || 'no address'}`;
  if (hosts.length === 0)
    return [
      env.side === 'outside'
        ? unknown({ ...about, tried, seen: 'no address is known' }, 'Name one: --target 10.0.0.5')
        : pass({ ...about, tried, seen: 'this machine has loopback alone' }),
    ];
  const own = env.loaded.config.listen.some((one) => one.address.port === address.port);
  const open: string[] = [];
  for (const host of own ? [] : hosts)
    if ((await tryConnect({ host, port: address.port }, env.attemptMs)).kind === 'open') open.push(host);
  if (open.length === 0) return [pass({ ...about, tried, seen: 'none was taken' })];
  return [
    fail(
      { ...about, tried, seen: `taken at ${open.join(', ')}; nobody is asked to sign in there` },
      'Let admin listen on 127.0.0.1, or a firewall or NetworkPolicy admit the monitoring alone.',
    ),
  ];
}

async function judgePlain(env: Env): Promise<readonly Finding[]> {
  const { listen, apps } = env.loaded.config;
  const host = apps.flatMap((app) => app.host)[0] ?? '*';
  const found: Finding[] = [];
  for (const { address, tls, proxy_protocol: proxied } of listen) {
    if (tls !== undefined || proxied !== undefined) continue;
    const reachable = (await openTo(env)).filter((one) => isWildcard(address.host) || one === address.host);
    for (const one of reachable.slice(0, 1)) {
      const place = { host: one, port: address.port };
      const about = { id: 'plain-http', about: 'listen', tried: `plain HTTP to ${addressText(place)}` };
      try {
        const url = new URL(`http://${host === '*' ? addressText(place) : `${host}:${address.port}`}/`);
        const { status } = await exchange({ place, url }, env.attemptMs);
        found.push(
          status === 400 || status === 421
            ? pass({ ...about, seen: `it was refused with ${status}` })
            : fail(
                { ...about, seen: `it was answered with ${status}: cookies and passwords can be read on the way` },
                'Add tls to this address, or listen on 127.0.0.1 behind whatever ends TLS.',
              ),
        );
      } catch (error) {
        found.push(pass({ ...about, seen: reasonOf(error) }));
      }
    }
  }
  return found;
}
