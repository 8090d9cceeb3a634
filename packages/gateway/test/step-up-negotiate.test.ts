/** Step-up by a fresh Kerberos ticket, and groups that a ticket without PAC does not tell; see `negotiate.test.ts`. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { encodeKeytab } from '@cardea/kerberos';
import { createAccount, issueTicket, makeRequest, type TicketBend } from '../../kerberos/test/initiator.ts';
import { asBrowser, send, sessionOf, startTestGateway, type TestGateway } from './harness.ts';

const account = createAccount();
const sid = (rid: number): string => `S-1-5-21-1004336348-1177238915-682003330-${rid}`;

suite('rules about Windows sign-ins', () => {
  let now = Date.now();
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({
      now: () => now,
      files: { 'http.keytab': encodeKeytab(account.entries) },
      config: (upstream) => `
sign_in: [{ negotiate: { keytab: http.keytab } }]
directory: { groups: { ${sid(1105)}: team-ai, ${sid(9999)}: contractors } }
apps:
  - name: desk
    host: 127.0.0.1
    upstream: ${upstream}
    rules:
      - { path: /api/whoami, groups: [team-ai], max_age: 15m }
      - { path: /staff/**, not: { groups: [contractors] } }
      - { path: /**, signed_in: true }
`,
    });
  });
  after(() => gateway.close());

  const token = (bend?: TicketBend): string =>
    `Negotiate ${Buffer.from(makeRequest(issueTicket(account, now, bend), now).token).toString('base64')}`;
  const get = (path: string, headers: Readonly<Record<string, string>>) =>
    send(`${gateway.origin}${path}`, { headers });

  test('an old session is challenged, and a fresh ticket beside its cookie goes on and begins another session', async () => {
    const first = await get('/api/whoami', { Authorization: token() });
    assert.equal(first.status, 200);
    const cookie = sessionOf(first);
    now += 16 * 60_000;
    for (const kind of [{}, asBrowser]) {
      const challenged = await get('/api/whoami', { ...kind, Cookie: cookie });
      assert.equal(challenged.status, 401);
      assert.equal(challenged.headers['www-authenticate'], 'Negotiate');
    }
    const again = await get('/api/whoami', { Cookie: cookie, Authorization: token() });
    assert.equal(again.status, 200);
    assert.notEqual(sessionOf(again), '');
    assert.notEqual(sessionOf(again), cookie);
    assert.equal((await get('/api/whoami', { Cookie: sessionOf(again) })).status, 200);
  });

  test('an old session with a bad ticket beside its cookie does not go on', async () => {
    const cookie = sessionOf(await get('/api/whoami', { Authorization: token() }));
    now += 16 * 60_000;
    const { status } = await get('/api/whoami', { Cookie: cookie, Authorization: 'Negotiate AAAA' });
    assert.equal(status, 401);
  });

  test('a ticket without PAC does not get around a rule that keeps a group out', async () => {
    assert.equal((await get('/staff/x', { Authorization: token() })).status, 404);
    const without = await get('/staff/x', { Authorization: token({ pac: 'none' }) });
    assert.equal(without.status, 403);
    assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'groups-unknown');
  });
});
