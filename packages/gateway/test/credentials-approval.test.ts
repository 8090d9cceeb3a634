/** Approvals by way of the whole gateway: one credential says which program asks, the other one who has decided. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { idOf, makeKey, postJson, reasons, startWatched, type WatchedGateway } from './credentials.ts';
import { send, signIn, signOut, type TestResponse, usersFile, withCsrf } from './harness.ts';

const config = (upstream: string): string => `
sign_in:
  - password: { users: users.yaml }
  - api_key: {}
  - approval:
      approvers: [approvers]
      actions:
        - { action: approve, app: documents, path: "/api/jobs/{job}/approve" }
        - { action: reject, app: documents, path: "/api/jobs/{job}/reject" }
        - { action: approve, app: archive, path: "/archive/api/jobs/{job}/approve" }
apps:
  - name: documents
    host: 127.0.0.1
    upstream: "${upstream}"
    rules:
      - { path: /api/jobs/*/approve, credentials: [api_key, approval] }
      - { path: /api/jobs/*/reject, credentials: [api_key, approval] }
      - { path: /**, signed_in: true }
  - name: archive
    host: 127.0.0.1
    path: /archive
    upstream: "${upstream}"
    rules: [{ path: /archive/api/jobs/*/approve, credentials: [api_key, approval] }]
