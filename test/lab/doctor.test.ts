/**
 * `cardea doctor` against a whole deployment with a real domain, Redis, provider and proxies: nothing is wrong with the sound one,
 * and each of many faults, planted one at a time, is found under its own name.
 */
import assert from 'node:assert/strict';
import { createServer, type Server as PlainServer } from 'node:http';
import { createServer as createTlsServer, type Server } from 'node:https';
import { connect, createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { address, paths } from '../../lab/files.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { openFiles } from '../../packages/gateway/src/config/files.ts';
import { checkConfig } from '../../packages/gateway/src/config/load.ts';
import { examine } from '../../packages/gateway/src/doctor/examine.ts';
import { checks } from '../../packages/gateway/src/doctor/registry.ts';
import { noRedis } from '../../packages/gateway/test/redis.ts';
import { type Deployment, host, type Look, openToAll, prepareDeployment, type Wrong } from './deployment.ts';
import { passesUpgrades, startNginx, startOldTls } from './fronts.ts';
import { freePort } from '../../lab/ports.ts';
import { openLine } from './line.ts';
import { forceServiceName, makeServiceAccount } from './service-account.ts';

const noNginx =
  !existsSync('/usr/sbin/nginx') && 'nginx is not installed: run "npm run lab:install" on Debian 12 as root';

interface Fault {
  readonly name: string;
  /** Ids of everything that fails by it, in alphabetical order: the fault's own, and what follows from it. */
  readonly fails: readonly string[];
  /** In what was seen. */
  readonly says?: RegExp;
  readonly wrong: (deployment: Deployment) => Wrong | Promise<Wrong>;
}

async function end(server: Server | PlainServer): Promise<void> {
  server.closeAllConnections();
  await server[Symbol.asyncDispose]();
}

const replace =
  (from: string | RegExp, to: string) =>
  (text: string): string => {
    const changed = text.replace(from, to);
    assert.notEqual(changed, text, `the configuration has no ${from}`);
    return changed;
  };

/** Something in front of the gateway, by which people come. */
const inFront =
  (start: (deployment: Deployment, port: number) => Promise<{ close(): Promise<void> }>) =>
  (deployment: Deployment): Wrong => ({
    plant: async () => {
      const port = await freePort();
      const front = await start(deployment, port);
      return { undo: () => front.close(), args: ['--url', `https://${host}:${port}`] };
    },
  });

const nginx = (directives: string) =>
  inFront(async (deployment, port) =>
    startNginx(port, `https://127.0.0.1:${deployment.ports.gateway}`, await deployment.certificate({}), directives),
  );

/** Changes the account for one look. */
const account =
  (attribute: string, wrong: readonly string[], right: readonly string[]) =>
  ({ account: own }: Deployment): Wrong => ({
    plant: async () => {
      await own.set(attribute, ...wrong);
      return { undo: () => own.set(attribute, ...right) };
    },
  });

const name =
  (type: 'A' | 'CNAME', value: string, more: readonly (readonly [string, 'A' | 'PTR', string])[] = []) =>
  ({ names }: Deployment): Wrong => ({
    plant: async () => {
      names.set(host, type, value);
      for (const each of more) names.set(...each);
      return {
        undo: async () => {
          names.set(host, 'A', '127.0.0.1');
          for (const [other] of more) names.forget(other);
        },
      };
    },
  });

const faults: readonly Fault[] = [
  {
    name: 'the app listens on all addresses',
    fails: ['upstream-around'],
    wrong: () => ({ appAt: '0.0.0.0' }),
  },
  { name: 'the app does not run', fails: ['upstream-answers'], wrong: () => ({ appAt: false }) },
  {
    name: 'the app speaks TLS with a certificate of an authority that nobody named',
    fails: ['upstream-certificate'],
    wrong: async ({ ports, certificate }) => {
      const pair = await certificate({ name: 'app.internal' });
      return {
        appAt: false,
        config: replace('http://127.0.0.1', 'https://127.0.0.1'),
        plant: async () => {
          const server = createTlsServer(pair, (_request, response) => response.end());
          server.listen(ports.app, '127.0.0.1');
          await once(server, 'listening');
          return { undo: () => end(server) };
        },
      };
    },
  },
  {
    name: 'something else answers under the name of the app',
    fails: ['gateway-answers', 'hsts'],
    wrong: inFront(async ({ certificate }, port) => {
      const server = createTlsServer(await certificate({}), (_request, response) => response.end('the app itself'));
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return { close: () => end(server) };
    }),
  },
  {
    name: 'an identity header passes through, for the gateway was not restarted',
    fails: ['forged-header'],
    wrong: () => ({
      configOfDoctor: replace('    rules:', '    headers: { user: X-Desk-User }\n    rules:'),
    }),
  },
  {
    name: 'everybody in the company may speak for everybody',
    fails: ['forged-identity', 'trust-too-wide'],
    wrong: ({ machine }) => ({
      config: replace('sign_in:', `sign_in:\n  - trusted_header: { from: [${machine.split('.')[0]}.0.0.0/8] }`),
    }),
  },
  {
    name: 'the proxy in front passes on the header that says who somebody is',
    fails: ['forged-identity'],
    wrong: (deployment) => ({
      config: replace('sign_in:', 'sign_in:\n  - trusted_header: {}'),
      ...nginx(passesUpgrades)(deployment),
    }),
  },
  { name: 'the proxy in front drops upgrades', fails: ['upgrade'], wrong: nginx('') },
  {
    name: 'the proxy in front takes Secure, HttpOnly and SameSite from cookies',
    fails: ['cookie-flags'],
    says: /without HttpOnly, without SameSite, without Secure/,
    wrong: nginx(`${passesUpgrades} proxy_cookie_flags ~ nosecure nohttponly nosamesite;`),
  },
  {
    name: 'the whole company is a trusted proxy',
    fails: ['trust-too-wide'],
    wrong: () => ({ config: replace('state:', 'trusted_proxies: [10.0.0.0/8]\nstate:') }),
  },
  {
    name: 'the admin listener is open to others',
    fails: ['admin-exposed', 'listener-admin'],
    wrong: ({ ports }) => ({ config: replace(`127.0.0.1:${ports.admin}`, `0.0.0.0:${ports.admin}`) }),
  },
  {
    name: 'a listener speaks plain HTTP to everybody',
    fails: ['listener-plain', 'plain-http'],
    wrong: async () => {
      const port = await freePort();
      return {
        config: replace(
          /listen: (.*)/,
          `listen:\n  - $1\n  - { address: "0.0.0.0:${port}", dangerously_plain_http: true }`,
        ),
      };
    },
  },
  {
    name: 'the certificate has expired',
    fails: ['certificate-file', 'tls-certificate'],
    wrong: async ({ certificate }) => {
      const pair = await certificate({ expired: true });
      return { files: { 'tls.pem': pair.cert, 'tls.key': pair.key } };
    },
  },
  {
    name: 'the certificate is for another name',
    fails: ['app-host', 'tls-name'],
    wrong: async ({ certificate }) => {
      const pair = await certificate({ name: 'other.corp.example' });
      return { files: { 'tls.pem': pair.cert, 'tls.key': pair.key } };
    },
  },
  {
    name: 'the certificate is of an authority that browsers do not know',
    fails: ['tls-chain'],
    wrong: () => ({ unknownCa: true }),
  },
  {
    name: 'TLS 1.0 is spoken in front',
    fails: ['tls-version'],
    wrong: inFront(async ({ ports, certificate }, port) => startOldTls(port, ports.gateway, await certificate({}))),
  },
  {
    name: 'nothing tells browsers to use https alone',
    fails: ['hsts'],
    wrong: () => ({ config: replace(/ +response_headers.*\n/, '') }),
  },
  {
    name: 'the account has RC4 alone',
    fails: ['account-rc4'],
    wrong: account('msDS-SupportedEncryptionTypes', ['4'], ['24']),
  },
  {
    name: 'the password of the account was changed after the export',
    fails: ['keytab-kvno'],
    wrong: ({ account: own }) => ({
      plant: async () => {
        await own.changePassword();
        return { undo: async () => {} };
      },
    }),
  },
  {
    name: 'the keytab lacks AES-256',
    fails: ['keytab-etypes'],
    wrong: async ({ account: own }) => ({ files: { 'http.keytab': await own.keytab([17]) } }),
  },
  {
    name: 'two accounts have the service principal name',
    fails: ['spn-duplicate'],
    wrong: () => ({
      plant: async () => {
        const other = await makeServiceAccount('svc-doctor-2', []);
        await forceServiceName('svc-doctor-2', `HTTP/${host}`);
        return { undo: () => other.remove() };
      },
    }),
  },
  {
    name: 'no account has the service principal name',
    fails: ['spn-missing'],
    wrong: account(
      'servicePrincipalName',
      ['HTTP/doctor-a.corp.example'],
      [`HTTP/${host}`, 'HTTP/doctor-a.corp.example'],
    ),
  },
  {
    name: 'the account is disabled',
    fails: ['account-state'],
    wrong: account('userAccountControl', ['66050'], ['66048']),
  },
  {
    name: 'the account has expired',
    fails: ['account-state'],
    wrong: account('accountExpires', ['126227808000000000'], ['0']),
  },
  {
    name: 'everybody may read the keytab',
    fails: ['keytab-file'],
    wrong: () => ({
      plant: async ({ here }) => {
        openToAll(join(here, 'http.keytab'));
        return { undo: async () => {} };
      },
    }),
  },
  {
    name: 'others may read the keys of the gateway',
    fails: ['state-private'],
    wrong: () => ({
      plant: async ({ here }) => {
        chmodSync(join(here, 'state', 'keys.json'), 0o640);
        return { undo: async () => {} };
      },
    }),
  },
  {
    name: 'the clock of this machine is six minutes ahead',
    fails: ['clock', 'oidc-clock'],
    wrong: () => ({ aheadMs: 6 * 60_000 }),
  },
  {
    name: 'the password of the directory account is wrong',
    fails: ['gateway-ready', 'ldap-bind'],
    wrong: () => ({ env: { LDAP_PASSWORD: 'Wrong-Passw0rd1' } }),
  },
  {
    name: 'the domain controller does not answer',
    fails: ['gateway-ready', 'ldap-connect'],
    wrong: () => ({ config: replace(/ldaps:\/\/[0-9.]+/, 'ldaps://127.0.0.10:1') }),
  },
  {
    name: 'the base does not exist',
    fails: ['gateway-ready', 'ldap-base'],
    wrong: () => ({ config: replace('base: "', 'base: "OU=nowhere,') }),
  },
  {
    name: 'a role is of a group that does not exist',
    fails: ['group-unknown'],
    wrong: () => ({ config: replace('[team-ai]', '[team-a1]') }),
  },
  {
    name: 'a rule can never match',
    fails: ['rule-unreachable'],
    wrong: () => ({
      config: replace(/( {6}- \{ path: \/reports.*\n)( {6}- \{ path: .*\n)/, '$2$1'),
    }),
  },
  {
    name: 'a role opens nothing',
    fails: ['role-unused'],
    wrong: () => ({
      config: (text) =>
        replace(
          'roles:\n',
          'roles:\n  idle: { groups: [dep1], modules: [Nothing] }\n',
        )(replace('    rules:', '    headers: { roles: false, assertion: false }\n    rules:')(text)),
    }),
  },
  {
    name: 'there is a development identity',
    fails: ['development-identity'],
    wrong: ({ ports }) => ({
      config: (text) =>
        replace(
          'sign_in:',
          'sign_in:\n  - development: { account: CORP\\dev }',
        )(replace(`0.0.0.0:${ports.gateway}`, `127.0.0.1:${ports.gateway}`)(text)),
    }),
  },
  {
    name: 'Redis keeps nothing on disk',
    fails: ['redis-persistence'],
    wrong: () => ({ redis: [] }),
  },
  {
    name: 'Redis throws away what does not fit',
    fails: ['redis-eviction'],
    wrong: () => ({ redis: ['--appendonly', 'yes', '--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru'] }),
  },
  {
    name: 'Redis wants a password that nobody has told',
    fails: ['gateway-ready', 'redis-connect'],
    wrong: () => ({ redis: ['--appendonly', 'yes', '--requirepass', 'a-password-of-redis'] }),
  },
  {
    name: 'the provider calls itself otherwise',
    fails: ['oidc-issuer'],
    wrong: ({ provider }) => ({
      config: replace(
        `issuer: "${provider.issuer}"`,
        `issuer: "${provider.issuer}/realms/corp", discovery: "${provider.issuer}/.well-known/openid-configuration"`,
      ),
    }),
  },
  {
    name: 'the provider does not answer',
    fails: ['oidc-discovery'],
    wrong: ({ provider }) => ({ config: replace(provider.issuer, 'http://localhost:1') }),
  },
  {
    name: 'the name of the app is unknown',
    fails: ['dns-name'],
    wrong: ({ names }) => ({
      plant: async () => {
        names.forget(host);
        return { undo: async () => names.set(host, 'A', '127.0.0.1') };
      },
    }),
  },
  { name: 'the name of the app leads elsewhere', fails: ['dns-name'], wrong: name('A', '198.51.100.7') },
  {
    name: 'the name of the app is an alias of one that has no key',
    fails: ['dns-alias'],
    wrong: name('CNAME', 'server7.corp.example', [['server7.corp.example', 'A', '127.0.0.1']]),
  },
  {
    name: 'the address of the app leads back to a name without a key',
    fails: ['dns-reverse'],
    wrong: (deployment) => {
      const { machine } = deployment;
      const reverse = `${machine.split('.').toReversed().join('.')}.in-addr.arpa`;
      return name('A', machine, [[reverse, 'PTR', 'server7.corp.example']])(deployment);
    },
  },
  {
    name: "everybody on the machine may open the app's socket",
    fails: ['upstream-socket'],
    wrong: ({ folder }) => {
      const socket = join(folder, 'app.sock');
      return {
        appAt: false,
        config: replace(/upstream: .*/, `upstream: "unix:${socket}"`),
        plant: async () => {
          const server = createServer((_request, response) => response.end('the app'));
          server.listen(socket);
          await once(server, 'listening');
          chmodSync(socket, 0o777);
          return { undo: () => end(server) };
        },
      };
    },
  },
  {
    name: 'a secret stands in the configuration itself',
    fails: ['configuration'],
    wrong: () => ({ config: replace('"${env:CLIENT_SECRET}"', 'a-client-secret-of-doctor') }),
  },
  {
    name: 'a protection is switched off',
    fails: ['protection-off'],
    wrong: () => ({ config: replace('keytab: http.keytab', 'keytab: http.keytab, dangerously_allow_rc4: true') }),
  },
  {
    name: 'a rule asks for a role that there is not',
    fails: ['rule-nobody'],
    wrong: () => ({ config: replace('module: Reports }', 'roles: [analysts] }') }),
  },
  {
    name: 'Redis is far away',
    fails: ['redis-latency'],
    wrong: async () => {
      const port = await freePort();
      return {
        configOfDoctor: replace(/url: "unix:[^"]*"/, `url: "redis://127.0.0.1:${port}"`),
        plant: async ({ redis }) => {
          const line = await slowly(port, redis, 30);
          return { undo: () => line.close() };
        },
      };
    },
  },
  {
    name: 'the provider has no keys where it says',
    fails: ['oidc-keys'],
    wrong: async () => {
      const port = await freePort();
      const issuer = `http://localhost:${port}`;
      const endpoints = {
        authorization_endpoint: `${issuer}/a`,
        token_endpoint: `${issuer}/t`,
        jwks_uri: `${issuer}/k`,
      };
      return {
        config: replace(/issuer: "[^"]*"/, `issuer: "${issuer}"`),
        plant: async () => {
          const server = createServer((request, response) => {
            if (request.url === '/k') response.writeHead(404);
            response.end(request.url === '/k' ? '' : JSON.stringify({ issuer, ...endpoints }));
          });
          server.listen(port, '127.0.0.1');
          await once(server, 'listening');
          return { undo: () => end(server) };
        },
      };
    },
  },
  {
    name: 'the gateway may open few files',
    fails: ['open-files'],
    wrong: async ({ ports }) => {
      const port = await freePort();
      return {
        configOfDoctor: replace(`127.0.0.1:${ports.admin}`, `127.0.0.1:${port}`),
        plant: async () => {
          const few = 'cardea_process_open_fds 40\ncardea_process_max_fds 1024\n';
          const server = createServer((request, response) =>
            response.end(request.url === '/readyz' ? '{"status":"ready","checks":{}}' : few),
          );
          server.listen(port, '127.0.0.1');
          await once(server, 'listening');
          return { undo: () => end(server) };
        },
      };
    },
  },
];

suite('cardea doctor', { skip: reasonToSkip() || noRedis || noNginx, timeout: 280_000 }, () => {
  let deployment: Deployment;

  before(async () => {
    await startLab();
    deployment = await prepareDeployment();
  });
  after(() => deployment?.close());

  const whole = ({ findings }: Look): string =>
    JSON.stringify(
      findings.filter(({ verdict }) => verdict !== 'pass'),
      undefined,
      2,
    );

  test('finds nothing wrong with the sound deployment, and nothing unknown', async () => {
    const look = await deployment.look();
    assert.deepEqual([look.failed, look.unknown, look.status], [[], [], 0], whole(look));
    assert.ok(look.findings.length > 40);
  });

  test('finds nothing wrong behind a proxy that is set up well', async () => {
    const look = await deployment.look(nginx(passesUpgrades)(deployment));
    assert.deepEqual([look.failed, look.unknown, look.status], [[], [], 0], whole(look));
  });

  for (const { name: what, fails, says = /./, wrong } of faults)
    test(`finds it when ${what}`, async () => {
      const look = await deployment.look(await wrong(deployment));
      assert.deepEqual(look.failed, fails, whole(look));
      assert.equal(look.status, 1);
      assert.match(
        look.findings
          .filter(({ verdict }) => verdict === 'fail')
          .map(({ seen }) => seen)
          .join(),
        says,
      );
      for (const secret of deployment.secrets) assert.ok(!look.text.includes(secret), 'a secret is in the report');
    });

  test('each kind of finding has a fault above, but for those that this machine cannot be made to have', () => {
    const planted = new Set(faults.flatMap(({ fails }) => fails));
    const ids = checks.flatMap(({ finds }) => Object.keys(finds));
    // This deployment has neither; their own tests plant these faults.
    const elsewhere = /^(?:grpc|postgres)-/;
    const rest = ids.filter((id) => !planted.has(id) && !elsewhere.test(id));
    assert.deepEqual(rest.sort(), ['ldap-groups', 'node-version', 'redis-shared', 'state-remote', 'state-writable']);
  });

  test('does not know whether another machine on the same Redis has the same keys', async () => {
    const port = await freePort();
    const listens = ['--port', `${port}`, '--bind', '127.0.0.1', '--protected-mode', 'no'];
    const look = await deployment.look({
      redis: ['--appendonly', 'yes', ...listens],
      plant: async () => {
        // No address of this machine, as far as its interfaces say.
        const other = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' });
        await once(other, 'connect');
        other.write('PING\r\n');
        await once(other, 'data');
        return { undo: async () => void other.destroy() };
      },
    });
    assert.deepEqual(look.unknown, ['redis-shared'], whole(look));
  });

  test('a password that the controller refuses is tried once, whatever is asked', async () => {
    const line = await openLine(636);
    try {
      const config = `
directory: { ldap: { url: "ldaps://${address}:${line.port}", ca: ${paths.ca}, bind: { user: svc-cardea@corp.example, password: "\${env:WRONG}" } } }
apps: [{ name: a, host: a, upstream: "http://127.0.0.1:1", rules: [{ path: /**, public: true }] }]`;
      const env = { WRONG: 'Wrong-Passw0rd1' };
      const loaded = checkConfig(config, 'cardea.yaml', openFiles('/'), { env, now: Date.now() });
      if (loaded.kind === 'wrong') throw new Error(JSON.stringify(loaded.problems));
      const found = await examine({
        side: 'gateway',
        loaded,
        problems: [],
        withFiles: true,
        now: Date.now,
        only: ['clock', 'directory', 'policy'],
      });
      assert.ok(found.some(({ id, verdict }) => id === 'ldap-bind' && verdict === 'fail'));
      assert.equal(line.connections(), 1);
    } finally {
      await line.close();
    }
  });
});

/** A line to a socket on which everything takes its time. */
async function slowly(port: number, socket: string, ms: number): Promise<{ close(): Promise<void> }> {
  const server = createTcpServer((client) => {
    const onward = connect(socket);
    for (const [from, to] of [
      [client, onward],
      [onward, client],
    ] as const) {
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.on('data', (chunk) => void setTimeout(() => to.write(chunk), ms));
    }
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { close: () => server[Symbol.asyncDispose]() };
}
