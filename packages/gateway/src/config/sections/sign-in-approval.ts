import { z } from 'zod';
import type { SchemaContext } from '../context.ts';
import { jobPath } from '../values/account.ts';
import { duration, group, refuse } from '../values/leaf.ts';
import { appName, method, word } from '../values/name.ts';

const action = () =>
  z.strictObject({
    action: word('approve').describe(
      'What it is called: in `POST /auth/approvals`, in the audit log and in `X-Approved-Action`.',
    ),
    app: appName().describe('The app whose requests these are.'),
    method: method().prefault('POST').describe('The HTTP method of the requests.'),
    path: jobPath().describe('Their path. `{job}` is the segment that names the job.'),
  });

/** Approvals, which count beside another credential. */
export const approval = (_context: SchemaContext) =>
  z
    .strictObject({
      approvers: z.array(group()).min(1).describe('Members of any of these groups may approve: names or SIDs.'),
      lifetime: duration('1m', '8h', '10m').prefault('10m').describe('How long an approval may wait to be used, once.'),
      actions: z
        .array(action())
        .min(1)
        .meta({ 'x-examples': [[{ action: 'approve', app: 'desk', path: '/api/jobs/{job}/approve' }]] })
        .describe('What can be approved. The first that fits a request is what the request does.'),
    })
    .check(({ value, issues }) => {
      const seen = new Map<string, number>();
      for (const [i, { app, method: verb, path }] of value.actions.entries()) {
        const before = seen.get(`${app} ${verb} ${path}`);
        if (before !== undefined)
          refuse({ issues }, `actions[${before}] has the same requests`, 'Give each action requests of its own.', [
            'actions',
            i,
            'path',
          ]);
        else seen.set(`${app} ${verb} ${path}`, i);
      }
    })
    .describe(
      'Requests that somebody has to approve first: a person of these groups gets a token for one action on one job from `POST /auth/approvals`, and a program sends it in `X-Approval-Token` beside its API key. Ask for both with `credentials: [api_key, approval]` in a rule.',
    );
