import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { emptyContext } from '../json-schema.ts';
import { pathText } from '../problem.ts';
import { type Config, configSchema } from '../schema.ts';
import { credentialEntries } from '../sections/sign-in-credentials.ts';
import type { Check, CheckContext } from './check.ts';
import { checkApprovals, checkBearerIssuers, checkClientCertificates, checkRuleCredentials } from './credentials.ts';
import { checkDevelopment } from './development.ts';

type Changes = Partial<Config> & { readonly production?: boolean };

/** A configuration of this text, with entries of `sign_in` as they are written. */
function config(text: string, entries: readonly unknown[]): Config {
  const base = configSchema(emptyContext).parse(parse(text));
  const entry = z.strictObject(credentialEntries(emptyContext));
  const methods: Config['sign_in'] = entries.map((one) => entry.parse(one));
  return { ...base, sign_in: methods };
}

function problemsOf(check: Check, whole: Config, { production = false, ...changes }: Changes = {}): readonly string[] {
  const problems: string[] = [];
  const context: CheckContext = {
    config: { ...whole, ...changes },
    files: undefined,
    now: 0,
    inline: new Set(),
    production,
    report: ({ path, severity, message }) => problems.push(`${severity} ${pathText(path)}: ${message}`),
    reportElsewhere: () => assert.fail(),
  };
  check(context);
  return problems;
}

const app = (rule: string, more = ''): string =>
  `apps: [{ name: desk, host: desk.corp.example, upstream: "http://127.0.0.1:3000", ${more} rules: [${rule}] }]`;
const approval = {
  approval: { approvers: ['ops'], actions: [{ action: 'approve', app: 'desk', path: '/api/jobs/{job}/approve' }] },
};
const both = app('{ path: /**, credentials: [api_key, approval] }');
const signedIn = app('{ path: /**, signed_in: true }');

test('checkRuleCredentials() is content with credentials that can be shown', () => {
  assert.deepEqual(problemsOf(checkRuleCredentials, config(both, [{ api_key: {} }, approval])), []);
});

test('checkRuleCredentials() finds a credential that nobody can show', () => {
  assert.deepEqual(problemsOf(checkRuleCredentials, config(both, [{ api_key: {} }])), [
    'error apps[0].rules[0].credentials[1]: nobody can show this: the app is not signed in to by approval',
  ]);
});

test('checkRuleCredentials() takes a header that begins a session for a session, and one that does not for itself', () => {
  const rule = app('{ path: /**, credentials: [session] }');
  assert.deepEqual(problemsOf(checkRuleCredentials, config(rule, [{ trusted_header: { session: true } }])), []);
  assert.equal(problemsOf(checkRuleCredentials, config(rule, [{ trusted_header: {} }])).length, 1);
});

test('checkRuleCredentials() takes a header that begins a session for both: the request that brings it shows both', () => {
  const rule = app('{ path: /**, credentials: [session, trusted_header] }');
  assert.deepEqual(problemsOf(checkRuleCredentials, config(rule, [{ trusted_header: { session: true } }])), []);
});

test('checkApprovals() finds an action of an app that there is not', () => {
  const other = { approval: { approvers: ['ops'], actions: [{ action: 'approve', app: 'wiki', path: '/{job}' }] } };
  assert.deepEqual(problemsOf(checkApprovals, config(both, [{ api_key: {} }, other])), [
    'error sign_in[1].approval.actions[0].app: there is no app "wiki"',
  ]);
});

test('checkApprovals() finds an app that has not taken approvals into its own list', () => {
  const whole = config(signedIn, [{ api_key: {} }, approval]);
  const apps = whole.apps.map((one) => ({ ...one, sign_in: ['api_key'] }));
  assert.deepEqual(problemsOf(checkApprovals, whole, { apps }), [
    'error sign_in[1].approval.actions[0].app: the app takes no approvals',
  ]);
});

test('checkApprovals() finds a rule that asks for an approval alone', () => {
  const alone = app('{ path: /**, credentials: [approval] }');
  assert.deepEqual(problemsOf(checkApprovals, config(alone, [approval])), [
    'error apps[0].rules[0].credentials: an approval says who may decide, and not who asks',
  ]);
});

test('checkClientCertificates() finds a method for which no listener asks, and a listener that cannot ask', () => {
  const certificates = config(signedIn, [{ client_certificate: {} }]);
  assert.equal(problemsOf(checkClientCertificates, certificates).length, 1);
  const listen = certificates.listen.map((one) => ({ ...one, client_ca: '/ca.pem' }));
  assert.deepEqual(problemsOf(checkClientCertificates, certificates, { listen }), [
    'error listen[0].client_ca: this address has no TLS',
  ]);
  const secure = listen.map((one) => ({ ...one, tls: [{ cert: 'c', key: 'k', at: [] }] }));
  assert.deepEqual(problemsOf(checkClientCertificates, certificates, { listen: secure }), []);
});

const me = [{ development: { account: 'DEV\\me' } }];

test('checkDevelopment() warns of a development identity on loopback, and refuses it in production', () => {
  assert.deepEqual(problemsOf(checkDevelopment, config(signedIn, me)), [
    'warning sign_in[0].development: everybody on this machine is signed in without any proof',
  ]);
  assert.deepEqual(problemsOf(checkDevelopment, config(signedIn, me), { production: true }), [
    'error sign_in[0].development: a development identity signs in everybody without any proof',
  ]);
  assert.deepEqual(problemsOf(checkDevelopment, config(signedIn, [{ api_key: {} }]), { production: true }), []);
});

