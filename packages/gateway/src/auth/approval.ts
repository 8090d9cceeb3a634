/**
 * Approvals: somebody who may decide says yes to one action on one job, and a program
 * carries it out. The token says who, and what for; the API key beside it says which
 * program. Neither is enough alone: a rule asks for `credentials: [api_key, approval]`.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { JobPattern } from '../policy/job-pattern.ts';
import type { ReplayCache } from '../ports/replay-cache.ts';
import type { Sealer } from '../ports/sealer.ts';
import { encodeValue } from '../wire/identity-fields.ts';
import { ownField } from '../wire/own-field.ts';
import type { Authenticator, Credentials, Outcome, Rejected } from './authenticator.ts';
import { PackedReader, PackedWriter } from './packed.ts';
import { packSession, type Session, unpackSession } from './session.ts';

/** The field that carries a token, in lower case. */
const approvalField = 'x-approval-token';

/** The fields that tell an app who approved what. No client may send them: they belong to the names that are stripped. */
export const approvedFieldNames: readonly string[] = ['X-Approved-By', 'X-Approved-Job', 'X-Approved-Action'];

/** What somebody has approved. */
export interface Approval {
  readonly app: string;
  readonly job: string;
  /** The name that the configuration has for it. */
  readonly action: string;
}

/** Requests that are an action on a job. */
export interface ApprovableAction {
  readonly action: string;
  readonly app: string;
  readonly method: string;
  readonly pattern: JobPattern;
}

export interface ApprovalTokens {
  issue(approval: Approval, approver: Session, now: number): string;
  open(token: string): OpenedApproval | undefined;
}

export interface OpenedApproval extends Approval {
  /** Its number, for the one claim. */
  readonly number: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Without groups: they have been looked at when the approval was given. */
  readonly approver: Session;
}

const maxTokenLength = 4 * 1024;
const form = 1;

/** Makes and opens tokens. `sealer`: for the purpose `approval` alone. */
export function approvalTokens(sealer: Sealer, lifetimeMs: number): ApprovalTokens {
  return {
    issue({ app, job, action }, approver, now) {
      const identity = { ...approver.identity, groups: [], sids: [] };
      const packed = new PackedWriter();
      packed.number(form);
      packed.bytes(randomBytes(16));
      packed.number(Math.min(now + lifetimeMs, identity.expiresAt));
      packed.text(app);
      packed.text(job);
      packed.text(action);
      packed.bytes(packSession({ ...approver, identity, groupsFrom: 'session' }));
      return sealer.seal(packed.end());
    },

    open(token) {
      const plain = token.length <= maxTokenLength ? sealer.open(token) : undefined;
      try {
        return plain && read(new PackedReader(plain));
      } catch {
        return undefined; // sealed by another version of Cardea
      }
    },
  };
}

function read(packed: PackedReader): OpenedApproval | undefined {
  if (packed.number() !== form) return undefined;
  const number = Buffer.from(packed.bytes()).toString('base64url');
  const expiresAt = packed.number();
  const app = packed.text();
  const job = packed.text();
  const action = packed.text();
  const approver = unpackSession(packed.bytes());
  packed.end();
  return approver && { number, expiresAt, app, job, action, approver };
}

export interface ApprovalOptions {
  readonly id?: string;
  readonly tokens: ApprovalTokens;
  /** The first one that fits a request is what the request does. */
  readonly actions: readonly ApprovableAction[];
  readonly claims: Pick<ReplayCache, 'claim'>;
  /** Whether the approver's sign-in has been revoked since. */
  readonly isRevoked: (approver: Session, now: number) => boolean | Promise<boolean>;
}

/** Approvals as an additional credential. The identity that comes with one is the approver's, who is not the one who asks. */
export function approval(options: ApprovalOptions): Authenticator {
  const { tokens, actions } = options;
  return {
    id: options.id ?? 'approval',
    kind: 'approval',
    scope: 'request',
    challenge: undefined,
    ownFields: [approvalField],

    authenticate(credentials: Credentials): Outcome | Promise<Outcome> {
      const field = ownField(credentials.fields, approvalField);
      if (field.kind === 'none') return { kind: 'absent' };
      if (field.kind === 'ambiguous')
        return rejected('approval-repeated', 'there is more than one X-Approval-Token field, or a misspelled one');
      const opened = tokens.open(field.value);
      if (opened === undefined) return rejected('approval-invalid', 'the approval token was not made here, or altered');
      return faultOf(opened, actions, credentials) ?? accepted(opened, options, credentials.now);
    },
  };
}

function faultOf(
  token: OpenedApproval,
  actions: readonly ApprovableAction[],
  { app, method, path, now }: Credentials,
): Rejected | undefined {
  if (now >= token.expiresAt) return rejected('approval-expired', 'the approval has expired');
  if (app !== token.app) return rejected('approval-other-app', `the approval is for ${token.app}, not for ${app}`);
  for (const action of actions) {
    const job = action.app === app && action.method === method ? action.pattern.jobOf(path) : undefined;
    if (job === undefined) continue;
    if (action.action !== token.action)
      return rejected('approval-other-action', `the approval is for ${token.action}, not for ${action.action}`);
    if (job !== token.job)
      return rejected('approval-other-job', `the approval is for job ${token.job}, not for ${job}`);
    return undefined;
  }
  return rejected('approval-not-here', 'the request is no action that the configuration lets anybody approve');
}

async function accepted(token: OpenedApproval, { isRevoked, claims }: ApprovalOptions, now: number): Promise<Outcome> {
  const { approver, number, expiresAt, job, action } = token;
  if (await isRevoked(approver, now)) return rejected('approval-revoked', "the approver's sign-in has been revoked");
  const [by = '', about = '', what = ''] = approvedFieldNames;
  return {
    kind: 'accepted',
    identity: approver.identity,
    spend: () => claims.claim(`approval:${number}`, expiresAt),
    approves: { action, job },
    fields: [by, encodeValue(approver.identity.account, 'percent'), about, job, what, encodeValue(action, 'percent')],
  };
}

const rejected = (reason: string, detail: string): Rejected => ({ kind: 'rejected', reason, detail });
