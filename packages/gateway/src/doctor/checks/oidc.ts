import { openOutbound, type Outbound } from '../../auth/oidc/outbound.ts';
import { usesLoopbackHttp } from '../../auth/oidc/discovery.ts';
import type { SignIn } from '../../config/schema.ts';
import { type Check, type Env, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';

type Provider = NonNullable<SignIn['oidc']>;

/** The providers of OpenID Connect, asked as the gateway asks them. */
export const oidc: Check = {
  id: 'oidc',
  title: 'each OpenID Connect provider is found, is who it should be, and has keys',
  sides: ['gateway'],
  finds: {
    'oidc-discovery': "the provider's metadata cannot be had",
    'oidc-issuer': 'the provider calls itself something else than the configuration does: its tokens will be refused',
    'oidc-keys': "the provider's keys cannot be had",
    'oidc-clock': "the provider's clock and this machine's differ: tokens count as not valid yet, or as expired",
  },
  async run(env) {
    const providers = env.loaded.config.sign_in.flatMap(({ oidc: one }) => (one === undefined ? [] : [one]));
    return (await Promise.all(providers.map((provider) => examine(env, provider)))).flat();
  },
};

async function examine(env: Env, provider: Provider): Promise<readonly Finding[]> {
  const { id, issuer, discovery, ca, proxy, timeout } = provider;
  const file = ca === undefined ? undefined : env.loaded.files.read(ca);
  const outbound = openOutbound({
    ca: file?.kind === 'ok' ? Buffer.from(file.value).toString() : undefined,
    proxy,
    timeoutMs: Math.min(timeout, env.attemptMs),
    loopbackHttp: usesLoopbackHttp({ issuer, discovery }),
  });
  try {
    return await ask(env, provider, outbound);
  } catch (error) {
    return [
      fail(
        { id: 'oidc-discovery', about: id, tried: `GET ${metadataUrl(provider)}`, seen: reasonOf(error) },
        'Correct issuer or discovery; let this machine reach the provider (proxy, ca).',
      ),
    ];
  } finally {
    outbound.close();
  }
}

/** OpenID Connect Discovery 1.0, 4. */
function metadataUrl({ issuer, discovery }: Provider): string {
  const text = discovery ?? issuer ?? '';
  return text.includes('/.well-known/') ? text : `${text.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

async function ask(env: Env, provider: Provider, outbound: Outbound): Promise<readonly Finding[]> {
  const { id: about, issuer } = provider;
  const url = metadataUrl(provider);
  const found = { id: 'oidc-discovery', about, tried: `GET ${url}` };
  const correct = 'Correct issuer or discovery in the configuration.';
  const response = await outbound.fetch(url, { headers: { accept: 'application/json' } });
  const metadata = response.status === 200 ? await objectOf(response) : undefined;
  if (metadata === undefined) return [fail({ ...found, seen: `status ${response.status}, and no metadata` }, correct)];
  const missing = ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri'].filter(
    (name) => typeof metadata[name] !== 'string',
  );
  if (missing.length > 0) return [fail({ ...found, seen: `it has no ${missing.join(', ')}` }, correct)];
  const stated = String(metadata['issuer']);
  const isFor = { id: 'oidc-issuer', about, tried: `the issuer in ${url}` };
  return [
    pass({ ...found, seen: 'the metadata is there' }),
    issuer === undefined || stated === issuer
      ? pass({ ...isFor, seen: issuer === undefined ? `it is ${stated}` : 'it is the one of the configuration' })
      : fail(
          { ...isFor, seen: `it is ${stated.slice(0, 200)}, not ${issuer}` },
          `Write issuer as the provider does, letter by letter.`,
        ),
    judgeClock(env, about, response),
    await judgeKeys(about, String(metadata['jwks_uri']), outbound),
  ];
}

function judgeClock(env: Env, about: string, response: Response): Finding {
  const seen = { id: 'oidc-clock', about, tried: 'the Date of its answer' };
  const time = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(time)) return unknown({ ...seen, seen: 'it has none' }, 'Compare the clocks by hand.');
  const seconds = Math.round((env.now() - time) / 1_000);
  const words = `this machine is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead'}`;
  if (Math.abs(seconds) <= 60) return pass({ ...seen, seen: words });
  return fail({ ...seen, seen: words }, 'Let this machine take its time from the network (chrony, w32tm).');
}

async function judgeKeys(about: string, url: string, outbound: Outbound): Promise<Finding> {
  const seen = { id: 'oidc-keys', about, tried: `GET ${url}` };
  const todo = 'Let this machine reach that address too.';
  try {
    const response = await outbound.fetch(url, { headers: { accept: 'application/json' } });
    const set = response.status === 200 ? await objectOf(response) : undefined;
    const keys: unknown = set?.['keys'];
    if (Array.isArray(keys) && keys.length > 0) return pass({ ...seen, seen: `${keys.length} keys` });
    return fail({ ...seen, seen: `status ${response.status}, and no keys` }, todo);
  } catch (error) {
    return fail({ ...seen, seen: reasonOf(error) }, todo);
  }
}

async function objectOf(response: Response): Promise<Readonly<Record<string, unknown>> | undefined> {
  const value: unknown = await response.json().catch(() => undefined);
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
}
