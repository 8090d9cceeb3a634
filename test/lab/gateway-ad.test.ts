import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type CurlResponse, curl } from '../../lab/curl.ts';
import { directory } from '../../lab/files.ts';
import { sidOf, startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { kinit } from '../../lab/tokens.ts';
import { type LabGateway, startLabGateway } from './gateway.ts';

suite('curl --negotiate, a real Active Directory domain, and the sample app', { skip: reasonToSkip() }, () => {
  let gateway: LabGateway;
  const tickets = new Map<string, string>();

  before(async () => {
    await startLab();
    gateway = await startLabGateway();
    for (const user of ['alice', 'bob', 'carol', 'jürgen', 'biguser']) tickets.set(user, await kinit(user));
  });
  after(() => gateway?.close());

  const ask = (
    user: string | undefined,
    url: string,
    more: { headers?: string[]; args?: string[] } = {},
  ): Promise<CurlResponse> => {
    const ccache = user === undefined ? undefined : tickets.get(user);
    return curl({ url, ...(ccache === undefined ? {} : { ccache }), ...more });
  };
  const whoami = async (user: string): Promise<Record<string, unknown>> => {
    const { status, body } = await ask(user, gateway.url('/api/whoami'));
    assert.equal(status, 200, body);
    return JSON.parse(body);
  };
  const asBrowser = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'];

  test('alice reaches the app as CORP\\alice, with UPN, name and e-mail address', async () => {
    const { user, upn, name, email } = await whoami('alice');
    assert.deepEqual(
      { user, upn, name, email },
      { user: 'CORP\\alice', upn: 'alice@corp.example', name: 'Alice Smith', email: 'alice@corp.example' },
    );
  });

  test('alice has her groups by name: the nested, the universal and the domain-local one too, and the roles they give', async () => {
    const { groups, roles } = await whoami('alice');
    assert.deepEqual(
      new Set(Object(groups)),
      new Set(['Domain Users', 'dep1', 'loc1', 'max_group', 'team-ai', 'uni1']),
    );
    assert.deepEqual(roles, ['analyst']);
  });

  test('the signed assertion tells the app the same, with the SID as subject', async () => {
    const { assertion } = await whoami('alice');
    const { sub, account, aud } = Object(assertion);
    assert.deepEqual({ sub, account, aud }, { sub: sidOf('alice'), account: 'CORP\\alice', aud: 'sample' });
  });

  test('the first response carries the session cookie and the reply for mutual authentication', async () => {
    const { headers } = await ask('alice', gateway.url('/api/whoami'));
    assert.match(headers.get('set-cookie')?.[0] ?? '', /^cardea=[\w-]{100,}; Path=\/; HttpOnly; SameSite=Lax$/);
    assert.match(headers.get('www-authenticate')?.[0] ?? '', /^Negotiate [A-Za-z0-9+/]{100,}=*$/);
  });

  test('with the cookie, later requests do no Kerberos', async () => {
    const jar = join(directory, `jar-${process.pid}`);
    const signIns = gateway.audit('sign-in').length;
    const args = ['-c', jar, '-b', jar];
    assert.equal((await ask('alice', gateway.url('/api/whoami'), { args })).status, 200);
    for (const user of ['alice', undefined]) {
      const second = await ask(user, gateway.url('/api/whoami'), { args });
      assert.equal(JSON.parse(second.body).user, 'CORP\\alice');
      assert.equal(second.headers.get('www-authenticate'), undefined);
    }
    rmSync(jar);
    assert.equal(gateway.audit('sign-in').length, signIns + 1);
  });

  test('the app sees neither the Kerberos token nor the session cookie, and its own cookies as they were', async () => {
    const cookie = (await ask('alice', gateway.url('/'))).headers.get('set-cookie')?.[0]?.split(';')[0] ?? '';
    const { body } = await ask('alice', gateway.url('/headers'), {
      headers: [`Cookie: theme=dark; ${cookie}; lang=de`],
    });
    const fields = new Map<string, string>(JSON.parse(body));
    assert.equal(fields.get('X-Authenticated-User'), 'CORP\\alice');
    assert.equal(fields.get('Authorization'), undefined);
    assert.equal(fields.get('Cookie'), 'theme=dark; lang=de');
  });

  test('identity headers that curl forges beside a good ticket do not arrive', async () => {
    const headers = [
      'X-Authenticated-User: CORP\\root',
      'X_Authenticated_User: CORP\\root',
      'X-Authenticated-Groups: Domain Admins',
    ];
    const { body } = await ask('alice', gateway.url('/headers'), { headers });
    assert.doesNotMatch(body, /root|Domain Admins/);
    assert.match(body, /CORP\\\\alice/);
  });

  test("bob gets a page that says no on the path of alice's group, and the reason is in the audit log", async () => {
    assert.equal((await ask('alice', gateway.url('/reports/'))).status, 200);
    const { status, body } = await ask('bob', gateway.url('/reports/'), { headers: asBrowser });
    assert.equal(status, 403);
    assert.match(body, /signed in as <strong>CORP\\bob<\/strong>/);
    const { reason, account, path } = gateway.audit('refused').at(-1) ?? {};
    assert.deepEqual({ reason, account, path }, { reason: 'module-missing', account: 'CORP\\bob', path: '/reports/' });
  });

  test('bob, as a program, gets JSON', async () => {
    const { status, body } = await ask('bob', gateway.url('/reports/'));
    assert.equal(status, 403);
    assert.equal(JSON.parse(body).error, 'not-allowed');
  });

  test('a person in 400 groups signs on: all names arrive, and the cookie fits into 4,096 bytes', async () => {
    const { status, headers, body } = await ask('biguser', gateway.url('/api/whoami'));
    assert.equal(status, 200);
    const groups: readonly string[] = JSON.parse(body).groups;
    assert.equal(groups.filter((name) => name.startsWith('big-group-')).length, 400);
    assert.ok(Buffer.byteLength(headers.get('set-cookie')?.[0] ?? '') < 4096);
  });

  test('a person in 400 groups comes back with the cookie alone, and all names arrive again', async () => {
    const cookie = (await ask('biguser', gateway.url('/'))).headers.get('set-cookie')?.[0]?.split(';')[0] ?? '';
    const { body } = await ask(undefined, gateway.url('/api/whoami'), { headers: [`Cookie: ${cookie}`] });
    assert.equal(JSON.parse(body).groups.length, 401);
  });

  test('names that are not ASCII arrive intact, percent-encoded', async () => {
    assert.equal((await whoami('carol'))['name'], 'Кэрол Łukasińska-陳');
    const { user, upn, name, groups } = await whoami('jürgen');
    assert.deepEqual(
      { user, upn, name, groups },
      {
        user: 'CORP\\jürgen',
        upn: 'jürgen@corp.example',
        name: 'Jürgen Müller',
        groups: ['Domain Users', 'Ökonomie-経理'],
      },
    );
  });

  test('names that are not ASCII arrive intact, as UTF-8', async () => {
    const headersOf = async (user: string): Promise<ReadonlyMap<string, string>> => {
      const { body } = await ask(user, gateway.url('/headers', 'desk.corp.example'));
      const pairs: readonly [string, string][] = JSON.parse(body);
      // Node reads header bytes as latin1.
      return new Map(pairs.map(([name, value]) => [name, Buffer.from(value, 'latin1').toString('utf8')]));
    };
    const carol = await headersOf('carol');
    assert.equal(carol.get('X-Authenticated-Name'), 'Кэрол Łukasińska-陳');
    const jürgen = await headersOf('jürgen');
    assert.equal(jürgen.get('X-Authenticated-User'), 'CORP\\jürgen');
    assert.equal(jürgen.get('X-Authenticated-Groups'), 'Domain Users,Ökonomie-経理');
  });

  test('a person without a ticket gets a 401 page with the sign-in form', async () => {
    const { status, headers, body } = await ask(undefined, gateway.url('/reports/'), { headers: asBrowser });
    assert.equal(status, 401);
    assert.deepEqual(headers.get('www-authenticate'), ['Negotiate']);
    assert.match(body, /<form method="post" action="\/auth\/login">/);
    assert.match(body, /name="return" value="\/reports\/"/);
  });

  for (const user of ['dave', 'erin', 'frank'])
    test(`${user}, whose account is blocked, cannot get a ticket in the first place`, async () => {
      await assert.rejects(kinit(user), /Cannot run \/usr\/bin\/kinit/);
    });

  test('a service whose account has AES128 alone signs on', async () => {
    const { status, body } = await ask('alice', gateway.url('/api/whoami', 'aes128.corp.example'));
    assert.equal(status, 200);
    assert.equal(JSON.parse(body).user, 'CORP\\alice');
  });

  const refusals = [
    ['rc4.corp.example', 'rc4-refused', /msDS-SupportedEncryptionTypes|AES/],
    ['stale.corp.example', 'key-version', /export/],
    ['other.corp.example', 'wrong-service', /HTTP\/other\.corp\.example/],
  ] as const;
  for (const [host, reason, advice] of refusals)
    test(`a ticket for ${host} is refused as ${reason}: 401 for the client, advice for the administrator`, async () => {
      const { status, body } = await ask('alice', gateway.url('/api/whoami', host));
      assert.equal(status, 401);
      assert.equal(JSON.parse(body).error, 'sign-in-failed');
      assert.doesNotMatch(body, new RegExp(reason));
      const event = gateway.audit('sign-in-failed').at(-1);
      assert.equal(event?.['reason'], reason);
      assert.match(String(event?.['detail']), advice);
    });

  test('/auth/me signs on and knows the modules that the groups open', async () => {
    const { status, body } = await ask('alice', gateway.url('/auth/me'));
    assert.equal(status, 200);
    const { account, modules, method } = JSON.parse(body);
    assert.deepEqual(
      { account, modules, method },
      { account: 'CORP\\alice', modules: ['Reports'], method: 'negotiate' },
    );
  });

  test('an upload of 3 MB by somebody who is not signed in yet arrives whole', async () => {
    const file = join(directory, `upload-${process.pid}`);
    const bytes = randomBytes(3_000_000);
    writeFileSync(file, bytes);
    const { status, body } = await ask('alice', gateway.url('/upload'), { args: ['-T', file] });
    rmSync(file);
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body), { bytes: 3_000_000, sha256: createHash('sha256').update(bytes).digest('hex') });
  });
});
