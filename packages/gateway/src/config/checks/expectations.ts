import type { PasswordUser } from '../../auth/password-users.ts';
import { compilePolicy } from '../../policy/compile.ts';
import { allTerms, type Rule } from '../../policy/rule.ts';
import { explain } from '../../policy/explain.ts';
import { entriesOf, outcomeOf, type Outcome, subjectIn } from '../situation.ts';
import type { Path } from '../problem.ts';
import type { App } from '../schema.ts';
import { type CheckContext, error, wellFormedApps } from './check.ts';

type Expectation = App['expect'][number];

/** The rules do what the configuration expects of them. */
export function checkExpectations({ config, files, report }: CheckContext, users: readonly PasswordUser[]): void {
  const { roles, sign_in: entries } = config;
  if (roles === undefined || entries === undefined) return;
  for (const { app, at } of wellFormedApps(config)) {
    if (app.expect.length === 0) continue;
    if (app.sign_in === 'none') {
      report(error([...at, 'expect'], 'the app has sign_in: none, and no rules to try', 'Remove the expectations.'));
      continue;
    }
    const own = entriesOf(app, entries);
    const policy = compilePolicy(app.rules);
    for (const [i, expectation] of app.expect.entries()) {
      // Without files nobody knows who is in the users file.
      if (files === undefined && expectation.user !== undefined && entries.some(({ password }) => password?.users))
        continue;
      const place = [...at, 'expect', i];
      const { method, path, address = '127.0.0.1', at: now = 0 } = expectation;
      const circumstances = { now, address };
      const subject = subjectIn(
        {
          user: expectation.user,
          groups: expectation.groups ?? [],
          signedInBy: expectation.signed_in_by,
          signedInAgo: expectation.signed_in_ago ?? 0,
          credentials: expectation.credentials,
          circumstances,
        },
        { roles, entries: own, users },
      );
      const outcome = outcomeOf(policy, subject, method, path, circumstances);
      const asked =
        outcome.path === undefined
          ? []
          : explain(policy, subject, method, outcome.path, circumstances).rules.filter(({ part }) => part !== 'none');
      const open = asked.flatMap(({ rule, index }) => openQuestions(rule, index, expectation))[0];
      if (open !== undefined) report(error(place, open.message, open.fix));
      else judge(expectation, outcome, app, place, report);
    }
  }
}

/** What a rule makes its answer depend on and the expectation does not say. */
function openQuestions(
  rule: Rule,
  index: number,
  { address, at }: Expectation,
): readonly { readonly message: string; readonly fix: string }[] {
  const all = allTerms(rule);
  return [
    ...(at === undefined && all.some(({ terms }) => terms.between !== undefined)
      ? [
          {
            message: `rules[${index}] depends on the time, and none is given`,
            fix: 'Write a mapping with at: 2026-11-23T08:30:00+01:00.',
          },
        ]
      : []),
    ...(address === undefined && all.some(({ terms }) => terms.networks !== undefined)
      ? [
          {
            message: `rules[${index}] depends on the address of the client, and none is given`,
            fix: 'Write a mapping with address: 10.1.2.3.',
          },
        ]
      : []),
  ];
}

function judge(
  { allowed, because, method, path }: Expectation,
  outcome: Outcome,
  app: App,
  place: Path,
  report: CheckContext['report'],
): void {
  const request = `${method} ${path}`;
  if (outcome.allow !== allowed)
    report(
      error(
        place,
        `${request} is ${outcome.allow ? 'allowed' : 'refused'} (${outcome.reason}) by ${decidedBy(outcome, app)}`,
        'Correct the rules or the expectation; cardea explain shows every rule.',
      ),
    );
  else if (because !== undefined && outcome.reason !== because)
    report(
      error(
        place,
        `${request} is ${allowed ? 'allowed' : 'refused'} as expected, but because of ${outcome.reason}, by ${decidedBy(outcome, app)}`,
        `Correct the rules, or write because: ${outcome.reason}.`,
      ),
    );
}

function decidedBy({ rule, path }: Outcome, app: App): string {
  if (path === undefined) return 'the reading of the request, before any rule';
  const decisive = rule === undefined ? undefined : app.rules[rule];
  return decisive === undefined ? 'no rule: none of them decides this' : `rules[${rule}] (${decisive.path})`;
}
