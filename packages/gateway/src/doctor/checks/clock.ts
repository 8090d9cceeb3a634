import { parseKeytab } from '@cardea/kerberos';
import { PresenceFilter } from 'ldapts';
import { textOf } from '../../directory/ldap-entries.ts';
import { type Check, type Env, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';
import { kdcTime } from './kdc-clock.ts';

/** More than this is no accident of the network: somebody's clock is not set by anybody. */
const tolerableMs = 60_000;

/** The clock of this machine against those of the domain. */
export const clock: Check = {
  id: 'clock',
  title: 'the clock agrees with those of the domain controllers',
  sides: ['gateway'],
  finds: { clock: 'the clock of this machine or of a domain controller is wrong: Kerberos allows five minutes' },
  async run(env) {
    const { sign_in: entries } = env.loaded.config;
    const realms = new Set(
      entries.flatMap(({ negotiate }) => (negotiate === undefined ? [] : realmsOf(env, negotiate.keytab))),
    );
    const asked = [...realms].map((realm) => byKdc(env, realm));
    return (await Promise.all(env.directory === undefined ? asked : [byLdap(env), ...asked])).flat();
  },
};

function realmsOf({ loaded: { files } }: Env, path: string): readonly string[] {
  const read = files.read(path);
  if (read.kind === 'wrong') return [];
  try {
    return [...new Set(parseKeytab(read.value).entries.map(({ realm }) => realm))];
  } catch {
    return []; // told by the configuration check
  }
}

async function byKdc(env: Env, realm: string): Promise<readonly Finding[]> {
  const about = { id: 'clock', about: realm };
  const records = await env.names.hostsOf(`_kerberos._tcp.${realm.toLowerCase()}`).catch(() => []);
  const hosts = [...new Set([...records, ...(env.directory === undefined ? [] : [env.directory.host])])].slice(0, 8);
  if (hosts.length === 0)
    return [
      unknown(
        { ...about, tried: `looking for a KDC of ${realm}`, seen: 'DNS names none, and there is no directory.ldap' },
        `See whether this machine can look up _kerberos._tcp.${realm.toLowerCase()}.`,
      ),
    ];
  return Promise.all(
    hosts.map(async (host) => {
      const tried = `the time of the KDC ${host}`;
      try {
        const before = env.now();
        const time = await kdcTime(host, realm, env.attemptMs);
        if (time === undefined)
          return unknown({ ...about, tried, seen: 'it did not say' }, `See what listens on port 88 of ${host}.`);
        // It counts in whole seconds.
        return judge({ ...about, tried }, time + 500, (before + env.now()) / 2);
      } catch (error) {
        return unknown({ ...about, tried, seen: reasonOf(error) }, `Let this machine reach port 88 of ${host}.`);
      }
    }),
  );
}

async function byLdap(env: Env): Promise<readonly Finding[]> {
  const about = { id: 'clock', about: env.directory?.host ?? '', tried: `currentTime of ${env.directory?.url}` };
  try {
    const filter = new PresenceFilter({ attribute: 'objectClass' });
    const before = env.now();
    const [root] = (await env.directory?.search({ at: '', filter, attributes: ['currentTime'], sizeLimit: 1 })) ?? [];
    const text = root && textOf(root, 'currentTime');
    const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(text ?? '') ?? [];
    if (year === undefined) return [unknown({ ...about, seen: 'it does not say' }, 'Is it Active Directory?')];
    const time = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
    return [judge(about, time + 500, (before + env.now()) / 2)];
  } catch (error) {
    return [unknown({ ...about, seen: reasonOf(error) }, 'See what is said of ldap-bind.')];
  }
}

function judge(
  about: { readonly id: string; readonly about: string; readonly tried: string },
  there: number,
  here: number,
): Finding {
  const seconds = Math.round((here - there) / 1_000);
  const words = `this machine is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead'}`;
  if (Math.abs(here - there) < tolerableMs) return pass({ ...about, seen: words });
  return fail(
    { ...about, seen: words },
    'Let both machines take their time from the same source (chrony, w32tm). Beyond five minutes nobody can sign in.',
  );
}
