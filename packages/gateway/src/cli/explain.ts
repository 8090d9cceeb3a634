import type { Subject } from '../policy/subject.ts';
import type { Command } from './command.ts';
import { fileHelp, loadNamed, noFile } from './config-file.ts';
import { type Explained, explanationData, explainQuestion, readQuestion } from './explain-question.ts';
import { limitsText } from './explain-limits.ts';
import { explanationText } from './explanation-text.ts';
import { countText, formatProblems } from './format-problems.ts';
import { speechOf } from './speech.ts';
import { printable } from './table.ts';

/** `cardea explain`: why somebody may do something or not, by the code that decides. */
export const explain: Command = {
  name: 'explain',
  summary: 'why a request would be allowed or refused, rule by rule',
  operands: ['[file]'],
  help: `Says what the rules of an app make of a request, and why, without making one. Nothing is started or changed.

Somebody of the users file has the groups that stand there; anybody else those of the directory, if there is one
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
    const { misunderstood } = speechOf('explain', terminal);
    const question = readQuestion((name) => {
      const value = args.options[name];
      return typeof value === 'string' ? value : undefined;
    }, terminal.now());
    if (typeof question === 'string') return misunderstood(question);
    // Whoever has an expectation that fails wants to see why.
    const named = loadNamed(args, terminal, { withExpectations: false });
    if (named === undefined) return misunderstood(noFile);
    const { name, result } = named;
    if (result.kind === 'wrong') {
      stderr.write(`${formatProblems(result.problems)}${name}: ${countText(result.problems)}\n`);
      return 2;
    }
    const explained = await explainQuestion(question, result);
    if (explained.kind === 'misunderstood') return misunderstood(explained.message);
    const { note, barred } = explained;
    if (note !== undefined) stderr.write(`cardea explain: ${printable(note)}\n`);
    if (barred !== undefined) stderr.write(`cardea explain: nobody signs in with this account: ${printable(barred)}\n`);
    if (args.options['json'] === true) stdout.write(`${JSON.stringify(explanationData(explained), undefined, 2)}\n`);
    else stdout.write(explanationInWords(explained));
    return explained.outcome.allow ? 0 : 1;
  },
};

function explanationInWords({
  app,
  method,
  path,
  open,
  barred,
  outcome,
  subject,
  explanation,
  ...more
}: Explained): string {
  if (open) return `ALLOWED: the app ${app} has sign_in: none, so everybody may do everything\n`;
  if (barred !== undefined) return '';
  const { circumstances, limits } = more;
  return [
    `${method} ${printable(path)} of ${app}, ${who(subject)}\n`,
    `from ${circumstances.address}, at ${new Date(circumstances.now).toISOString()}\n\n`,
    explanation === undefined ? '' : `${explanationText(explanation)}\n`,
    `${verdict(outcome)}\n`,
    limits === undefined ? '' : limitsText(limits),
  ].join('');
}

function verdict({ allow, reason, rule, path }: Explained['outcome']): string {
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