`;

let gateway: WatchedGateway;
let key: string;
let alice: Person;
let bob: Person;
const secrets: string[] = [];
type Person = Readonly<Record<'Cookie' | 'X-CSRF-Token', string>>;

const signedIn = async (name: string): Promise<Person> => withCsrf(gateway.origin, await signIn(gateway.origin, name));

before(async () => {
  gateway = await startWatched({
    files: { 'users.yaml': await usersFile({ alice: ['traders'], bob: ['approvers'] }) },
    config,
  });
  key = await makeKey(gateway.folder, 'nightly', '--group', 'approvers');
  alice = await signedIn('alice');
  bob = await signedIn('bob');
  secrets.push(key, alice.Cookie.split('=')[1] ?? '', bob.Cookie.split('=')[1] ?? '');
});
after(() => gateway.close());

const ask = (body: object, headers: Readonly<Record<string, string>>): Promise<TestResponse> =>
  postJson(`${gateway.origin}/auth/approvals`, body, headers);

/** A token of bob's. */
async function approved(job: string, action = 'approve', more: object = { app: 'documents' }): Promise<string> {
  const { status, body } = await ask({ job, action, ...more }, bob);
  assert.equal(status, 200, body);
  const { token } = JSON.parse(body);
  secrets.push(String(token));
  return String(token);
}
const carryOut = async (path: string, headers: Readonly<Record<string, string>>, method = 'POST'): Promise<number> =>
  (await send(`${gateway.origin}${path}`, { method, headers })).status;
const both = (token: string): Readonly<Record<string, string>> => ({ 'X-API-Key': key, 'X-Approval-Token': token });
/** What the app answers to a path that it does not know: the request has got through. */
const through = 404;

test('a program with a key carries out what an approver has approved, and the app learns who and what', async () => {
  const token = await approved('7');
  gateway.forget();
  assert.equal(await carryOut('/api/jobs/7/approve', both(token)), through);
  const got = gateway.received();
  assert.match(got, /\r\nX-Authenticated-User: key:nightly\r\n/);
  assert.match(got, /\r\nX-Approved-By: CORP(?:\\|%5C)bob\r\n/);
  assert.match(got, /\r\nX-Approved-Job: 7\r\n/);
  assert.match(got, /\r\nX-Approved-Action: approve\r\n/);
  assert.doesNotMatch(got, /X-Approval-Token|X-API-Key/i);
});

test('who approved, what, and which key carried it out are in the audit log', async () => {
  const token = await approved('8');
  const path = '/api/jobs/8/approve';
  assert.equal(await carryOut(path, both(token)), through);
  assert.equal(await carryOut(path, both(token)), 401);
  const used = gateway.audit('approval-used').filter(({ job }) => job === '8');
  assert.deepEqual(
    used.map(({ action, approver, key: by, account, subject, app }) => ({
      action,
      approver,
      by,
      account,
      subject,
      app,
    })),
    [
      {
        action: 'approve',
        approver: 'CORP\\bob',
        by: idOf(key),
        account: 'key:nightly',
        subject: `api_key:${idOf(key)}`,
        app: 'documents',
      },
    ],
  );
  const given = gateway.audit('approval-given').find(({ job }) => job === '8');
  assert.deepEqual([given?.['account'], given?.['action']], ['CORP\\bob', 'approve']);
});

test('a person who is signed in beside the key is the one who asks, and the key is named all the same', async () => {
  const token = await approved('8b');
  assert.equal(await carryOut('/api/jobs/8b/approve', { ...both(token), Cookie: alice.Cookie }), through);
  const [used] = gateway.audit('approval-used').filter(({ job }) => job === '8b');
  assert.deepEqual([used?.['account'], used?.['approver'], used?.['key']], ['CORP\\alice', 'CORP\\bob', idOf(key)]);
});

test('either credential alone is refused, and so are others in the place of one, which spends nothing', async () => {
  const token = await approved('9');
  const path = '/api/jobs/9/approve';
  const from = gateway.audit('refused').length;
  assert.equal(await carryOut(path, { 'X-API-Key': key }), 403);
  assert.equal(await carryOut(path, { 'X-Approval-Token': token }), 401);
  assert.equal(await carryOut(path, { Cookie: alice.Cookie }), 403);
  assert.equal(await carryOut(path, { Cookie: bob.Cookie }), 403);
  assert.equal(await carryOut(path, { Cookie: bob.Cookie, 'X-Approval-Token': token }), 403);
  assert.deepEqual(new Set(reasons(gateway, 'refused', from)), new Set(['credential-missing']));
  assert.equal(await carryOut(path, both(token)), through);
});

test('an approval is good for its job, its action, its app and its method', async () => {
  const token = await approved('10');
  const from = gateway.audit('sign-in-failed').length;
  for (const [path, method] of [
    ['/api/jobs/11/approve', 'POST'],
    ['/api/jobs/10/reject', 'POST'],
    ['/archive/api/jobs/10/approve', 'POST'],
    ['/api/jobs/10/approve', 'PUT'],
    ['/api/jobs/10/approve/x', 'POST'],
    ['/api/whoami', 'GET'],
  ] as const)
    assert.equal(await carryOut(path, both(token), method), 401, `${method} ${path}`);
  assert.deepEqual(reasons(gateway, 'sign-in-failed', from), [
    'approval-other-job',
    'approval-other-action',
    'approval-other-app',
    'approval-not-here',
    'approval-not-here',
    'approval-not-here',
  ]);
  assert.equal(await carryOut('/api/jobs/10/approve', both(token)), through);
});

test('respelling the path of a job gets nobody around the approval', async () => {
  for (const path of ['/api/jobs/1/Approve', '/API/jobs/1/approve', '/api/jobs/1/approve/', '/api/jobs/1/%61pprove'])
    assert.equal(await carryOut(path, { 'X-API-Key': key }), 403, path);
});

test('an approval that was altered, or given twice, is refused', async () => {
  const token = await approved('12');
  const path = '/api/jobs/12/approve';
  assert.equal(await carryOut(path, both(`${token.slice(0, -8)}AAAAAAAA`)), 401);
  assert.equal(await carryOut(path, { ...both(token), X_Approval_Token: token }), 401);
  assert.equal(await carryOut(path, both(token)), through);
});

test('of 50 programs that use one approval at once, one wins', async () => {
  const token = await approved('13');
  const statuses = await Promise.all(Array.from({ length: 50 }, () => carryOut('/api/jobs/13/approve', both(token))));
  assert.deepEqual(
    [statuses.filter((one) => one === through).length, statuses.filter((one) => one === 401).length],
    [1, 49],
  );
  assert.equal(gateway.audit('approval-used').filter(({ job }) => job === '13').length, 1);
});

test('nobody but an approver gets a token, and nobody by the name of a program', async () => {
  const from = gateway.audit('approval-refused').length;
  assert.equal((await ask({ job: '1', action: 'approve', app: 'documents' }, alice)).status, 403);
  assert.equal((await ask({ job: '1', action: 'approve', app: 'documents' }, { 'X-API-Key': key })).status, 403);
  assert.equal((await ask({ job: '1', action: 'approve', app: 'documents' }, {})).status, 401);
  assert.deepEqual(
    gateway
      .audit('approval-refused')
      .slice(from)
      .map(({ reason }) => reason),
    ['not-an-approver', 'not-a-person'],
  );
});

test('a page of another site cannot make an approver approve', async () => {
  assert.equal((await ask({ job: '1', action: 'approve' }, { Cookie: bob.Cookie })).status, 403);
  const evil = { ...bob, Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
  assert.equal((await ask({ job: '1', action: 'approve' }, evil)).status, 403);
});

test('an app never sees who has approved something from anybody but us', async () => {
  const token = await approved('14');
  gateway.forget();
  const forged = {
    'X-Approved-By': 'CORP\\root',
    X_Approved_By: 'CORP\\root',
    'x-approved.job': 'root',
    'X-Approved-Action': 'root',
  };
  await carryOut('/api/whoami', { 'X-API-Key': key, ...forged }, 'GET');
  await carryOut('/api/jobs/14/approve', { ...both(token), ...forged });
  assert.doesNotMatch(gateway.received(), /root/);
  assert.match(gateway.received(), /X-Approved-Job: 14/);
});

test('an approval ends with the sign-in of who gave it', async () => {
  const cookie = await signIn(gateway.origin, 'bob');
  const { body } = await ask(
    { job: '15', action: 'approve', app: 'documents' },
    await withCsrf(gateway.origin, cookie),
  );
  const token = String(JSON.parse(body).token);
  secrets.push(token);
  await signOut(gateway.origin, cookie);
  assert.equal(await carryOut('/api/jobs/15/approve', both(token)), 401);
  assert.equal(reasons(gateway, 'sign-in-failed').at(-1), 'approval-revoked');
});

test('neither approvals nor keys can be read anywhere: not by the app, in a log, a metric or the database', async () => {
  assert.match(gateway.received(), /X-Approved-By/);
  assert.deepEqual(await gateway.leaks(secrets), []);
});

suite('with a clock', () => {
  test('an approval waits for as long as the configuration says', async () => {
    let later = 0;
    const timed = await startWatched({
      now: () => Date.now() + later,
      files: { 'users.yaml': await usersFile({ bob: ['approvers'] }) },
      config,
    });
    try {
      const program = await makeKey(timed.folder, 'nightly');
      const person = await withCsrf(timed.origin, await signIn(timed.origin, 'bob'));
      const body = { job: '1', action: 'approve', app: 'documents' };
      const answer = JSON.parse((await postJson(`${timed.origin}/auth/approvals`, body, person)).body);
      assert.equal(answer.expires_in, 600);
      later = 600_001;
      const headers = { 'X-API-Key': program, 'X-Approval-Token': String(answer.token) };
      const { status } = await send(`${timed.origin}/api/jobs/1/approve`, { method: 'POST', headers });
      assert.equal(status, 401);
      assert.deepEqual(reasons(timed, 'sign-in-failed'), ['approval-expired']);
    } finally {
      await timed.close();
    }
  });
});
