import { parseMoment } from '../config/sections/expectations.ts';
import type { Loaded } from '../config/load.ts';
import type { App } from '../config/schema.ts';
import {
  entriesOf,
  entryNamed,
  type Outcome,
  outcomeOf,
  type Situation,
  subjectIn,
  userNamed,
} from '../config/situation.ts';
import { parseGroup } from '../config/values/sid.ts';
import { parseMethod } from '../config/values/name.ts';
import { compilePolicy } from '../policy/compile.ts';
import { explain as explainRules } from '../policy/explain.ts';
import type { Subject } from '../policy/subject.ts';
import { canonicalAddress } from '../wire/cidr.ts';
import type { Arguments, Command, ExitStatus, Terminal } from './command.ts';
import { fileHelp, loadNamed, noFile } from './config-file.ts';
import { askDirectory } from './explain-directory.ts';
import { explanationText } from './explanation-text.ts';
import { countText, formatProblems } from './format-problems.ts';
import { printable } from './table.ts';

/** `cardea explain`: why somebody may do something or not, by the code that decides. */
export const explain: Command = {
  name: 'explain',
  summary: 'why a request would be allowed or refused, rule by rule',
  operands: ['[file]'],
  help: `Says what the rules of an app make of a request, and why, without making one. Nothing is started or changed.

Somebody of the users file has the groups that stand there; anybody else those of directory.ldap, if there is one
(--user CORP\\alice or alice@corp.example); --group adds others. Without --user, --group and --method-of-sign-in
nobody has signed in.
${fileHelp}

Exit status: 0 allowed, 1 refused, 2 not understood.`,
  options: {
    app: { type: 'string', value: 'name', summary: 'the app; not needed when there is one only' },
    path: { type: 'string', value: 'path', summary: 'the path, as in a request: /risk/report' },
    method: { type: 'string', value: 'method', summary: 'the HTTP method; default: GET' },
    user: { type: 'string', value: 'name', summary: 'who asks' },
    group: { type: 'string', value: 'names', summary: 'groups of the person, names or SIDs, with commas between' },
    address: { type: 'string', value: 'ip', summary: "the client's address; default: 127.0.0.1" },
    at: { type: 'string', value: 'time', summary: 'when: 2026-11-23T08:30:00+01:00; default: now' },
    'method-of-sign-in': { type: 'string', value: 'name', summary: 'name or kind of a sign_in entry' },
    'signed-in-at': { type: 'string', value: 'time', summary: 'when the person signed in; default: at the same time' },
    json: { type: 'boolean', summary: 'print JSON' },
  },
  async run(args, terminal) {
    const { stderr, stdout } = terminal;
    const misunderstood = (message: string): ExitStatus => {
      stderr.write(`cardea explain: ${message}\nTry: cardea help explain\n`);
      return 2;
    };
    const question = readQuestion(args, terminal.now());
    if (typeof question === 'string') return misunderstood(question);
    // Whoever has an expectation that fails wants to see why.
    const named = loadNamed(args, terminal, { withExpectations: false });
    if (named === undefined) return misunderstood(noFile);
    const { name, result } = named;
    if (result.kind === 'wrong') {
      stderr.write(`${formatProblems(result.problems)}${name}: ${countText(result.problems)}\n`);
      return 2;
    }
    const { apps } = result.config;
    const app =
      question.app === undefined && apps.length === 1 ? apps[0] : apps.find((one) => one.name === question.app);
    const names = apps.map((one) => one.name).join(', ');
    if (app === undefined)
      return misunderstood(
        question.app === undefined ? `say which app: ${names}` : `there is no such app; there are ${names}`,
      );
    if (!isBelow(app.path, question.path)) return misunderstood(`the app ${app.name} has only paths below ${app.path}`);
    if (app.sign_in === 'none') {
      stdout.write(`ALLOWED: the app ${app.name} has sign_in: none, so everybody may do everything\n`);
      return 0;
    }
    const entries = entriesOf(app, result.config.sign_in);
    const { signedInBy } = question.situation;
    if (signedInBy !== undefined && entryNamed(signedInBy, entries) === undefined)
      return misunderstood(`the app ${app.name} takes no sign-in by that name`);
    return answer(question, app, result, args.options['json'] === true, terminal);
  },
};

interface Question {
  readonly app: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly situation: Situation;
}

/** A string says what is not understood. */
function readQuestion({ options }: Arguments, now: number): Question | string {
  const text = (name: string): string | undefined => {
    const value = options[name];
    return typeof value === 'string' ? value : undefined;
  };
  const path = text('path');
  if (path === undefined || !path.startsWith('/')) return 'say which path: --path /risk/report';
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
  const [at, signedInAt] = ['at', 'signed-in-at'].map((name) => {
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

async function answer(
  { method, path, situation }: Question,
  app: App,
  loaded: Loaded,
  asJson: boolean,
  { stdout, stderr }: Terminal,
): Promise<ExitStatus> {
  const { user, circumstances } = situation;
  const { roles } = loaded.config;
  let inDirectory: Situation['inDirectory'];
  if (user !== undefined && userNamed(user, loaded.users) === undefined) {
    const found = await askDirectory(user, loaded, circumstances.now);
    if (found?.note !== undefined) stderr.write(`cardea explain: ${printable(found.note)}\n`);
    if (found?.barred !== undefined) {
      stderr.write(`cardea explain: nobody signs in with this account: ${printable(found.barred)}\n`);
      return 1;
    }
    if (found !== undefined) inDirectory = { identity: found.identity, groupsKnown: found.note === undefined };
  }
  const entries = entriesOf(app, loaded.config.sign_in);
  const subject = subjectIn({ ...situation, inDirectory }, { roles, entries, users: loaded.users });
  const policy = compilePolicy(app.rules);
  const outcome = outcomeOf(policy, subject, method, path, circumstances);
  const explanation =
    outcome.path === undefined ? undefined : explainRules(policy, subject, method, outcome.path, circumstances);
  if (asJson) {
    const { allow, reason, rule } = outcome;
    const rules = explanation?.rules ?? [];
    stdout.write(
      `${JSON.stringify({ app: app.name, method, path: outcome.path ?? path, allow, reason, rule, subject: plain(subject), ...circumstances, rules }, undefined, 2)}\n`,
    );
  } else {
    stdout.write(`${method} ${printable(outcome.path ?? path)} of ${app.name}, ${who(subject)}\n`);
    stdout.write(`from ${circumstances.address}, at ${new Date(circumstances.now).toISOString()}\n\n`);
    if (explanation !== undefined) stdout.write(`${explanationText(explanation)}\n`);
    stdout.write(`${verdict(outcome)}\n`);
  }
  return outcome.allow ? 0 : 1;
}

function verdict({ allow, reason, rule, path }: Outcome): string {
  const by = rule === undefined ? (path === undefined ? 'before any rule' : 'by no rule') : `by rules[${rule}]`;
  return `${allow ? '✓ ALLOWED' : '✗ REFUSED'} ${by}: ${reason}`;
}

function who({ identity, groups, sids, roles, credentials, provider }: Subject): string {
  if (identity === undefined) return 'nobody signed in';
  const list = (names: Iterable<string>): string => [...names].join(', ') || 'none';
  return printable(
    `${identity.account} (signed in by ${provider ?? identity.method} at ${new Date(identity.authenticatedAt).toISOString()}; groups: ${list([...groups, ...sids])}; roles: ${list(roles)}; credentials: ${list(credentials)})`,
  );
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
