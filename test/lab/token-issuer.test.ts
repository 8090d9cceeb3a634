/** Tokens for people of the lab's domain, by the real curl, verified by PyJWT as docs/tokens.md says. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { curl } from '../../lab/curl.ts';
import { baseDn, servicePassword } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { sidOf, startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { run } from '../../lab/processes.ts';
import { kinit, makeTokens } from '../../lab/tokens.ts';
import { startTestGateway, type TestGateway } from '../../packages/gateway/test/harness.ts';
import { administrator, type Administrator, type TestAccount } from './accounts.ts';

const host = 'app.corp.example';
const issuer = 'https://auth.corp.example';
const ldap = `{ url: "ldaps://${address}:636", ca: ${paths.ca}, bind: { user: svc-cardea@corp.example, password: "\${env:LDAP_PASSWORD}" }, base: "${baseDn}", cache: 10s }`;
let clock = 0;

const start = (groupsFrom = 'method'): Promise<TestGateway> =>
  startTestGateway({
    env: { LDAP_PASSWORD: servicePassword },
    now: () => Date.now() + clock,
    config: (upstream) => `
sign_in:
  - negotiate: { keytab: ${paths.keytab}, groups_from: ${groupsFrom} }
  - bearer: { issuers: [{ issuer: "${issuer}", audience: desk }] }
directory: { ldap: ${ldap} }
issuer:
  url: ${issuer}
  clients:
    - { id: desktop, audience: llm, groups: ["*_group", team-ai, dep1, dep2, "Ökonomie-*", big-group-007, "fresh*"] }
    - { id: all, audience: desk, groups: ["*"] }
    - { id: closed, audience: llm, groups: [], allow: { groups: [dep2] } }
apps:
  - name: sample
    host: [${host}, 127.0.0.1]
    upstream: ${upstream}
    rules: [{ path: /**, signed_in: true }]
`,
  });

/** The program of docs/tokens.md, with the key set of this gateway. */
async function verify(
  gateway: TestGateway,
  tokens: readonly string[],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const text = readFileSync(join(import.meta.dirname, '../../docs/tokens.md'), 'utf8');
  const [, program = ''] = /```python\n([\s\S]*?)```/.exec(text) ?? [];
  const place = 'https://auth.corp.example/.well-known/jwks.json';
  assert.ok(program.includes(place));
  const lines = await run(
    '/usr/bin/python3',
    [
      '-c',
      `${program.replace(place, `${gateway.origin}/.well-known/jwks.json`)}
import json, sys
for line in sys.stdin:
    try:
        print(json.dumps(person(line.strip())))
    except jwt.PyJWTError as error:
        print(json.dumps({"refused": type(error).__name__}))
`,
    ],
    { input: `${tokens.join('\n')}\n` },
  );
  return lines
    .trim()
    .split('\n')
    .map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
}

