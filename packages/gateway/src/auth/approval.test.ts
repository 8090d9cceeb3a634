import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../core/identity.ts';
import { parseJobPattern } from '../policy/job-pattern.ts';
import { KeyRing, newMasterKey } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import { type ApprovalOptions, approval, approvalTokens, approvedFieldNames } from './approval.ts';
import type { Credentials, Outcome } from './authenticator.ts';
import { credentials } from './credentials-testing.ts';
import { startSession } from './session.ts';

const now = 1_789_000_000_000;
const minute = 60_000;
const tokens = approvalTokens(sealer(new KeyRing([newMasterKey(0)]), 'approval'), 10 * minute);

const bob: Identity = {
  subject: 'S-1-5-21-1-2-3-1104',
  account: 'CORP\\böb',
  upn: undefined,
  name: 'Bob',
  email: undefined,
  sids: ['S-1-5-21-1-2-3-512'],
  groups: ['approvers'],
  method: 'negotiate',
  authenticatedAt: now - minute,
  expiresAt: now + 60 * minute,
};
const session = startSession(bob, now - minute, { provider: 'negotiate', providerSession: 'sid-1' });

function action(name: string, method: string, path: string) {
  const parsed = parseJobPattern(path);
  assert.ok(parsed.kind === 'ok');
  return { action: name, app: 'desk', method, pattern: parsed.pattern };
}
const actions = [
  action('approve', 'POST', '/api/jobs/{job}/approve'),
  action('reject', 'POST', '/api/jobs/{job}/reject'),
  action('delete', 'DELETE', '/api/jobs/{job}'),
];

const issued = tokens.issue({ app: 'desk', job: '7', action: 'approve' }, session, now);

const ask = async (carried: Partial<Credentials> = {}, options: Partial<ApprovalOptions> = {}): Promise<Outcome> =>
  approval({ tokens, actions, claims: { claim: () => true }, isRevoked: () => false, ...options }).authenticate(
    credentials({
      now,
      app: 'desk',
      method: 'POST',
      path: '/api/jobs/7/approve',
      fields: ['X-Approval-Token', issued],
      ...carried,
    }),
  );

const reason = (outcome: Outcome): string => (outcome.kind === 'rejected' ? outcome.reason : outcome.kind);

test('approval() accepts a token for its job and action, and tells the app who approved what', async () => {
  const outcome = await ask();
  assert.equal(outcome.kind, 'accepted');
  assert.deepEqual(outcome.kind === 'accepted' && outcome.fields, [
    'X-Approved-By',
    'CORP\\b%C3%B6b',
    'X-Approved-Job',
    '7',
    'X-Approved-Action',
    'approve',
  ]);
});

test('approvedFieldNames has every name that an app is told by', async () => {
  const outcome = await ask();
  const fields = outcome.kind === 'accepted' ? (outcome.fields ?? []) : [];
  assert.deepEqual(
    fields.filter((_, i) => i % 2 === 0),
    approvedFieldNames,
  );
});

test('approval() leaves a request without a token to other methods', async () => {
  assert.deepEqual(await ask({ fields: ['X-Approval', issued] }), { kind: 'absent' });
});

for (const [what, carried, why] of [
  ['for another job', { path: '/api/jobs/8/approve' }, 'approval-other-job'],
  ['for another action', { path: '/api/jobs/7/reject' }, 'approval-other-action'],
  ['for another action by its method', { method: 'DELETE', path: '/api/jobs/7' }, 'approval-other-action'],
  ['with another method', { method: 'PUT' }, 'approval-not-here'],
  ['at a path that is no action', { path: '/api/jobs/7' }, 'approval-not-here'],
  ['at a respelled path', { path: '/api/jobs/7/Approve' }, 'approval-not-here'],
  ['at a path with parameters', { path: '/api/jobs/7;x/approve' }, 'approval-not-here'],
  ['in another app', { app: 'wiki' }, 'approval-other-app'],
  ['from its end on', { now: now + 10 * minute }, 'approval-expired'],
  ['empty', { fields: ['X-Approval-Token', ''] }, 'approval-invalid'],
  [
    'altered',
    { fields: ['X-Approval-Token', issued.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'))] },
    'approval-invalid',
  ],
  ['twice', { fields: ['X-Approval-Token', issued, 'X-Approval-Token', issued] }, 'approval-repeated'],
  ['under an alias', { fields: ['X_Approval_Token', issued] }, 'approval-repeated'],
] as const)
  test(`approval() refuses a token ${what}`, async () => assert.equal(reason(await ask(carried)), why));

test('approval() is spent by one claim, and not before somebody asks for it', async () => {
  const claimed: string[] = [];
  const outcome = await ask({}, { claims: { claim: (key) => claimed.push(key) === 1 } });
  assert.deepEqual(claimed, []);
  assert.ok(outcome.kind === 'accepted');
  assert.equal(await outcome.spend?.(), true);
  assert.equal(await outcome.spend?.(), false);
  assert.match(claimed[0] ?? '', /^approval:[\w-]{22}$/);
  assert.equal(claimed[0], claimed[1]);
});

test("approval() refuses a token whose approver's sign-in was revoked, and asks about that very sign-in", async () => {
  const asked: unknown[] = [];
  const outcome = await ask(
    {},
    { isRevoked: (about) => asked.push([about.id, about.provider, about.providerSession]) > 0 },
  );
  assert.equal(reason(outcome), 'approval-revoked');
  assert.deepEqual(asked, [[session.id, 'negotiate', 'sid-1']]);
});

test('approvalTokens() keeps the approver without groups, so that the token fits into a field', () => {
  const sids = Array.from({ length: 500 }, (_, i) => `S-1-5-21-${i}-${i * 7}-${i * 11}-${i}`);
  const large = tokens.issue({ app: 'desk', job: '7', action: 'approve' }, startSession({ ...bob, sids }, now), now);
  assert.ok(large.length < 500);
  assert.deepEqual(tokens.open(large)?.approver.identity, { ...bob, sids: [], groups: [] });
});

test('approvalTokens() makes no token that outlives the sign-in of the approver', () => {
  const short = startSession({ ...bob, expiresAt: now + minute }, now);
  assert.equal(tokens.open(tokens.issue({ app: 'desk', job: '7', action: 'a' }, short, now))?.expiresAt, now + minute);
});

test('approval() looks at the first action that fits: one that fits behind it approves nothing', async () => {
  const both = [action('reject', 'POST', '/api/jobs/{job}/approve'), ...actions];
  assert.equal(reason(await ask({}, { actions: both })), 'approval-other-action');
});
