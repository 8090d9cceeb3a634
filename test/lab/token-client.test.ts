/** `@cardea/client` and `cardea token` with real tickets of the lab's domain, before a whole gateway. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { createTokenClient, type TokenClient, type TokenClientOptions, TokenError } from '@cardea/client';
import { fileCache, type SystemNegotiateOptions, systemNegotiate } from '@cardea/client/node';
import { environment, paths } from '../../lab/files.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { attempt, run, type RunResult } from '../../lab/processes.ts';
import { kinit, shiftedClock } from '../../lab/tokens.ts';
import { loadKoffi } from '../../packages/client/src/koffi.ts';
import { runIn } from '../../packages/gateway/src/cli/testing.ts';
import { startTestGateway, type TestGateway, until } from '../../packages/gateway/test/harness.ts';

const host = 'app.corp.example';
const issuer = 'https://auth.corp.example';
const command = join(import.meta.dirname, '../../packages/gateway/bin/cardea.mjs');
const noKoffi = loadKoffi() === undefined && 'koffi is not installed: npm install';

suite('the token client in the domain', { skip: reasonToSkip() || noKoffi }, () => {
  let gateway: TestGateway;
  let folder: string;
  const before_ = { ...process.env };
  before(async () => {
    await startLab();
    folder = mkdtempSync(join(tmpdir(), 'cardea-client-'));
    gateway = await startTestGateway({
      config: (upstream) => `
sign_in:
  - negotiate: { keytab: ${paths.keytab} }
  - bearer: { issuers: [{ issuer: "${issuer}", audience: desk }] }
issuer:
  url: ${issuer}
  sign_in: [negotiate]
  clients:
    - { id: desktop, audience: desk, groups: [] }
    - { id: closed, audience: llm, groups: [], allow: { groups: [dep2] } }
apps:
  - name: sample
    host: [${host}, 127.0.0.1]
    upstream: ${upstream}
    rules: [{ path: /**, signed_in: true }]
`,
    });
    writeFileSync(join(folder, '.curlrc'), `resolve = "${host}:${new URL(gateway.origin).port}:127.0.0.1"\n`);
    process.env['KRB5_CONFIG'] = paths.krb5Conf;
    process.env['CURL_HOME'] = folder;
  });
  after(async () => {
    for (const name of ['KRB5_CONFIG', 'KRB5CCNAME', 'CURL_HOME']) {
      const old = before_[name];
      if (old === undefined) delete process.env[name];
      else process.env[name] = old;
    }
    await gateway?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const use = (ccache: string): void => void (process.env['KRB5CCNAME'] = `FILE:${ccache}`);
  const byLibrary = (more: Partial<TokenClientOptions> = {}, how: SystemNegotiateOptions = {}): TokenClient =>
    createTokenClient({
      url: gateway.origin,
      negotiate: systemNegotiate({ way: 'library', service: host, ...how }),
      ...more,
    });
  const byCurl = (): TokenClient =>
    createTokenClient({
      url: `http://${host}:${new URL(gateway.origin).port}`,
      negotiate: systemNegotiate({ way: 'curl' }),
      dangerouslyAllowHttp: true,
    });
  const claimsOf = (token: string): Readonly<Record<string, unknown>> =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  const failureOf = async (client: TokenClient): Promise<TokenError> => {
    const error: unknown = await client.token().catch((reason: unknown) => reason);
    return error instanceof TokenError ? error : assert.fail('there is a token');
  };
  const issued = (): number => gateway.audit('token-issued').length;

  test('alice gets a token by the system library, and the gateway proves who it is', async () => {
    use(await kinit('alice'));
    const replies: (string | null)[] = [];
    const client = byLibrary({
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        replies.push(response.headers.get('www-authenticate'));
        return response;
      },
    });
    const { sub, aud } = claimsOf(await client.token());
    assert.deepEqual([sub, aud], ['CORP\\alice', 'desk']);
    assert.match(String(replies), /^Negotiate [A-Za-z0-9+/=]+$/);
  });

  test('alice gets a token by curl', async () => {
    use(await kinit('alice'));
    assert.equal(claimsOf(await byCurl().token())['sub'], 'CORP\\alice');
  });

  test('a reply that was changed on its way is not taken', async () => {
    use(await kinit('alice'));
    const client = byLibrary({
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        const reply = response.headers.get('www-authenticate') ?? '';
        const bytes = Buffer.from(reply.slice('Negotiate '.length), 'base64');
        const last = bytes.length - 1;
        bytes.writeUInt8((bytes[last] ?? 0) ^ 1, last);
        const headers = { 'WWW-Authenticate': `Negotiate ${bytes.toString('base64')}` };
        return new Response(await response.text(), { status: response.status, headers });
      },
    });
    await assert.rejects(client.token(), { code: 'mutual-authentication-failed' });
  });

  for (const [way, client] of [
    ['the library', byLibrary],
    ['curl', byCurl],
  ] as const)
    test(`without a ticket, ${way} leads to kinit`, async () => {
      use('/nonexistent');
      await assert.rejects(client().token(), { code: 'no-ticket', message: /kinit/ });
    });

  test('a service that the domain does not know is named', async () => {
    use(await kinit('alice'));
    const client = byLibrary({}, { service: 'nowhere.corp.example' });
    await assert.rejects(client.token(), { code: 'unknown-service', message: /HTTP\/nowhere\.corp\.example/ });
  });

  for (const service of ['other', 'stale'])
    test(`a gateway without the right key for the ticket (${service}) refuses, and its audit log says why`, async () => {
      use(await kinit('alice'));
      const client = byLibrary({}, { service: `${service}.corp.example` });
      const { code, status, requestId } = await failureOf(client);
      assert.deepEqual([code, status], ['issuer-refused', 401]);
      await until(() => gateway.audit('sign-in-failed').some((event) => event['requestId'] === requestId), 'the event');
    });

  test('a domain controller that does not answer is told', async () => {
    const ccache = await kinit('alice');
    const conf = join(folder, 'krb5-nowhere.conf');
    writeFileSync(conf, readFileSync(paths.krb5Conf, 'utf8').replace(/^ +kdc = .*/m, 'kdc = 127.0.0.1:9'));
    use(ccache);
    process.env['KRB5_CONFIG'] = conf;
    try {
      await assert.rejects(byLibrary().token(), { code: 'kdc-unreachable' });
    } finally {
      process.env['KRB5_CONFIG'] = paths.krb5Conf;
    }
  });

  test('who may not have a token is told so, with the number of the request', async () => {
    use(await kinit('alice'));
    const { code, status, error, requestId } = await failureOf(byLibrary({ client: 'closed' }));
    assert.deepEqual([code, status, error], ['issuer-refused', 403, 'access_denied']);
    await until(() => gateway.audit('token-refused').some((event) => event['requestId'] === requestId), 'the event');
  });

  test('50 calls at the same time make one request to the issuer', async () => {
    use(await kinit('alice'));
    const [client, before] = [byLibrary(), issued()];
    const all = Array.from({ length: 50 }, () => client.fetch(`${gateway.origin}/api/whoami`));
    const people = await Promise.all(
      (await Promise.all(all)).map(async (response) => Object(await response.json()).user),
    );
    assert.deepEqual([new Set(people), issued() - before], [new Set(['CORP\\alice']), 1]);
  });

  test('a token is renewed before it ends, while the old one goes on to be used', async () => {
    use(await kinit('alice'));
    let ahead = 0;
    const client = byLibrary({ now: () => Date.now() + ahead });
    const first = await client.token();
    ahead = 1_500_000;
    assert.equal(await client.token(), first);
    await until(async () => (await client.token()) !== first, 'the new token');
    assert.equal((await client.fetch(`${gateway.origin}/api/whoami`)).status, 200);
  });

  test('a token that was revoked is replaced after the 401, and the request sent again', async () => {
    use(await kinit('alice'));
    let ahead = 0;
    const client = byLibrary({ now: () => Date.now() + ahead });
    const first = await client.token();
    // Else it would be of the same second as the revocation.
    await until(() => Math.floor(Date.now() / 1_000) > Number(claimsOf(first)['iat']), 'the next second');
    assert.equal((await runIn(gateway.folder, ['sessions', 'revoke', '--user', 'CORP\\alice'])).status, 0);
    const whoami = `${gateway.origin}/api/whoami`;
    const refused = async (): Promise<boolean> =>
      (await fetch(whoami, { headers: { Authorization: `Bearer ${first}` } })).status === 401;
    await until(refused, 'the revocation');
    ahead = 60_000;
    const response = await client.fetch(whoami);
    assert.deepEqual([response.status, Object(await response.json()).user], [200, 'CORP\\alice']);
    assert.notEqual(await client.token(), first);
  });

  /** `cardea token` in a process of its own. */
  const cardea = (ccache: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    cardeaToken(ccache, ['--url', gateway.origin, '--service', host, ...args], env);
  const cardeaToken = (ccache: string, args: readonly string[], env: Readonly<Record<string, string>>) =>
    attempt(process.execPath, [command, 'token', ...args], {
      env: environment({
        HOME: folder, // with the .curlrc
        KRB5CCNAME: `FILE:${ccache}`,
        ...(process.env['NODE_PATH'] === undefined ? {} : { NODE_PATH: process.env['NODE_PATH'] }),
        ...env,
      }),
    });
  const saysOnly = ({ status, stdout, stderr }: RunResult, what: RegExp): void => {
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, what);
  };

  test('cardea token prints a header that the gateway takes', async () => {
    const { status, stdout, stderr } = await cardea(await kinit('alice'), ['--header']);
    assert.deepEqual([status, stderr], [0, '']);
    const [name = '', value = ''] = stdout.trimEnd().split(': ');
    const response = await fetch(`${gateway.origin}/api/whoami`, { headers: { [name]: value } });
    assert.equal(Object(await response.json()).user, 'CORP\\alice');
  });

  test('cardea token --cache asks the issuer once for two runs, and --decode shows what is in the token', async () => {
    const [ccache, before] = [await kinit('bob'), issued()];
    const first = await cardea(ccache, ['--cache', '--json']);
    const second = await cardea(ccache, ['--cache', '--decode']);
    const { verified, claims } = JSON.parse(second.stdout);
    assert.deepEqual([verified, claims], [false, claimsOf(JSON.parse(first.stdout).access_token)]);
    assert.equal(issued() - before, 1);
  });

  test('cardea token says that the ticket has expired, and what to do', async () => {
    saysOnly(await cardea(await kinit('alice'), [], shiftedClock(2 * 86_400)), /ticket has expired: run "kinit" again/);
  });

  test('cardea token says that there is no good ticket when it runs curl with an expired one', async () => {
    const url = `http://${host}:${new URL(gateway.origin).port}`;
    const byCurl = ['--way', 'curl', '--allow-http', '--url', url];
    const ccache = await kinit('alice');
    assert.equal((await cardeaToken(ccache, byCurl, {})).status, 0);
    saysOnly(await cardeaToken(ccache, byCurl, shiftedClock(2 * 86_400)), /run "kinit"/);
  });

  test('cardea token says that the clock is wrong, whether the domain or the gateway finds out', async () => {
    const ccache = await kinit('alice');
    saysOnly(await cardea(ccache, [], shiftedClock(3_600)), /clock is too far/);
    assert.equal((await cardea(ccache, [])).status, 0); // now the ticket for the gateway is there
    const env = { ...shiftedClock(3_600), KRB5_CONFIG: paths.krb5ConfSkewed };
    saysOnly(await cardea(ccache, [], env), /clock is too far/);
  });

  test('the cache of one ticket cache gives nothing to another', async () => {
    const key = 'k';
    const [one, other] = ['FILE:/a', 'FILE:/b'].map((name) =>
      fileCache({ folder: join(folder, 'cache'), env: { KRB5CCNAME: name } }),
    );
    await one?.write(key, { value: 'x', receivedAt: 0, expiresAt: 1 });
    assert.equal(await other?.read(key), undefined);
  });

  test('the Python program of docs/client.md gets a token', async () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/client.md'), 'utf8');
    const [, program = ''] = /```python\n([\s\S]*?)```/.exec(text) ?? [];
    const call = `print(fetch_token("${gateway.origin}/desktop/token", "${host}", "desk")[0])`;
    const env = { KRB5CCNAME: `FILE:${await kinit('carol')}` };
    const token = await run('/usr/bin/python3', ['-c', `${program}\n${call}`], { env });
    assert.equal(claimsOf(token.trim())['sub'], 'CORP\\carol');
  });
});
