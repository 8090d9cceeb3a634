import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openFiles } from './files.ts';
import { checkConfig, loadConfig, type LoadOptions } from './load.ts';
import type { Config } from './schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-load-'));
after(() => rmSync(folder, { recursive: true }));
const options: LoadOptions = { env: { LDAP: 'hunter2' }, now: Date.UTC(2026, 10, 22) };
const check = (text: string, more: Partial<LoadOptions> = {}) =>
  checkConfig(text, 'cardea.yaml', openFiles(folder), { ...options, ...more });

const minimal = `
apps:
  - { name: desk, host: Desk, upstream: http://127.0.0.1:3000, rules: [{ path: /**, public: true }] }
`;

function configOf(text: string): Config {
  const result = check(text);
  assert.equal(result.kind, 'ok', JSON.stringify(result.problems));
  return result.config;
}

function messagesOf(text: string): string[] {
  return check(text).problems.map(({ line, path, message }) => `${line} ${path}: ${message}`);
}

test('checkConfig() fills in safe defaults', () => {
  const { apps, ...rest } = configOf(minimal);
  assert.deepEqual(rest, {
    listen: [{ address: { host: '127.0.0.1', port: 8080 }, dangerously_plain_http: false }],
    admin: { address: { host: '127.0.0.1', port: 9464 } },
    trusted_proxies: [],
    authorization_api: { ttl: 30_000 },
    forward_auth: [],
    issuer: false,
    prefix: '/auth',
    state: join(folder, '.cardea'),
    session: {
      lifetime: 28_800_000,
      idle: 3_600_000,
      cookie: { same_site: 'lax' },
      store: 'cookie',
      key_rotation: 2_592_000_000,
    },
    redis: false,
    sign_in: [],
    directory: { groups: {} },
    roles: {},
    pages: { help: {}, languages: ['en', 'de', 'fr', 'pl'] },
    limits: {
      head: 65_536,
      headers: 100,
      held: 268_435_456,
      head_timeout: 15_000,
      body: undefined,
      body_timeout: 60_000,
      write_timeout: 60_000,
      connections_per_address: 2_000,
      idle: 75_000,
    },
    audit: { stdout: true, sqlite: true, retain: 7_776_000_000 },
    usage: { retain: 7_776_000_000 },
    log: { level: 'info' },
    threads: 'auto',
  });
  assert.deepEqual(apps, [
    {
      name: 'desk',
      host: ['desk'],
      path: '/',
      upstream: { url: ['http://127.0.0.1:3000'], connect_timeout: 5_000, response_timeout: 60_000 },
      rules: [{ path: '/**', public: true }],
      headers: {
        user: 'X-Authenticated-User',
        upn: 'X-Authenticated-UPN',
        email: 'X-Authenticated-Email',
        name: 'X-Authenticated-Name',
        groups: 'X-Authenticated-Groups',
        roles: 'X-Authenticated-Roles',
        assertion: 'X-Cardea-Assertion',
      },
      header_encoding: 'percent',
      host_header: 'preserve',
      allowed_origins: [],
      forwarded_headers: true,
      expect: [],
      csrf: false,
      streams: { max_lifetime: 28_800_000, revalidate: 60_000, keep_for: 300_000, per_person: 100 },
      assertion: { audience: 'desk' },
    },
  ]);
});

test('checkConfig() takes an upstream with particulars of its own', () => {
  const text = minimal.replace('http://127.0.0.1:3000', '{ url: https://10.0.0.1, response_timeout: 5m }');
  assert.deepEqual(configOf(text).apps[0]?.upstream, {
    url: ['https://10.0.0.1'],
    connect_timeout: 5_000,
    response_timeout: 300_000,
  });
});

test('checkConfig() takes files relative to the configuration', () => {
  assert.equal(configOf(`${minimal}state: deep/down\n`).state, join(folder, 'deep/down'));
  assert.equal(configOf(`${minimal}state: /var/lib/cardea\n`).state, '/var/lib/cardea');
});

test('checkConfig() gives a secret that does not print', () => {
  const ldap = 'directory: { ldap: { url: ldaps://dc1, bind: { user: svc, password: "${env:LDAP}" } } }\n';
  const config = configOf(minimal + ldap);
  assert.equal(config.directory.ldap?.bind.password.reveal(), 'hunter2');
  assert.doesNotMatch(JSON.stringify(config), /hunter2/);
});

test('checkConfig() does not let a fault in one app hide what is wrong with another, or with a section', () => {
  const text = `listen: { address: 0.0.0.0:80 }
apps:
  - { name: One, host: a, upstream: http://127.0.0.1:1, rules: [{ path: /**, public: true }] }
  - { name: two, host: "*", upstream: http://127.0.0.1:2, rules: [{ path: /**, roles: [nobody] }] }
`;
  const messages = messagesOf(text);
  assert.equal(messages.length, 5, messages.join('\n'));
  for (const path of ['listen[0].address', 'apps[0].name', 'apps[1].host[0]', 'apps[1].rules[0].roles[0]', 'sign_in'])
    assert.ok(
      messages.some((message) => message.includes(path)),
      path,
    );
});

test('checkConfig() checks what stands beside a secret that cannot be read', () => {
  const ldap = 'directory: { ldap: { url: ldap://dc1, bind: { user: svc, password: "${env:NOBODY}" } } }\n';
  assert.equal(messagesOf(minimal + ldap).length, 2);
});

test('checkConfig() takes an empty file for a configuration without anything', () => {
  assert.deepEqual(messagesOf(''), ['1 apps: it is missing']);
});

test('checkConfig() never lets prototype names pass for keys', () => {
  assert.ok(messagesOf(`${minimal}__proto__: { a: 1 }\n`).length > 0);
  assert.ok(messagesOf(`${minimal}constructor: 1\n`).length > 0);
  assert.match(messagesOf(minimal.replace('public: true', 'roles: [constructor]')).join('\n'), /no role "constructor"/);
});

test('checkConfig() without files looks at neither files nor environment', () => {
  const text = `${minimal}sign_in: [{ negotiate: { keytab: nowhere } }, { password: { users: nobody } }]
directory: { ldap: { url: ldaps://dc1, ca: nowhere, bind: { user: svc, password: "\${file:nowhere}" } } }
`;
  assert.equal(check(text).kind, 'wrong');
  assert.equal(check(text, { withFiles: false }).kind, 'ok');
});

test('loadConfig() may be called again, and then sees what has changed', () => {
  const file = join(folder, 'again.yaml');
  writeFileSync(file, minimal);
  assert.equal(loadConfig(file, options).kind, 'ok');
  writeFileSync(file, minimal.replace('public: true', 'public: no'));
  assert.equal(loadConfig(file, options).kind, 'wrong');
});

test('loadConfig() gives the files as they were when they were checked', () => {
  const users = join(folder, 'users.yaml');
  writeFileSync(users, 'users: []\n');
  const file = join(folder, 'users-of.yaml');
  writeFileSync(file, `${minimal}sign_in: [{ password: { users: users.yaml } }]\n`);
  const result = loadConfig(file, options);
  writeFileSync(users, 'changed');
  assert.equal(result.kind, 'ok', JSON.stringify(result.problems));
  const read = result.files.read(users);
  assert.equal(read.kind === 'ok' && Buffer.from(read.value).toString(), 'users: []\n');
});

test('loadConfig() says so when there is no file', () => {
  const result = loadConfig(join(folder, 'nobody.yaml'), options);
  assert.equal(result.kind, 'wrong');
  assert.equal(result.problems[0]?.message, 'there is no such file');
});
