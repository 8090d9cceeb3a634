/** Silent sign-on through the whole gateway, without the lab: tickets come from the small KDC of the kerberos package's tests. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { encodeKeytab } from '@cardea/kerberos';
import {
  createAccount,
  issueTicket,
  makeRequest,
  type RequestBend,
  type TicketBend,
} from '../../kerberos/test/initiator.ts';
import { asBrowser, sessionOf, openSocket, send, startTestGateway, type TestGateway, usersFile } from './harness.ts';

const account = createAccount();
const keytab = encodeKeytab(account.entries);
const sid = (rid: number): string => `S-1-5-21-1004336348-1177238915-682003330-${rid}`;
let folder: string;
let gateway: TestGateway;
let now = Date.now();

const start = async (): Promise<TestGateway> =>
  startTestGateway({
    folder,
    now: () => now,
    files: { 'http.keytab': keytab, 'users.yaml': await usersFile({ visitor: [] }) },
    config: (upstream) => `
sign_in:
  - negotiate: { keytab: http.keytab }
  - password: { users: users.yaml }
directory: { groups: { ${sid(1105)}: team-ai, ${sid(1200)}: desk } }
roles: { analyst: { groups: [team-ai], modules: [Reports] } }
apps:
  - name: sample
    host: 127.0.0.1
    upstream: ${upstream}
    rules:
      - { path: /reports/**, groups: [board] }
      - { path: /api/public/**, public: true }
      - { path: /**, signed_in: true }
`,
  });

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cardea-negotiate-'));
  gateway = await start();
});
after(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

const token = (bend?: TicketBend, request?: RequestBend): string =>
  `Negotiate ${Buffer.from(makeRequest(issueTicket(account, now, bend), now, request).token).toString('base64')}`;

const whoami = (authorization: string) =>
  send(`${gateway.origin}/api/whoami`, { headers: { Authorization: authorization } });

test('a page without a session is challenged, and the body is the page with the other ways in', async () => {
  const response = await send(`${gateway.origin}/`, { headers: asBrowser });
  assert.equal(response.status, 401);
  assert.equal(response.headers['www-authenticate'], 'Negotiate');
  assert.match(response.body, /<form method="post" action="\/auth\/login">/);
});

test('a path for everybody asks nobody to sign in, whatever credential is sent', async () => {
  const attempts = gateway.audit('sign-in-failed').length;
  const headers = { Authorization: 'Negotiate AAAA' };
  const response = await send(`${gateway.origin}/api/public/any`, { headers });
  assert.notEqual(response.status, 401);
  assert.equal(gateway.audit('sign-in-failed').length, attempts);
});

test('an API call and an upgrade without a session are challenged as well', async () => {
  assert.equal((await send(`${gateway.origin}/api/whoami`)).headers['www-authenticate'], 'Negotiate');
  const handshake = await openSocket(`${gateway.origin}/ws`);
  assert.equal(handshake.kind === 'refused' && handshake.headers['www-authenticate'], 'Negotiate');
});

test('a ticket signs on: account, UPN, name and the groups that the table names arrive', async () => {
  const { status, body } = await whoami(token());
  assert.equal(status, 200);
  const { user, upn, name, groups, roles } = JSON.parse(body);
  assert.deepEqual(
    { user, upn, name, groups, roles },
    {
      user: 'CORP\\alice',
      upn: 'alice@corp.example',
      name: 'Alice Example',
      groups: ['team-ai', 'desk'],
      roles: ['analyst'],
    },
  );
});

test('the first success gives a session, and the app never sees the ticket', async () => {
  const response = await send(`${gateway.origin}/headers`, { headers: { Authorization: token() } });
  assert.equal(new Map<string, string>(JSON.parse(response.body)).get('Authorization'), undefined);
  const signIns = gateway.audit('sign-in').length;
  const again = await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: sessionOf(response) } });
  assert.equal(JSON.parse(again.body).user, 'CORP\\alice');
  assert.equal(gateway.audit('sign-in').length, signIns);
});

test('the app keeps an Authorization field that was not meant for the gateway', async () => {
  const session = sessionOf(await whoami(token()));
  const response = await send(`${gateway.origin}/headers`, {
    headers: { Cookie: session, Authorization: 'Bearer of-the-app' },
  });
  assert.equal(new Map<string, string>(JSON.parse(response.body)).get('Authorization'), 'Bearer of-the-app');
});

test('mutual authentication is answered', async () => {
  const response = await whoami(token({}, { mutual: true }));
  assert.match(response.headers['www-authenticate'] ?? '', /^Negotiate [A-Za-z0-9+/]+=*$/);
});

test('a ticket signs on upon the WebSocket upgrade itself, and the 101 carries the session', async () => {
  const handshake = await openSocket(`${gateway.origin}/ws`, { Authorization: token() });
  assert.equal(handshake.kind, 'open');
  if (handshake.kind !== 'open') return;
  assert.equal(JSON.parse(await handshake.first).visitor.user, 'CORP\\alice');
  assert.match(handshake.cookies[0] ?? '', /^cardea=/);
  handshake.socket.terminate();
});

test('a person without the group gets 403 and keeps the session', async () => {
  const response = await send(`${gateway.origin}/reports/`, { headers: { ...asBrowser, Authorization: token() } });
  assert.equal(response.status, 403);
  assert.match(sessionOf(response), /^cardea=/);
});

test('one token from fifty connections at once signs on exactly once', async () => {
  const one = token();
  const answers = await Promise.all(Array.from({ length: 50 }, () => whoami(one)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.filter(({ status }) => status === 401).length, 49);
  assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'replay');
});

test('a token that was used is still refused after a restart', async () => {
  const one = token();
  assert.equal((await whoami(one)).status, 200);
  await gateway.close();
  gateway = await start();
  assert.equal((await whoami(one)).status, 401);
  assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'replay');
});

test('another site cannot cause a sign-in by a WebSocket', async () => {
  const signIns = gateway.audit('sign-in').length;
  const handshake = await openSocket(`${gateway.origin}/ws`, {
    Authorization: token(),
    Origin: 'https://evil.example',
  });
  assert.equal(handshake.kind === 'refused' && handshake.status, 403);
  assert.equal(gateway.audit('sign-in').length, signIns);
});

const refusals: readonly (readonly [name: string, reason: string, authorization: () => string])[] = [
  ['an expired ticket', 'ticket-expired', () => token({ part: { endTime: now - 600_000 } })],
  ['a clock that is six minutes off', 'clock-skew', () => token({}, { part: { ctime: now - 360_000 } })],
  ['a ticket under an unknown key version', 'key-version', () => token({ kvno: 7 })],
  ['an altered ticket', 'integrity', () => token({ key: createAccount().key(18) })],
  ['something that is no token', 'token-malformed', () => 'Negotiate AAAA'],
  ['something that is not base64', 'token-malformed', () => 'Negotiate ?'],
];
for (const [name, reason, authorization] of refusals) {
  test(`${name} is refused with 401, and the reason is in the audit log alone`, async () => {
    const response = await whoami(authorization());
    assert.equal(response.status, 401);
    assert.ok(!response.body.includes(reason));
    assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], reason);
  });
}

test('when replays cannot be told nobody is signed on, and good sessions go on', async () => {
  // A gateway of its own, whose table of used tokens is taken away under its feet.
  const own = await startTestGateway({
    files: { 'http.keytab': keytab },
    now: () => now,
    config: (upstream) => `
sign_in: [{ negotiate: { keytab: http.keytab } }]
apps: [{ name: sample, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }] }]
`,
  });
  try {
    const good = sessionOf(await send(`${own.origin}/api/whoami`, { headers: { Authorization: token() } }));
    own.database().exec('DROP TABLE replay');
    assert.equal((await send(`${own.origin}/api/whoami`, { headers: { Authorization: token() } })).status, 503);
    assert.equal((await send(`${own.origin}/api/whoami`, { headers: { Cookie: good } })).status, 200);
  } finally {
    await own.close();
  }
});

test('a ticket is good for as long as its clock says, by the clock of the gateway', async () => {
  const late = token();
  now += 301_000 + 1_000;
  assert.equal((await whoami(late)).status, 401);
});
