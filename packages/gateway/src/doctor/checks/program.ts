import { isWildcard } from '../entrances.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { type Check, type Env, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';
import { exchange } from '../connect.ts';

/** Each person has a few connections, and each has two ends. */
const enoughFiles = 4_096;

/** The program itself, as the admin listener shows it. */
export const program: Check = {
  id: 'program',
  title: 'the gateway is ready, may open enough files, and runs on a Node that it is made for',
  sides: ['gateway'],
  finds: {
    'gateway-ready': 'the gateway says that it is not ready, or that something it needs does not answer',
    'open-files': 'the gateway may not open as many connections as a working day brings',
    'node-version': 'the version of Node is too old',
  },
  run: async (env) => [...(await byAdmin(env)), judgeNode()],
};

function judgeNode(): Finding {
  const needed = manifest.engines.node.replace(/^>=/, '');
  const own = process.versions.node;
  const seen = { id: 'node-version', about: 'Node', tried: `process.version, with ${needed} needed`, seen: own };
  const isEnough = own.localeCompare(needed, 'en', { numeric: true }) >= 0;
  return isEnough ? pass(seen) : fail(seen, `Install Node ${needed} or newer.`);
}

async function byAdmin(env: Env): Promise<readonly Finding[]> {
  const { admin } = env.loaded.config;
  const ready = { id: 'gateway-ready', about: 'the gateway' };
  const files = { id: 'open-files', about: 'the gateway' };
  if (admin === false)
    return [
      unknown(
        { ...ready, tried: 'asking the admin listener', seen: 'it is switched off' },
        'Switch it on, on loopback.',
      ),
    ];
  const { host, port } = admin.address;
  const place = { host: isWildcard(host) ? '127.0.0.1' : host, port };
  const ask = (path: string) =>
    exchange(
      { place, url: new URL(path, `http://${place.host.includes(':') ? `[${place.host}]` : place.host}:${port}`) },
      env.attemptMs,
    );
  try {
    const { status, body } = await ask('/readyz');
    const metrics = await ask('/metrics');
    return [judgeReady(status, body), judgeFiles(metrics.body)];
  } catch (error) {
    const seen = reasonOf(error);
    return [
      fail({ ...ready, tried: `GET /readyz at port ${port}`, seen }, 'Start the gateway.'),
      unknown({ ...files, tried: `GET /metrics at port ${port}`, seen }, 'Start the gateway, and try again.'),
    ];
  }
}

function judgeReady(status: number, body: string): Finding {
  const about = { id: 'gateway-ready', about: 'the gateway', tried: 'GET /readyz' };
  let told: unknown;
  try {
    told = JSON.parse(body);
  } catch {
    return fail({ ...about, seen: `status ${status}, and not the answer of a gateway` }, 'See what listens there.');
  }
  const { status: word, checks } = Object(told);
  if (word === 'ready') return pass({ ...about, seen: 'ready' });
  const wrong = Object.entries(Object(checks)).filter(([, value]) => value !== 'ok');
  const list = wrong.map(([name, value]) => `${name}: ${String(value)}`).join(', ');
  return fail({ ...about, seen: `${String(word)} (${list})` }, "Look into the gateway's log, on standard error.");
}

function judgeFiles(metrics: string): Finding {
  const value = (name: string): number =>
    Number(new RegExp(`^cardea_${name}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(metrics)?.[1] ?? Number.NaN);
  const limit = value('process_max_fds');
  const open = value('process_open_fds');
  const about = { id: 'open-files', about: 'the gateway', tried: 'process_max_fds and process_open_fds in /metrics' };
  if (Number.isNaN(limit))
    return unknown(
      { ...about, seen: 'they are not there' },
      'On Linux alone they are: look at the limits of the process.',
    );
  const seen = { ...about, seen: `${open} of ${limit} are open` };
  if (limit >= enoughFiles && open < 0.8 * limit) return pass(seen);
  return fail(
    seen,
    `Let the service have more: LimitNOFILE=65536 in its unit, or --ulimit nofile=65536 for a container.`,
  );
}
