import { type Check, type Env, fail, type Finding, pass, reasonOf, unknown } from '../check.ts';
import { exchange, valuesOf } from '../connect.ts';
import { type Entrance, entrances, entranceText } from '../entrances.ts';

/** The attributes of our cookies, as they are served: those of a sign-out are those of the session cookie that it removes. */
export const cookies: Check = {
  id: 'cookies',
  title: 'the flags of the session cookie, as it is served',
  sides: ['gateway', 'outside'],
  finds: { 'cookie-flags': 'the session cookie can be read by scripts, goes over plain HTTP, or goes to other sites' },
  async run(env) {
    const all = (await entrances(env)).filter(({ app }) => app.sign_in !== 'none');
    return Promise.all(all.map((entrance) => examine(env, entrance)));
  },
};

async function examine(env: Env, entrance: Entrance): Promise<Finding> {
  const { app, place } = entrance;
  const url = new URL(`${env.loaded.config.prefix}/logout`, entrance.url);
  const about = {
    id: 'cookie-flags',
    about: app.name,
    tried: `POST ${url.pathname} without a session, by ${entranceText(entrance)}`,
  };
  let lines: readonly string[];
  try {
    const answer = await exchange({ place, url, method: 'POST', fields: ['Content-Length', '0'] }, env.attemptMs);
    lines = valuesOf(answer.fields, 'set-cookie');
  } catch (error) {
    return unknown({ ...about, seen: reasonOf(error) }, 'Start the gateway, and try again.');
  }
  const ours = lines.find((line) => /^(?:__Host-|__Secure-)?cardea=/.test(line));
  if (ours === undefined)
    return unknown(
      { ...about, seen: 'no session cookie was set or removed' },
      'See whether the gateway answers there, and whether a proxy in front takes cookies away.',
    );
  const faults = faultsOf(ours, url.protocol === 'https:');
  if (faults.length === 0)
    return pass({ ...about, seen: 'HttpOnly, SameSite and a path; Secure and __Host- with TLS' });
  return fail(
    { ...about, seen: `the session cookie is ${faults.join(', ')}` },
    'Let people come by https, name the TLS terminator in trusted_proxies so that Cardea knows it, and let no proxy in front change Set-Cookie.',
  );
}

function faultsOf(line: string, secure: boolean): readonly string[] {
  const [pair = '', ...rest] = line.split(';').map((part) => part.trim());
  const attributes = new Map(rest.map((part) => [part.split('=')[0]?.toLowerCase() ?? '', part.split('=')[1] ?? '']));
  const faults: string[] = [];
  if (!attributes.has('httponly')) faults.push('without HttpOnly');
  if (!/^(lax|strict|none)$/i.test(attributes.get('samesite') ?? '')) faults.push('without SameSite');
  if (secure && !attributes.has('secure')) faults.push('without Secure');
  if (secure && !pair.startsWith('__Host-')) faults.push('without the prefix __Host-');
  if (attributes.has('domain')) faults.push('for a whole domain');
  return faults;
}
