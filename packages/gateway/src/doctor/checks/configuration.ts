/**
 * What `cardea check --production` finds, each under the name of what it is about: the same judgements, not others.
 *
 * @module
 */
import { type Check, type Env, fail, type Finding, pass } from '../check.ts';

/** Where in the configuration a problem stands, and what it is called then. The first that fits. */
const kinds: readonly (readonly [place: RegExp, id: string])[] = [
  [/^sign_in\[\d+\]\.development/, 'development-identity'],
  [/^sign_in\[\d+\]\.negotiate\.(keytab|services)/, 'keytab-file'],
  [/^listen\[\d+\]\.(address|dangerously_plain_http|proxy_protocol)$/, 'listener-plain'],
  [/^listen\[\d+\]\.tls/, 'certificate-file'],
  [/^admin\./, 'listener-admin'],
  [/^apps\[\d+\]\.host/, 'app-host'],
  [/^apps\[\d+\]\.upstream\.(ca|client_certificate)/, 'certificate-file'],
  [/^apps\[\d+\]\.rules\[\d+\](\.path)?$/, 'rule-unreachable'],
  [/^(roles|apps\[\d+\]\.rules).*\.(groups|roles|module)/, 'rule-nobody'],
  [/dangerously_/, 'protection-off'],
];

const finds = {
  configuration: 'whatever `cardea check --production` finds that has no name of its own here',
  'development-identity': 'a development identity signs in everybody',
  'keytab-file': 'the keytab cannot be used, lacks a name, or everybody on the machine may read it',
  'listener-plain': 'people are served without TLS at an address that others can reach',
  'listener-admin': 'the admin listener has an address that others can reach',
  'app-host': 'no certificate, or no key in the keytab, is for the name of an app',
  'certificate-file': 'a certificate or key in the configuration is not right',
  'rule-unreachable': 'a rule can never match',
  'rule-nobody': 'a rule or role names a group, role or module that nothing can tell',
  'protection-off': 'a protection is switched off',
};

export const configuration: Check = {
  id: 'configuration',
  title: 'the configuration, as cardea check sees it',
  sides: ['gateway', 'app', 'outside'],
  finds,
  run: async (env: Env): Promise<readonly Finding[]> => {
    const tried = env.withFiles ? 'cardea check --production' : 'cardea check --production --no-files';
    // From elsewhere, files that are not here say nothing.
    // Whether several gateways share Redis is found out there (`redis-shared`).
    const problems = env.problems.filter(({ path, severity }) => path !== 'redis' || severity === 'error');
    const found = problems.map(({ path, message, fix, file, line }) => {
      const id = kinds.find(([place]) => place.test(path))?.[1] ?? 'configuration';
      return fail({ id, about: path === '' ? file : path, tried, seen: `${file}:${line}: ${message}` }, fix);
    });
    if (found.length > 0) return found;
    return [pass({ id: 'configuration', about: 'the configuration', tried, seen: 'nothing is wrong with it' })];
  },
};