for (const [what, text, error] of [
  [
    'an address that others can reach',
    `listen: { address: 0.0.0.0:8080, dangerously_plain_http: true }\n${signedIn}`,
    'error listen[0].address',
  ],
  ['trusted proxies', `trusted_proxies: [10.0.0.0/8]\n${signedIn}`, 'error trusted_proxies'],
  ['any host', signedIn.replace('desk.corp.example', '"*"'), 'error apps[0].host[0]'],
] as const)
  test(`checkDevelopment() refuses a development identity beside ${what}`, () => {
    const problems = problemsOf(checkDevelopment, config(text, me));
    assert.ok(
      problems.some((problem) => problem.startsWith(error)),
      problems.join('\n'),
    );
  });

const wrong: readonly (readonly [what: string, entry: unknown])[] = [
  ['an approval without approvers', { approval: { approvers: [], actions: approval.approval.actions } }],
  ['an approval without actions', { approval: { approvers: ['ops'], actions: [] } }],
  [
    'two actions for the same requests',
    { approval: { approvers: ['ops'], actions: [...approval.approval.actions, ...approval.approval.actions] } },
  ],
  ['a header that everybody may send', { trusted_header: { from: ['0.0.0.0/0'] } }],
  ['a header with a meaning of its own', { trusted_header: { header: 'Authorization' } }],
  ['an issuer without an audience', { bearer: { issuers: [{ issuer: 'https://a.example' }] } }],
  ['an issuer without keys', { bearer: { issuers: [{ issuer: 'urn:a', audience: 'desk' }] } }],
  [
    'an issuer with keys from two places',
    { bearer: { issuers: [{ issuer: 'urn:a', audience: 'd', keys: 'k', jwks_url: 'https://a.example/k' }] } },
  ],
  [
    'an issuer that is asked without encryption',
    { bearer: { issuers: [{ issuer: 'urn:a', audience: 'd', jwks_url: 'http://a.example/k' }] } },
  ],
  [
    'an algorithm with a shared secret',
    { bearer: { issuers: [{ issuer: 'https://a.example', audience: 'd', algorithms: ['HS256'] }] } },
  ],
  [
    'an algorithm that is none',
    { bearer: { issuers: [{ issuer: 'https://a.example', audience: 'd', algorithms: ['none'] }] } },
  ],
  [
    'an issuer twice',
    { bearer: { issuers: Array.from({ length: 2 }, () => ({ issuer: 'https://a.example', audience: 'd' })) } },
  ],
  ['a stream token that lasts for a day', { stream_token: { lifetime: '1d' } }],
  ['a parameter that is encoded in addresses', { stream_token: { parameter: 'stream token' } }],
  ['an API key with options that mean nothing', { api_key: { keys: ['x'] } }],
];

for (const [what, entry] of wrong)
  test(`credentialEntries() refuses ${what}`, () => {
    assert.equal(z.strictObject(credentialEntries(emptyContext)).safeParse(entry).success, false);
  });

test('credentialEntries() fills in what is not said, safely', () => {
  const parsed = z.strictObject(credentialEntries(emptyContext)).parse({ trusted_header: {} });
  assert.deepEqual(parsed.trusted_header?.from, ['127.0.0.1/32', '::1/128']);
  assert.equal(parsed.trusted_header?.session, false);
});

const approvalAlone: readonly (readonly [rule: string, place: string | undefined])[] = [
  ['credentials: [approval]', '.credentials'],
  ['groups: [ops], credentials: [approval]', '.credentials'],
  ['all_of: [{ groups: [ops] }, { credentials: [approval] }]', '.all_of[1].credentials'],
  ['any_of: [{ credentials: [api_key, approval] }, { credentials: [approval] }]', '.any_of[0].credentials'],
  [
    'any_of: [{ credentials: [api_key] }, { all_of: [{ credentials: [approval] }] }]',
    '.any_of[1].all_of[0].credentials',
  ],
  ['not: { not: { credentials: [approval] } }', '.not.not.credentials'],
  ['not: { groups: [a], not: { credentials: [approval] } }', '.not.not.credentials'],
  ['credentials: [api_key, approval]', undefined],
  ['credentials: [api_key], all_of: [{ credentials: [approval] }]', undefined],
  ['credentials: [api_key], any_of: [{ credentials: [approval] }, { groups: [ops] }]', undefined],
  [
    'all_of: [{ credentials: [approval] }, { any_of: [{ credentials: [session] }, { credentials: [api_key] }] }]',
    undefined,
  ],
  ['signed_in: true, not: { credentials: [approval] }', undefined],
  ['public: true', undefined],
];
for (const [rule, place] of approvalAlone)
  test(`checkApprovals() ${place === undefined ? 'is content with' : 'finds that an approval is enough for'} ${rule}`, () => {
    assert.deepEqual(
      problemsOf(checkApprovals, config(app(`{ path: /**, ${rule} }`), [{ api_key: {} }, approval])),
      place === undefined ? [] : [`error apps[0].rules[0]${place}: an approval says who may decide, and not who asks`],
    );
  });

test('checkBearerIssuers() finds an issuer in two entries that one app takes, and no other', () => {
  const issuer = (name: string) => ({ issuer: name, audience: 'desk' });
  const one = { bearer: { id: 'one', issuers: [issuer('https://a.example'), issuer('https://b.example')] } };
  const two = { bearer: { id: 'two', issuers: [issuer('https://c.example'), issuer('https://b.example')] } };
  assert.deepEqual(problemsOf(checkBearerIssuers, config(signedIn, [one, two])), [
    'error sign_in[1].bearer.issuers[1].issuer: the app "desk" takes its tokens by another entry as well, and that one decides about them',
  ]);
  const apart = app('{ path: /**, signed_in: true }', 'sign_in: [two],');
  assert.deepEqual(problemsOf(checkBearerIssuers, config(apart, [one, two])), []);
});
