/**
 * The example files of docs/sign-in.md do what it says: each is started as it stands, but for addresses and the places of its
 * files. Those that need a domain or Redis are checked only; their methods have tests of their own.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { makeKey } from './credentials.ts';
import {
  asBrowser,
  send,
  sessionOf,
  startTestGateway,
  type TestGateway,
  type TestResponse,
  usersFile,
} from './harness.ts';

const examples = join(import.meta.dirname, '../../../examples');
/** The sample app knows no such page: the request has got through. */
const through = 404;

interface Running extends TestGateway {
  /** Asks the example's host. */
  ask(path: string, headers?: OutgoingHttpHeaders, method?: string, body?: string): Promise<TestResponse>;
  /** Signs in by the form, and gives what a page of the app sends along. */
  signIn(name: string): Promise<OutgoingHttpHeaders>;
  post(path: string, body: object, headers: OutgoingHttpHeaders): Promise<TestResponse>;
}

/** Starts an example. `change` replaces what cannot be there in a test. */
async function start(
  name: string,
  files: Readonly<Record<string, string>> = {},
  change: (text: string) => string = (text) => text,
): Promise<Running> {
  const text = readFileSync(join(examples, `${name}.yaml`), 'utf8');
  const host = /^ +host: (\S+)$/m.exec(text)?.[1] ?? '';
  const gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: ['staff'], bob: ['approvers'] }), ...files },
    config: (upstream) =>
      change(text)
        .replaceAll(/^(?:listen|state):(?:.*)\n(?: .*\n)*/gm, '')
        .replaceAll(/http:\/\/127\.0\.0\.1:(?:3000|8000)/g, upstream)
        .replaceAll('/etc/cardea/', '')
        .replaceAll('/run/secrets/', './'),
  });
  const ask: Running['ask'] = (path, headers = {}, method = 'GET', body?) =>
    send(`${gateway.origin}${path}`, {
      method,
      headers: { Host: host, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  return {
    ...gateway,
    ask,
    post: (path, body, headers) =>
      ask(path, { 'Content-Type': 'application/json', ...headers }, 'POST', JSON.stringify(body)),
    signIn: async (person) => {
      const form = new URLSearchParams({ name: person, password: `${person}-password`, return: '/' }).toString();
      const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const cookie = sessionOf(await ask('/auth/login', type, 'POST', form));
      const me = await ask('/auth/me', { Cookie: cookie });
      return { Cookie: cookie, 'X-CSRF-Token': String(JSON.parse(me.body).csrf_token) };
    },
  };
}

const account = ({ status, body }: TestResponse): string =>
  status === 200 ? String(JSON.parse(body).user) : String(status);

suite('examples', () => {
  test('minimal.yaml: a person of the users file gets in, and nobody else', async (t) => {
    const example = await start('minimal');
    t.after(() => example.close());
    assert.equal((await example.ask('/api/whoami')).status, 401);
    assert.equal(account(await example.ask('/api/whoami', await example.signIn('alice'))), 'CORP\\alice');
  });

  test('api-keys.yaml: a session or a key, both to delete, and the groups of a key', async (t) => {
    const example = await start('api-keys');
    t.after(() => example.close());
    const options = ['--group', 'batch', '--app', 'documents', '--path', '/api/**', '--expires', '90d'];
    const key = { 'X-API-Key': await makeKey(example.folder, 'nightly', ...options) };
    const alice = await example.signIn('alice');
    assert.equal(account(await example.ask('/api/whoami', key)), 'key:nightly');
    assert.equal(account(await example.ask('/api/whoami', alice)), 'CORP\\alice');
    assert.equal((await example.ask('/headers', key)).status, 401, 'beyond the paths of the key');
    const remove = async (headers: OutgoingHttpHeaders): Promise<number> =>
      (await example.ask('/api/documents/7', headers, 'DELETE')).status;
    assert.deepEqual([await remove(key), await remove(alice), await remove({ ...key, ...alice })], [403, 403, through]);
    assert.equal((await example.ask('/api/batch/x', key)).status, through);
    assert.equal((await example.ask('/api/batch/x', alice)).status, 403);
  });

  test('approvals.yaml: the key alone is not enough, and with an approval it is, once', async (t) => {
    const example = await start('approvals');
    t.after(() => example.close());
    const key = { 'X-API-Key': await makeKey(example.folder, 'nightly') };
    const given = await example.post('/auth/approvals', { job: '7', action: 'approve' }, await example.signIn('bob'));
    const both = { ...key, 'X-Approval-Token': String(JSON.parse(given.body).token) };
    const approve = async (headers: OutgoingHttpHeaders): Promise<number> =>
      (await example.ask('/api/jobs/7/approve', headers, 'POST')).status;
    assert.deepEqual([await approve(key), await approve(both), await approve(both)], [403, through, 401]);
    const refused = await example.post(
      '/auth/approvals',
      { job: '7', action: 'reject' },
      await example.signIn('alice'),
    );
    assert.equal(refused.status, 403);
  });

  test('stream-tokens.yaml: the address that it gives works, once', async (t) => {
    const example = await start('stream-tokens');
    t.after(() => example.close());
    const key = { 'X-API-Key': await makeKey(example.folder, 'nightly') };
    const { body } = await example.post('/auth/stream-tokens', { path: '/api/whoami' }, key);
    const { url, expires_in: seconds } = JSON.parse(body);
    assert.match(url, /^\/api\/whoami\?stream_token=/);
    assert.equal(seconds, 300);
    assert.equal(account(await example.ask(String(url))), 'key:nightly');
    assert.equal((await example.ask(String(url))).status, 401);
  });

  test('bearer.yaml: programs of both issuers, each with an account that tells them apart', async (t) => {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] });
    let issuer = '';
    const server = createServer((request, response) =>
      response.end(request.url === '/keys' ? keys : JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` })),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const where = server.address();
    issuer = `http://127.0.0.1:${where !== null && typeof where === 'object' ? where.port : 0}`;
    const example = await start('bearer', {}, (text) =>
      text
        .replace('https://login.corp.example/realms/corp', issuer)
        .replace('https://gitlab.corp.example/oauth/discovery/keys', `${issuer}/keys`)
        .replace(/^ +ca: .*\n/m, ''),
    );
    t.after(() => example.close());
    const token = async (claims: object): Promise<OutgoingHttpHeaders> => {
      const text = await new SignJWT({ sub: 's-1', aud: 'documents', ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'k' })
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey);
      return { Authorization: `Bearer ${text}` };
    };
    const program = await token({ iss: issuer, azp: 'nightly', groups: ['batch'] });
    assert.equal(account(await example.ask('/api/whoami', program)), 'svc:nightly');
    assert.equal((await example.ask('/api/batch/x', program)).status, through);
    const job = await token({ iss: 'https://gitlab.corp.example', project_path: 'desk/app' });
    assert.equal(account(await example.ask('/api/whoami', job)), 'ci:desk/app');
    assert.equal((await example.ask('/api/whoami', await token({ iss: issuer, azp: 'x', aud: 'wiki' }))).status, 401);
  });

  test('iis-header.yaml: the proxy with the secret is believed, a session begins, and the app gets our header', async (t) => {
    const example = await start('iis-header', { iis: 'of-the-tests-alone' });
    t.after(() => example.close());
    const byIis = {
      'X-Forwarded-For': '10.1.2.3',
      'X-Forwarded-Proto': 'https',
      'X-Remote-User': 'CORP\\alice',
      'X-Cardea-Proxy-Secret': 'of-the-tests-alone',
    };
    const first = await example.ask('/headers', byIis);
    const sent: readonly (readonly [string, string])[] = JSON.parse(first.body);
    assert.deepEqual(
      sent.filter(([name]) => /^x-(?:remote-user|cardea-proxy-secret)$/i.test(name)),
      [['X-Remote-User', 'CORP\\alice']],
    );
    const cookie = sessionOf(first);
    assert.match(cookie, /^__Host-cardea=/);
    const later = { 'X-Forwarded-For': '10.1.2.3', 'X-Forwarded-Proto': 'https', Cookie: cookie };
    assert.equal((await example.ask('/api/whoami', later)).status, 200);
    assert.equal((await example.ask('/api/whoami', { ...byIis, 'X-Cardea-Proxy-Secret': 'guess' })).status, 401);
  });

  test('development.yaml: everybody on this machine is the one person', async (t) => {
    const example = await start('development');
    t.after(() => example.close());
    assert.equal(account(await example.ask('/api/whoami', asBrowser)), 'DEV\\me');
    assert.equal((await example.ask('/orders/1')).status, through);
  });
});
