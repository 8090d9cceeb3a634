import { parseKeytab } from '@cardea/kerberos';
import { type Check, type Env, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';
import { isLoopbackAddress } from '../entrances.ts';

/** The names of the apps, as DNS has them. */
export const dns: Check = {
  id: 'dns',
  title: 'the names of the apps lead here, and to names that the keytab has',
  sides: ['gateway', 'outside'],
  finds: {
    'dns-name': 'the name of an app leads nowhere, or to another machine',
    'dns-alias': 'the name of an app is an alias, and the keytab has no key for what it stands for',
    'dns-reverse': 'the address of an app leads back to a name that the keytab has no key for',
  },
  async run(env) {
    const { apps, sign_in: entries } = env.loaded.config;
    const hosts = [...new Set(apps.flatMap(({ host }) => host))].filter((host) => /[a-z]/.test(host));
    const silent = env.withFiles && entries.some(({ negotiate }) => negotiate !== undefined);
    const known = silent ? namesInKeytabs(env) : undefined;
    return (await Promise.all(hosts.map((host) => examine(env, host, known)))).flat();
  },
};

async function examine(env: Env, host: string, known: ReadonlySet<string> | undefined): Promise<readonly Finding[]> {
  const named = { id: 'dns-name', about: host, tried: `looking up ${host}` };
  let addresses: readonly string[];
  try {
    addresses = await env.names.addresses(host);
  } catch (error) {
    return [unknown({ ...named, seen: reasonOf(error) }, 'See whether this machine can ask DNS.')];
  }
  if (addresses.length === 0)
    return [fail({ ...named, seen: 'the name is unknown' }, 'Add it to DNS, or correct host in the configuration.')];
  const first = judgeAddresses(env, named, addresses);
  if (known === undefined) return [first];
  return [first, ...(await judgeAlias(env, host, known)), ...(await judgeReverse(env, host, addresses, known))];
}

function judgeAddresses(
  env: Env,
  named: { readonly id: string; readonly about: string; readonly tried: string },
  addresses: readonly string[],
): Finding {
  const seen = `it leads to ${addresses.join(', ')}`;
  const elsewhere = addresses.filter((one) => !env.addresses.includes(one));
  if (env.side === 'outside' || elsewhere.length === 0) return pass({ ...named, seen });
  const { trusted_proxies: proxies, listen } = env.loaded.config;
  const isBehind = proxies.length > 0 || listen.some(({ proxy_protocol: proxied }) => proxied !== undefined);
  if (env.urls.some(({ hostname }) => hostname === named.about))
    return pass({ ...named, seen: `${seen}, by which it is tried (--url)` });
  if (isBehind)
    return unknown(
      { ...named, seen: `${seen}: not this machine; a proxy in front?` },
      `Try whether it leads here: --url https://${named.about}`,
    );
  return fail(
    { ...named, seen: `${seen}, and ${elsewhere.join(', ')} is not this machine` },
    'Correct DNS. If a proxy stands in front, name it in trusted_proxies.',
  );
}

async function judgeAlias(env: Env, host: string, known: ReadonlySet<string>): Promise<readonly Finding[]> {
  const about = { id: 'dns-alias', about: host, tried: `looking for an alias (CNAME) of ${host}` };
  let target: string | undefined;
  try {
    target = await env.names.alias(host);
  } catch (error) {
    return [
      unknown({ ...about, seen: reasonOf(error) }, 'See whether this machine can ask DNS; or name a server: --dns'),
    ];
  }
  if (target === undefined) return [pass({ ...about, seen: 'it is none' })];
  const seen = `it stands for ${target}`;
  if (known.has(`http/${target}`)) return [pass({ ...about, seen: `${seen}, which is in the keytab` })];
  return [
    fail(
      { ...about, seen: `${seen}; browsers ask for a ticket of that name, and the keytab has no key for it` },
      `Use an A record instead; or setspn -S HTTP/${target} account, and export the keytab again.`,
    ),
  ];
}

async function judgeReverse(
  env: Env,
  host: string,
  addresses: readonly string[],
  known: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const address of addresses.filter((one) => !isLoopbackAddress(one))) {
    const about = { id: 'dns-reverse', about: host, tried: `the name of ${address}` };
    try {
      const names = (await env.names.reverse(address)).map((name) => name.toLowerCase());
      const strangers = names.filter((name) => !known.has(`http/${name}`));
      found.push(
        strangers.length === 0
          ? pass({ ...about, seen: names.length === 0 ? 'it has none' : `${names.join(', ')}, in the keytab` })
          : fail(
              { ...about, seen: `${strangers.join(', ')}, which the keytab has no key for` },
              'Clients that look names up backwards (MIT Kerberos with rdns = true) ask for that name: correct the PTR record, or add the name to the account and the keytab.',
            ),
      );
    } catch (error) {
      found.push(unknown({ ...about, seen: reasonOf(error) }, 'See whether this machine can ask DNS.'));
    }
  }
  return found;
}

function namesInKeytabs({ loaded: { config, files } }: Env): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { negotiate } of config.sign_in) {
    const read = negotiate && files.read(negotiate.keytab);
    if (read?.kind !== 'ok') continue;
    try {
      for (const { principal } of parseKeytab(read.value).entries) names.add(principal.toLowerCase());
    } catch {
      // told by the configuration check
    }
  }
  return names;
}
