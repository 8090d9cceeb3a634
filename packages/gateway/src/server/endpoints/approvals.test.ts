import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approvalTokens } from '../../auth/approval.ts';
import { parseJobPattern } from '../../policy/job-pattern.ts';
import { KeyRing, newMasterKey } from '../../tokens/key-ring.ts';
import { sealer } from '../../tokens/seal.ts';
import { type ApprovalsOptions, giveApproval } from './approvals.ts';
import { aLive, anApp, anIdentity, aPassing, aPlan, appAt, call } from './endpoints-testing.ts';

const lifetimeMs = 600_000;
const tokens = approvalTokens(sealer(new KeyRing([newMasterKey(0)]), 'approval'), lifetimeMs);
const desk = anApp('desk', '/', aPlan(['password'], ['api_key', 'trusted_header', 'bearer']));
const wiki = anApp('wiki', '/wiki', aPlan(['entra'], []));
const bob = anIdentity({ subject: 'password:bob', account: 'CORP\\bob', groups: ['Approvers'] });

function action(name: string, app: string, path: string) {
  const parsed = parseJobPattern(path);
  assert.ok(parsed.kind === 'ok');
  return { action: name, app, method: 'POST', pattern: parsed.pattern };
}
const actions = [
  action('approve', 'desk', '/api/jobs/{job}/approve'),
  action('reject', 'desk', '/api/jobs/{job}/reject'),
  action('publish', 'wiki', '/wiki/{job}/publish'),
  action('approve', 'elsewhere', '/api/jobs/{job}/approve'),
];

const ask = (body: unknown, who = aLive(bob), options: Partial<ApprovalsOptions> = {}) =>
  call(
    giveApproval({ tokens, lifetimeMs, actions, approvers: ['approvers'], appAt: appAt([desk, wiki]), ...options }),
    desk,
    who,
    body,
  );

test('giveApproval() gives an approver a token for one action on one job', async () => {
  const { status, body, headers, events } = await ask({ job: '7', action: 'approve' });
  assert.equal(status, 200);
  assert.deepEqual([body['app'], body['job'], body['action'], body['expires_in']], ['desk', '7', 'approve', 600]);
  assert.equal(headers.get('cache-control'), 'no-store');
  const opened = tokens.open(String(body['token']));
  assert.deepEqual([opened?.app, opened?.job, opened?.action], ['desk', '7', 'approve']);
  assert.equal(opened?.approver.identity.account, 'CORP\\bob');
  assert.deepEqual(events, [{ kind: 'approval-given', action: 'approve', job: '7', reason: undefined }]);
});

test('giveApproval() takes app and path when they agree with the action', async () => {
  const body = { app: 'desk', job: '7', action: 'reject', path: '/api/jobs/7/reject' };
  assert.equal((await ask(body)).status, 200);
});

for (const [what, body, error] of [
  ['without a job', { action: 'approve' }, 'bad-job'],
  ['for a job that is a path', { job: '../7', action: 'approve' }, 'bad-job'],
  ['for every job', { job: '*', action: 'approve' }, 'bad-job'],
  ['without an action', { job: '7' }, 'unknown-action'],
  ['for an action that there is not', { job: '7', action: 'delete' }, 'unknown-action'],
  ['for an action in capitals', { job: '7', action: 'Approve' }, 'unknown-action'],
  ['for another app', { job: '7', action: 'approve', app: 'wiki' }, 'unknown-action'],
  ['for an app that answers on another host', { job: '7', action: 'approve', app: 'elsewhere' }, 'unknown-action'],
  ['for the path of another job', { job: '7', action: 'approve', path: '/api/jobs/8/approve' }, 'unknown-action'],
  ['for the path of another action', { job: '7', action: 'approve', path: '/api/jobs/7/reject' }, 'unknown-action'],
  ['with an approver of its own', { job: '7', action: 'approve', approver: 'CORP\\carol' }, 'bad-request'],
] as const)
  test(`giveApproval() gives no token ${what}`, async () => {
    const answer = await ask(body);
    assert.deepEqual([answer.status, answer.body['error'], answer.body['token']], [400, error, undefined]);
  });

const refused = async (who: ReturnType<typeof aLive>, options: Partial<ApprovalsOptions> = {}) => {
  const answer = await ask({ job: '7', action: 'approve' }, who, options);
  assert.deepEqual([answer.status, answer.body['token']], [403, undefined]);
  return answer.events.map((event) => ('reason' in event ? `${event.kind} ${event.reason}` : event.kind));
};

test('giveApproval() refuses who is in none of the groups, and writes it down', async () => {
  assert.deepEqual(await refused(aLive({ ...bob, groups: ['risk-team'] })), ['approval-refused not-an-approver']);
});

test('giveApproval() refuses everybody when there are no approvers', async () => {
  assert.deepEqual(await refused(aLive(bob), { approvers: [] }), ['approval-refused not-an-approver']);
});

for (const method of ['api_key', 'bearer', 'stream_token'])
  test(`giveApproval() refuses a program with ${method}, whatever its groups`, async () => {
    assert.deepEqual(await refused(aPassing({ ...bob, method })), ['approval-refused not-a-person']);
  });

test('giveApproval() takes a person for whom a proxy speaks', async () => {
  const { status } = await ask({ job: '7', action: 'approve' }, aPassing({ ...bob, method: 'trusted_header' }));
  assert.equal(status, 200);
});

test('giveApproval() refuses a sign-in that the app of the job does not take', async () => {
  const answer = await ask({ job: '7', action: 'publish' });
  assert.deepEqual([answer.status, answer.events.length], [403, 1]);
  assert.equal((await ask({ job: '7', action: 'publish' }, aLive(bob, 'entra'))).status, 200);
});
