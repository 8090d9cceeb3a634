import type { Identity } from '../../core/identity.ts';
import { compilePolicy } from '../../policy/compile.ts';
import type { Circumstances } from '../../policy/condition.ts';
import { decide } from '../../policy/decide.ts';
import { subjectOf } from '../../policy/subject.ts';
import type { App } from '../schema.ts';
import { type Check, error, termsOf, wellFormedApps } from './check.ts';

type Rule = App['rules'][number];

/** Every rule can decide something: none stands behind one that takes all of its requests. */
export const checkRulesAreReachable: Check = ({ config, report }) => {
  for (const { app, at } of wellFormedApps(config))
    for (const [j, rule] of app.rules.entries()) {
      const earlier = app.rules.findIndex((other, i) => i < j && coversRule(other, rule));
      if (earlier >= 0)
        report(
          error(
            [...at, 'rules', j],
            `this rule can never match: rules[${earlier}] (${app.rules[earlier]?.path ?? ''}) comes first and takes all of its requests`,
            'Move the more particular rule up: the first that fits decides.',
          ),
        );
      else if (!canMatchBelow(rule.path, app.path))
        report(
          error(
            [...at, 'rules', j, 'path'],
            `this rule can never match: the app has only paths below ${app.path}`,
            `Write the whole path, as browsers send it: ${app.path}${rule.path === '/' ? '' : rule.path}.`,
          ),
        );
    }
};

/** Roles and modules that rules name exist, and there is a way to sign in for those that ask for it. */
export const checkRuleReferences: Check = ({ config, report }) => {
  const { roles, sign_in: methods } = config;
  const modules = roles && new Set(Object.values(roles).flatMap((role) => role.modules));
  let needsSignIn = false;
  for (const { app } of wellFormedApps(config)) for (const rule of app.rules) needsSignIn ||= rule.public === undefined;
  for (const { app, at } of wellFormedApps(config))
    for (const { terms, place } of termsOf(app, at)) {
      for (const [k, role] of (terms.roles ?? []).entries())
        if (roles && !Object.hasOwn(roles, role))
          report(
            error(
              [...place, 'roles', k],
              `there is no role "${role}"`,
              `Add it to roles, or use one of these: ${list(Object.keys(roles))}.`,
            ),
          );
      if (terms.module !== undefined && modules && !modules.has(terms.module) && !modules.has('*'))
        report(
          error(
            [...place, 'module'],
            `no role opens the module "${terms.module}"`,
            `Add it to a role's modules, or use one of these: ${list([...modules])}.`,
          ),
        );
    }
  if (needsSignIn && methods?.length === 0)
    report(
      error(
        ['sign_in'],
        'there are rules that ask for a sign-in, and no way to sign in',
        'Add sign_in with negotiate or password, or make the rules public.',
      ),
    );
};

/** People who are refused are not sent to a page that refuses them again: anybody who is signed in may see it. */
export const checkUnauthorizedPage: Check = ({ config, report }) => {
  const signedIn = subjectOf(somebody, {});
  for (const { app, at } of wellFormedApps(config)) {
    const page = app.unauthorized;
    if (page === undefined || decide(compilePolicy(app.rules), signedIn, 'GET', page, here).allow) continue;
    report(
      error(
        [...at, 'unauthorized'],
        `people who are refused are sent to ${page}, and refused there again`,
        `Put a rule for it first: { path: ${page}, signed_in: true }.`,
      ),
    );
  }
};

/** Some time, somewhere. */
const here: Circumstances = { now: 0, address: '127.0.0.1' };

/** Signed in, and nothing more. */
const somebody: Identity = {
  subject: 'check:somebody',
  account: 'somebody',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: [],
  method: 'check',
  authenticatedAt: 0,
  expiresAt: 0,
};

function coversRule(a: Rule, b: Rule): boolean {
  const methods =
    a.methods === undefined || (b.methods !== undefined && b.methods.every((m) => a.methods?.includes(m)));
  return methods && coversPath(a.path, b.path);
}

/** Whether every path of `inner` is one of `pattern`. Says no when unsure. */
function coversPath(pattern: string, inner: string): boolean {
  if (pattern === inner) return true;
  // `/risk/**` covers `/risk` and what begins like it, wildcards in either included.
  const base = pattern.endsWith('/**') ? pattern.slice(0, -3) : undefined;
  return base !== undefined && (inner === base || inner.startsWith(`${base}/`));
}

function canMatchBelow(pattern: string, path: string): boolean {
  if (path === '/' || pattern === path || pattern.startsWith(`${path}/`)) return true;
  return pattern.includes('*') && `${path}/`.startsWith(literal(pattern));
}

/** What a pattern says without wildcards: up to the segment with the first one, its slash left out. */
function literal(pattern: string): string {
  const star = pattern.indexOf('*');
  return star < 0 ? pattern : pattern.slice(0, pattern.lastIndexOf('/', star));
}

const list = (names: readonly string[]): string => (names.length === 0 ? '(none yet)' : names.join(', '));