suite('tokens for people of the domain', { skip: reasonToSkip() }, () => {
  let gateway: TestGateway;
  let admin: Administrator;
  before(async () => {
    await startLab();
    gateway = await start();
    admin = await administrator();
  });
  after(async () => {
    await gateway?.close();
    await admin?.close();
  });

  const ask = async (ccache: string, at = gateway, ...args: readonly string[]) => {
    const url = `http://${host}:${new URL(at.origin).port}/desktop/token`;
    const { status, body } = await curl({ url, ccache, args: ['-X', 'POST', ...args] });
    const { access_token: token, ...rest }: Readonly<Record<string, unknown>> = JSON.parse(body);
    return { status, token: String(token), rest };
  };
  const kinitAs = async ({ name, password }: TestAccount): Promise<string> => {
    const ccache = join(paths.ccaches, `${name}-${randomUUID()}`);
    const env = { KRB5CCNAME: `FILE:${ccache}`, KRB5_CONFIG: paths.krb5Conf };
    await run('/usr/bin/kinit', [name], { env, input: `${password}\n` });
    return ccache;
  };

  const people: readonly (readonly [user: string, groups: readonly string[]])[] = [
    ['alice', ['dep1', 'max_group', 'team-ai']],
    ['bob', ['dep2', 'pro_group']],
    ['carol', ['pro_group']],
    ['jürgen', ['Ökonomie-経理']],
    ['biguser', ['big-group-007']],
  ];
  for (const [user, groups] of people)
    test(`${user} gets a token by curl --negotiate, which PyJWT verifies: account and those groups that matter`, async () => {
      const { status, token, rest } = await ask(await kinit(user));
      assert.deepEqual([status, rest], [200, { token_type: 'Bearer', expires_in: 1_800 }]);
      assert.ok(token.length < 1_200, `${token.length}`);
      const [claims] = await verify(gateway, [token]);
      const { sub, groups: found, iss, aud, iat, exp, cardea: origin } = claims ?? {};
      assert.deepEqual([sub, found, iss, aud], [`CORP\\${user}`, groups, issuer, 'llm']);
      assert.equal(Number(exp) - Number(iat), 1_800);
      assert.equal(Object(origin).sub, sidOf(user));
    });

  test('50 programs that ask at the same moment, each on a connection of its own, get a token each', async () => {
    const tickets = await makeTokens({ user: 'alice', count: 50 });
    const given = await Promise.all(
      tickets.map(async (ticket) => {
        const headers = { Authorization: `Negotiate ${ticket.toString('base64')}`, Connection: 'close' };
        const response = await fetch(`${gateway.origin}/desktop/token`, { method: 'POST', headers });
        const { access_token: token } = Object(await response.json());
        return { status: response.status, token: String(token) };
      }),
    );
    assert.deepEqual([...new Set(given.map(({ status }) => status))], [200]);
    const claims = await verify(
      gateway,
      given.map(({ token }) => token),
    );
    assert.deepEqual([...new Set(claims.map(({ sub }) => sub))], ['CORP\\alice']);
    assert.equal(new Set(claims.map(({ jti }) => jti)).size, 50);
  });

  test('PyJWT refuses a token for another audience, and an altered one', async () => {
    const { token } = await ask(await kinit('bob'), gateway, '-d', 'client_id=all');
    const other = await ask(await kinit('bob'));
    const [head, , signature] = other.token.split('.');
    const altered = [head, token.split('.')[1], signature].join('.');
    assert.deepEqual(await verify(gateway, [token, altered]), [
      { refused: 'InvalidAudienceError' },
      { refused: 'InvalidSignatureError' },
    ]);
  });

  test('who is not in the group gets none, and nobody without a ticket', async () => {
    assert.equal((await ask(await kinit('bob'), gateway, '-d', 'client_id=closed')).status, 200);
    const alice = await ask(await kinit('alice'), gateway, '-d', 'client_id=closed');
    assert.deepEqual([alice.status, alice.rest['error']], [403, 'access_denied']);
    const nobody = await ask('/nonexistent');
    assert.deepEqual([nobody.status, nobody.rest['error']], [401, 'invalid_client']);
  });

  test('400 groups whole do not fit, and the answer says what to do', async () => {
    const { status, rest } = await ask(await kinit('biguser'), gateway, '-d', 'client_id=all');
    assert.deepEqual([status, rest['error']], [400, 'invalid_scope']);
    assert.match(String(rest['error_description']), /groups/);
  });

  test('the gateway takes the token for its own app, with the groups in it', async () => {
    const { token } = await ask(await kinit('alice'), gateway, '-d', 'client_id=all');
    const response = await fetch(`${gateway.origin}/api/whoami`, { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(response.status, 200);
    const visitor = Object(await response.json());
    assert.equal(visitor.user, 'CORP\\alice');
    assert.ok(visitor.groups.includes('team-ai') && visitor.groups.includes('dep1'));
  });

  test('a group that somebody is put into shows in the next token with a new ticket', async () => {
    const person = await admin.addUser('tokens');
    const ticket = await kinitAs(person);
    const before = await ask(ticket);
    const group = await admin.addGroup('fresh', [person]);
    // The old ticket says what held when it was given out.
    const same = await ask(ticket);
    const later = await ask(await kinitAs(person));
    const claims = await verify(gateway, [before.token, same.token, later.token]);
    assert.deepEqual(
      claims.map(({ groups }) => groups),
      [[], [], [group.name]],
    );
  });

  test('with groups_from: directory it shows in the next token with the same ticket, once the answer has left the cache', async () => {
    const other = await start('directory');
    try {
      const person = await admin.addUser('tokens');
      const ticket = await kinitAs(person);
      const before = await ask(ticket, other);
      const group = await admin.addGroup('fresh', [person]);
      clock += 11_000;
      const later = await ask(ticket, other);
      const claims = await verify(other, [before.token, later.token]);
      assert.deepEqual(
        claims.map(({ groups }) => groups),
        [[], [group.name]],
      );
    } finally {
      clock = 0;
      await other.close();
    }
  });
});
