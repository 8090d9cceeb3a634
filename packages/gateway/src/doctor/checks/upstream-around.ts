import { isIP } from 'node:net';
import { addressText } from '../../config/values/address.ts';
import { statSync } from 'node:fs';
import { type Check, type Env, fail, type Finding, pass, type Seen, unknown } from '../check.ts';
import { type Place, tryConnect } from '../connect.ts';
import { isLoopbackAddress, isWildcard } from '../entrances.ts';

interface AppAt extends Place {
  readonly app: string;
  readonly url: string;
}

/** Whether an app can be had without the gateway. */
export const upstreamAround: Check = {
  id: 'upstream-around',
  title: 'the app cannot be reached around the gateway',
  sides: ['gateway', 'app', 'outside'],
  finds: {
    'upstream-around': 'the app answers at an address where others than the gateway can reach it',
    'upstream-socket': "others than the gateway's user may open the app's socket",
  },
  async run(env) {
    const sockets = env.loaded.config.apps.flatMap(({ name, upstream }) =>
      upstream.url.flatMap((url) => (url.startsWith('unix:') ? [{ app: name, path: url.slice('unix:'.length) }] : [])),
    );
    const found = env.side === 'outside' ? [] : sockets.map(({ app, path }) => judgeSocket(app, path));
    for (const at of appsOf(env)) found.push(...(await sides[env.side](env, at)));
    return found;
  },
};

function appsOf({ loaded }: Env): readonly AppAt[] {
  return loaded.config.apps.flatMap(({ name, upstream }) =>
    upstream.url.flatMap((text): AppAt[] => {
      if (text.startsWith('unix:')) return [];
      const url = new URL(text);
      const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
      return [{ app: name, url: text, host: url.hostname.replace(/^\[|\]$/g, ''), port }];
    }),
  );
}

const bindIt =
  'Let the app listen on the address that upstream names and on no other (127.0.0.1 on this machine), or let a firewall admit the gateway alone.';

/** From the gateway's machine: an app that is meant for loopback answers there alone. */
async function fromGateway(env: Env, at: AppAt): Promise<readonly Finding[]> {
  const addresses = await resolved(env, at.host);
  if (addresses.every(isLoopbackAddress) && addresses.length > 0) {
    // Our own listener may have the same port at another address.
    const own = env.loaded.config.listen.filter(({ address }) => address.port === at.port);
    const others = env.addresses.filter(
      (one) => !isLoopbackAddress(one) && !own.some(({ address }) => address.host === one || isWildcard(address.host)),
    );
    return judgeClosed(env, at, others, 'this machine has no other address than loopback');
  }
  const seen: Seen = {
    id: 'upstream-around',
    about: at.app,
    tried: `${at.url}, from the gateway's machine`,
    seen: 'it is another machine, which the gateway must reach; whether others can is not to be seen from here',
  };
  return [unknown(seen, 'Run cardea doctor --from outside where people sit, and --from app on that machine.')];
}

/** From the app's machine: it answers at the address that upstream names, and at no other. */
async function fromApp(env: Env, at: AppAt): Promise<readonly Finding[]> {
  const meant = await resolved(env, at.host);
  const others = env.addresses.filter((one) => !isLoopbackAddress(one) && !meant.includes(one));
  const found = await judgeClosed(env, at, others, 'this machine has no other address that others could reach');
  const about = { id: 'upstream-around', about: at.app, tried: `connections to ${at.url} on this machine` };
  const here = meant.filter((one) => env.addresses.includes(one));
  if (here.length === 0)
    return [
      unknown(
        { ...about, seen: 'that is no address of this machine' },
        'Run it on the machine of the app, or correct upstream.',
      ),
    ];
  for (const host of here) {
    const answer = await tryConnect({ host, port: at.port }, env.attemptMs);
    if (answer.kind === 'closed')
      found.push(unknown({ ...about, seen: `nothing listens there: ${answer.why}` }, 'Start the app, and try again.'));
  }
  return found;
}

/** From where people sit: the app's port is closed, wherever it might be. */
async function fromOutside(env: Env, at: AppAt): Promise<readonly Finding[]> {
  const meant = (await resolved(env, at.host)).filter((one) => !isLoopbackAddress(one));
  const hosts = env.loaded.config.apps.find(({ name }) => name === at.app)?.host ?? [];
  const public_ = await Promise.all(
    (env.targets.length > 0 ? env.targets : hosts.filter((host) => host !== '*')).map((host) => resolved(env, host)),
  );
  const own = env.loaded.config.listen.filter(({ address }) => address.port === at.port);
  const candidates = [...new Set([...meant, ...(own.length > 0 ? [] : public_.flat())])];
  return judgeClosed(env, at, candidates, 'no address is known where it might be');
}

const sides = { gateway: fromGateway, app: fromApp, outside: fromOutside };

async function judgeClosed(env: Env, at: AppAt, hosts: readonly string[], none: string): Promise<Finding[]> {
  const about = { id: 'upstream-around', about: at.app };
  if (hosts.length === 0) {
    const seen = { ...about, tried: `port ${at.port} of ${at.app}`, seen: none };
    return [
      env.side === 'outside'
        ? unknown(seen, "Name the addresses of the gateway's and the app's machines: --target 10.0.0.5,10.0.0.7")
        : pass(seen),
    ];
  }
  const tried = `connections to ${hosts.map((host) => addressText({ host, port: at.port })).join(', ')}`;
  const answers = await Promise.all(
    hosts.map(async (host) => ({ host, answer: await tryConnect({ host, port: at.port }, env.attemptMs) })),
  );
  const open = answers.filter(({ answer }) => answer.kind === 'open').map(({ host }) => host);
  if (open.length === 0) return [pass({ ...about, tried, seen: 'none was taken' })];
  const seen = `something takes connections at ${open.map((host) => addressText({ host, port: at.port })).join(', ')}: requests there pass no gateway`;
  return [fail({ ...about, tried, seen }, bindIt)];
}

async function resolved(env: Env, host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  if (host === 'localhost') return ['127.0.0.1', '::1'];
  return env.names.addresses(host).catch(() => []);
}

function judgeSocket(app: string, path: string): Finding {
  const stat = statSync(path, { throwIfNoEntry: false });
  const about = { id: 'upstream-socket', about: app, tried: `the mode of ${path}` };
  if (stat === undefined)
    return unknown({ ...about, seen: 'there is no such socket' }, 'Start the app, and try again.');
  const mode = (stat.mode & 0o777).toString(8);
  if ((stat.mode & 0o002) === 0) return pass({ ...about, seen: `mode ${mode}` });
  return fail(
    { ...about, seen: `mode ${mode}: everybody on this machine may open it` },
    "Let the app make it with mode 660, in a group that the gateway's user is in.",
  );
}
