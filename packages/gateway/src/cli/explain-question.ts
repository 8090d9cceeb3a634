/**
 * The question of `cardea explain` and of `POST /api/explain`, and its answer as data: one reading and one form for both.
 *
 * @module
 */
import type { Loaded } from '../config/load.ts';
import { parseMoment } from '../config/sections/expectations.ts';
import {
  entriesOf,
  entryNamed,
  type Outcome,
  outcomeOf,
  type Situation,
  subjectIn,
  userNamed,
} from '../config/situation.ts';
import { parseMethod } from '../config/values/name.ts';
import { parseGroup } from '../config/values/sid.ts';
import { compilePolicy } from '../policy/compile.ts';
import type { Circumstances } from '../policy/condition.ts';
import { type Explanation, explain as explainRules } from '../policy/explain.ts';
import { anonymous, type Subject } from '../policy/subject.ts';
import { canonicalAddress } from '../wire/cidr.ts';
import { askDirectory } from './explain-directory.ts';
import { type FoundLimits, limitsFor } from './explain-limits.ts';

export interface ExplainQuestion {
  readonly app: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly situation: Situation;
}

/** What a question is made of, by the names of the command's options. */
export const questionNames = [
  'app',
  'path',
  'method',
  'user',
  'group',
  'address',
  'at',
  'method-of-sign-in',
  'signed-in-at',
] as const;

/** A string says what is not understood. */
export function readQuestion(
  text: (name: (typeof questionNames)[number]) => string | undefined,
  now: number,
): ExplainQuestion | string {
  const path = text('path');
  if (path === undefined || !path.startsWith('/')) return 'say which path, for example /risk/report';
  const method = parseMethod(text('method') ?? 'GET');
  if (method.kind === 'wrong') return `${method.message}. ${method.fix}`;
  const groups = (text('group') ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  for (const group of groups) {
    const parsed = parseGroup(group);
    if (parsed.kind === 'wrong') return `${parsed.message}. ${parsed.fix}`;
  }
  const address = canonicalAddress(text('address') ?? '127.0.0.1');
  if (address === undefined) return 'the address is not an IP address';
  const [at, signedInAt] = (['at', 'signed-in-at'] as const).map((name) => {
    const value = text(name);
    return value === undefined ? undefined : parseMoment(value);
  });
  if (at?.kind === 'wrong') return `${at.message}. ${at.fix}`;
  if (signedInAt?.kind === 'wrong') return `${signedInAt.message}. ${signedInAt.fix}`;
  const moment = at?.value ?? now;
  const situation = {
    user: text('user'),
    groups,
    signedInBy: text('method-of-sign-in'),
    signedInAgo: moment - (signedInAt?.value ?? moment),
    credentials: undefined,
    circumstances: { now: moment, address },
  };
  return { app: text('app'), method: method.value, path, situation };
}

export interface Explained {
  readonly kind: 'explained';
  readonly app: string;
  readonly method: string;
  /** Canonical, where there is such a form. */
  readonly path: string;
  readonly circumstances: Circumstances;
  /** The app has `sign_in: none`. */
  readonly open: boolean;
  /** Why nobody signs in with this account. */
  readonly barred: string | undefined;
  /** What the directory could not tell. */
  readonly note: string | undefined;
  readonly outcome:
    | Outcome
    | { readonly allow: true; readonly reason: 'public'; readonly rule: undefined; readonly path: string }
    | { readonly allow: false; readonly reason: 'account-barred'; readonly rule: undefined; readonly path: string }
    | (Omit<Outcome, 'allow' | 'reason'> & { readonly allow: false; readonly reason: 'no-tier' });
  /** How much they may use, where they may and that is limited. */
  readonly limits: FoundLimits | undefined;
  readonly subject: Subject;
  readonly explanation: Explanation | undefined;
}

/** What the rules of a configuration make of it. Asks the directory about somebody who is not in the users file. */
export async function explainQuestion(
  { app: wanted, method, path, situation }: ExplainQuestion,
  loaded: Loaded,
): Promise<Explained | { readonly kind: 'misunderstood'; readonly message: string }> {
  const misunderstood = (message: string) => ({ kind: 'misunderstood', message }) as const;
  const { apps, roles, sign_in: methods } = loaded.config;
  const app = wanted === undefined && apps.length === 1 ? apps[0] : apps.find((one) => one.name === wanted);
  const names = apps.map((one) => one.name).join(', ');
  if (app === undefined)
    return misunderstood(
      wanted === undefined ? `say which app: ${names}` : `there is no such app; say one of: ${names}`,
    );
  if (!isBelow(app.path, path)) return misunderstood(`the app ${app.name} has only paths below ${app.path}`);
  const { user, signedInBy, circumstances } = situation;
  const about = {
    kind: 'explained',
    app: app.name,
    method,
    circumstances,
    open: false,
    note: undefined,
    limits: undefined,
  } as const;
  if (app.sign_in === 'none') {
    const outcome = { allow: true, reason: 'public', rule: undefined, path } as const;
    return { ...about, path, open: true, barred: undefined, outcome, subject: anonymous, explanation: undefined };
  }
  const entries = entriesOf(app, methods);
  if (signedInBy !== undefined && entryNamed(signedInBy, entries) === undefined)
    return misunderstood(`the app ${app.name} takes no sign-in by that name`);
  const found =
    user === undefined || userNamed(user, loaded.users) !== undefined
      ? undefined
      : await askDirectory(user, loaded, circumstances.now);
  if (found?.barred !== undefined) {
    const outcome = { allow: false, reason: 'account-barred', rule: undefined, path } as const;
    const { barred, note } = found;
    return { ...about, path, note, barred, outcome, subject: anonymous, explanation: undefined };
  }
  const inDirectory = found && { identity: found.identity, groupsKnown: found.note === undefined };
  const subject = subjectIn({ ...situation, inDirectory }, { roles, entries, users: loaded.users });
  const policy = compilePolicy(app.rules);
  const outcome = outcomeOf(policy, subject, method, path, circumstances);
  const limits = outcome.allow && outcome.reason !== 'public' ? limitsFor(app, subject) : undefined;
  return {
    ...about,
    path: outcome.path ?? path,
    note: found?.note,
    barred: undefined,
    outcome: limits?.tier === null ? { ...outcome, allow: false, reason: 'no-tier' } : outcome,
    limits,
    subject,
    explanation:
      outcome.path === undefined ? undefined : explainRules(policy, subject, method, outcome.path, circumstances),
  };
}

/** The answer for programs. */
export function explanationData({ app, method, path, outcome, subject, circumstances, ...more }: Explained): object {
  const { allow, reason, rule } = outcome;
  const { explanation, note, barred, limits } = more;
  const trouble = note === undefined && barred === undefined ? {} : { note, barred };
  const rules = explanation?.rules ?? [];
  return {
    app,
    method,
    path,
    allow,
    reason,
    rule,
    ...trouble,
    subject: plain(subject),
    ...circumstances,
    rules,
    limits,
  };
}

const plain = ({
  identity,
  groups,
  sids,
  roles,
  modules,
  credentials,
  provider,
  groupsKnown,
}: Subject): object | null =>
  identity === undefined
    ? null
    : {
        account: identity.account,
        method: identity.method,
        provider,
        authenticatedAt: new Date(identity.authenticatedAt).toISOString(),
        groups: [...groups, ...sids],
        groupsKnown,
        roles: [...roles],
        modules: [...modules],
        credentials: [...credentials],
      };

const isBelow = (prefix: string, path: string): boolean =>
  prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);
