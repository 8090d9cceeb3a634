import type { ApprovableAction, ApprovalTokens } from '../../auth/approval.ts';
import { isJobName } from '../../policy/job-pattern.ts';
import { groupRef, isMember } from '../../policy/subject.ts';
import type { App } from '../apps.ts';
import type { Live } from '../live.ts';
import { jsonReply, toResponse } from '../replies.ts';
import { isTakenHere } from '../taken-here.ts';
import type { Endpoint } from './endpoint.ts';
import { readTexts } from './texts.ts';

export interface ApprovalsOptions {
  readonly tokens: ApprovalTokens;
  readonly lifetimeMs: number;
  readonly actions: readonly ApprovableAction[];
  /** Groups whose members may decide. An empty list is nobody. */
  readonly approvers: readonly string[];
  /** The app that answers for a path of a host. */
  readonly appAt: (host: string, path: string) => App | undefined;
}

/** Ways to sign in that show a person, though they come with each request. A key or a token may lie in any program. */
const ofPersons: ReadonlySet<string> = new Set(['trusted_header', 'client_certificate']);

/**
 * `POST /auth/approvals`: a person who may decide says yes to one action on one job, and gets the token that lets a program
 * with an API key carry it out, once.
 */
export function giveApproval(options: ApprovalsOptions): Endpoint {
  const approvers = options.approvers.map(groupRef);
  const mayDecide = ({ subject }: Live): boolean => approvers.some((group) => isMember(subject, group));
  return {
    path: '/approvals',
    methods: ['POST'],
    signIn: 'required',
    async handle(request, { context, live, record }) {
      const { now, host, requestId } = context;
      const refuse = (status: number, error: string, message: string): Response =>
        toResponse(jsonReply(status, { error, message, requestId }));
      if (live === undefined) return refuse(401, 'not-signed-in', 'Sign in first');
      const read = await readTexts(request, ['app', 'job', 'action', 'path']);
      if (read.kind === 'wrong') return refuse(read.status, 'bad-request', read.message);
      const [job = '', name = ''] = [read.texts.get('job'), read.texts.get('action')];
      const [asked, path] = [read.texts.get('app'), read.texts.get('path')];
      if (!isJobName(job)) return refuse(400, 'bad-job', 'job is missing, or no name of a job');

      const apps = options.actions.flatMap((action) => {
        const app = action.action === name ? appOf(action, job, host, options) : undefined;
        const meant = asked === undefined || asked === app?.name;
        return app !== undefined && meant && (path === undefined || action.pattern.jobOf(path) === job) ? [app] : [];
      });
      const [app] = apps;
      if (app === undefined)
        return refuse(400, 'unknown-action', 'No app of this host has this action (at this path, if one is given)');

      const isPerson = !live.passing || ofPersons.has(live.identity.method);
      const reason = !isPerson
        ? 'not-a-person'
        : !isTakenHere(app, live) || !mayDecide(live)
          ? 'not-an-approver'
          : undefined;
      record({ kind: reason === undefined ? 'approval-given' : 'approval-refused', action: name, job, reason });
      if (reason !== undefined) return refuse(403, 'not-allowed', 'This account may not approve this');
      const token = options.tokens.issue({ app: app.name, job, action: name }, live.session, now);
      return Response.json(
        {
          token,
          expires_in: Math.floor(Math.min(options.lifetimeMs, live.identity.expiresAt - now) / 1000),
          app: app.name,
          job,
          action: name,
        },
        { headers: { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } },
      );
    },
  };
}

/** The app of an action, when it answers on this host at the path that the action has for the job. */
function appOf(
  { app, pattern }: ApprovableAction,
  job: string,
  host: string,
  { appAt }: ApprovalsOptions,
): App | undefined {
  const found = appAt(host, pattern.pathOf(job));
  return found?.name === app ? found : undefined;
}
