import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

const now = Date.UTC(2026, 10, 22);
const folder = mkdtempSync(join(tmpdir(), 'cardea-issuer-'));
after(() => rmSync(folder, { recursive: true }));
const pem = (bits: number): string =>
  generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 });
write('good.pem', pem(2048));
write('other.pem', pem(2048));
write('short.pem', pem(1024));
write('none.pem', 'hunter2');
write('open.pem', pem(2048));
chmodSync(join(folder, 'open.pem'), 0o644);

const app = { name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:3000', rules: [{ path: '/**', public: true }] };
const signIn = [
  { trusted_header: { from: ['127.0.0.1/32'], header: 'X-User', default_domain: 'CORP' } },
  { api_key: {} },
];
const client = { id: 'desktop', audience: 'llm', groups: ['team-*'] };
const issuer = { url: 'https://auth.corp.example', clients: [client] };

/** `severity path` of all problems. */
function problems(sections: object): readonly string[] {
  const text = JSON.stringify({ sign_in: signIn, apps: [app], ...sections });
  const result = checkConfig(text, 'f', openFiles(folder), { env: {}, now });
  assert.doesNotMatch(JSON.stringify(result.problems), /hunter2/);
  return result.problems.map(({ severity, path }) => `${severity} ${path}`);
}
const withKeys = (...files: readonly object[]): object => ({ issuer: { ...issuer, keys: { files } } });
const withClient = (more: object): object => ({ issuer: { ...issuer, clients: [{ ...client, ...more }] } });

const bearer = (more: object): readonly object[] => [{ bearer: { issuers: [{ issuer: issuer.url, ...more }] } }];

const cases: readonly (readonly [what: string, sections: object, found: readonly string[]])[] = [
  ['no issuer', {}, []],
  ['issuer: false', { issuer: false }, []],
  ['an issuer', { issuer }, []],
  ['plain http', { issuer: { ...issuer, url: 'http://auth.corp.example' } }, ['warning issuer.url']],
  ['plain http on loopback', { issuer: { ...issuer, url: 'http://127.0.0.1:8080' } }, []],
  ['a path in the address', { issuer: { ...issuer, url: 'https://auth.corp.example/x' } }, ['error issuer.url']],
  ['no clients', { issuer: { ...issuer, clients: [] } }, ['error issuer.clients']],
  ['a client twice', { issuer: { ...issuer, clients: [client, client] } }, ['error issuer.clients[1].id']],
  [
    'a client without groups',
    { issuer: { ...issuer, clients: [{ id: 'd', audience: 'x' }] } },
    ['error issuer.clients[0].groups'],
  ],
  ['a SID for a name', withClient({ groups: ['S-1-5-32-544'] }), ['error issuer.clients[0].groups[0]']],
  ['a token for a day', withClient({ lifetime: '1d' }), ['error issuer.clients[0].lifetime']],
  ['a token for four hours', withClient({ lifetime: '4h' }), []],
  ['a scope with a blank', withClient({ scopes: ['a b'] }), ['error issuer.clients[0].scopes[0]']],
  ['a role that is not there', withClient({ allow: { roles: ['x'] } }), ['error issuer.clients[0].allow.roles[0]']],
  ['a method that is not there', { issuer: { ...issuer, sign_in: ['negotiate'] } }, ['error issuer.sign_in[0]']],
  ['a method of a client that is not there', withClient({ sign_in: ['x'] }), ['error issuer.clients[0].sign_in[0]']],
  [
    'a method that the issuer does not take',
    { issuer: { ...issuer, sign_in: ['api_key'], clients: [{ ...client, sign_in: ['trusted_header'] }] } },
    ['error issuer.clients[0].sign_in[0]'],
  ],
  ['nobody who can sign in', { sign_in: [], issuer }, ['error issuer']],
  [
    'a host that an app without sign-in has',
    {
      issuer,
      apps: [app, { name: 'open', host: 'auth.corp.example', upstream: 'http://127.0.0.1:1', sign_in: 'none' }],
    },
    ['error issuer.url'],
  ],
  ['a key', withKeys({ file: 'good.pem' }), []],
  ['two keys', withKeys({ file: 'good.pem' }, { file: 'other.pem', from: '2027-01-31T00:00:00Z' }), []],
  ['a key twice', withKeys({ file: 'good.pem' }, { file: 'good.pem' }), ['error issuer.keys.files[1].file']],
  ['a short key', withKeys({ file: 'short.pem' }), ['error issuer.keys.files[0].file']],
  ['no key in the file', withKeys({ file: 'none.pem' }), ['error issuer.keys.files[0].file']],
  ['a file that is not there', withKeys({ file: 'x.pem' }), ['error issuer.keys.files[0].file']],
  ['a key that everybody may read', withKeys({ file: 'open.pem' }), ['warning issuer.keys.files[0].file']],
  ['keys that all wait', withKeys({ file: 'good.pem', from: '2027-01-31T00:00:00Z' }), ['error issuer.keys.files']],
  [
    'a moment that is none',
    withKeys({ file: 'good.pem', from: '2027-02-31T00:00:00Z' }),
    ['error issuer.keys.files[0].from'],
  ],
  [
    'publish_ahead longer than rotate',
    { issuer: { ...issuer, keys: { rotate: '1h', publish_ahead: '2h' } } },
    ['error issuer.keys.publish_ahead'],
  ],
  ['tokens for one of our own apps', { issuer, sign_in: bearer({ audience: 'llm' }) }, []],
  [
    'tokens that nobody gets',
    { issuer, sign_in: bearer({ audience: 'x' }) },
    ['warning sign_in[0].bearer.issuers[0].audience'],
  ],
  [
    'an address for our own keys',
    { issuer, sign_in: bearer({ audience: 'llm', jwks_url: 'https://auth.corp.example/.well-known/jwks.json' }) },
    ['error sign_in[0].bearer.issuers[0].jwks_url'],
  ],
  ['another size of keys', { issuer: { ...issuer, keys: { bits: 1024 } } }, ['error issuer.keys.bits']],
];
for (const [what, sections, found] of cases)
  test(`checkIssuer() finds what is to be found: ${what}`, () => assert.deepEqual(problems(sections), found));

test('checkConfig() says how to write our own issuer, where it is refused for its plain http', () => {
  const own = { url: 'http://auth.localhost:8080', clients: [client] };
  const sections = { issuer: own, sign_in: [{ bearer: { issuers: [{ issuer: own.url, audience: 'llm' }] } }] };
  const { problems: found } = checkConfig(JSON.stringify({ ...sections, apps: [app] }), 'f', openFiles(folder), {
    env: {},
    now,
  });
  const { fix } = found.find(({ path }) => path === 'sign_in[0].bearer.issuers[0].issuer') ?? assert.fail();
  assert.match(fix, /our own issuer, write both with https, or with http:\/\/localhost/);
});
