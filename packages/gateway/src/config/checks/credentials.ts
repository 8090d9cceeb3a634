import { allTerms, credentialKinds, type Terms } from '../../policy/rule.ts';
import type { App, Config } from '../schema.ts';
import { entryId } from '../sign-in-entries.ts';
import { type Check, error, termsOf, wellFormedApps } from './check.ts';

type Entry = Config['sign_in'][number];

/** Kinds of entries whose credential comes with each request. All others begin a session. */
const byRequest = ['api_key', 'bearer', 'stream_token', 'approval', 'trusted_header', 'client_certificate'];

/** Each credential that a rule asks for can be shown to its app. */
export const checkRuleCredentials: Check = ({ config, report }) => {
  const entries: readonly Entry[] = config.sign_in ?? [];
  if (config.sign_in === undefined) return;
  for (const { app, at } of wellFormedApps(config))
    for (const { terms, place } of termsOf(app, at))
      for (const [k, wanted] of (terms.credentials ?? []).entries()) {
        if (entriesOf(app, entries).some((entry) => kindsOf(entry).includes(wanted))) continue;
        const kind = wanted === 'session' ? 'a method that begins a session' : wanted;
        report(
          error(
            [...place, 'credentials', k],
            `nobody can show this: the app is not signed in to by ${kind}`,
            `Add ${kind} to sign_in, and to the app's own list if it has one.`,
          ),
        );
      }
};

/** What can be approved belongs to an app that takes approvals, and no rule lets an approval do without the program's credential. */
export const checkApprovals: Check = ({ config, report }) => {
  const entries: readonly Entry[] = config.sign_in ?? [];
  const apps = wellFormedApps(config);
  for (const [i, entry] of entries.entries())
    for (const [k, action] of (entry.approval?.actions ?? []).entries()) {
      const app = apps.find((one) => one.app.name === action.app)?.app;
      const place = ['sign_in', i, 'approval', 'actions', k, 'app'];
      if (app === undefined) report(error(place, `there is no app "${action.app}"`, 'Write the name of an app.'));
      else if (!entriesOf(app, entries).includes(entry))
        report(error(place, `the app takes no approvals`, "Add approval to the app's own sign_in."));
    }
  for (const { app, at } of apps)
    for (const [i, rule] of app.rules.entries()) {
      if (!waysToMeet(rule).has(APPROVAL)) continue;
      const named = allTerms(rule).find(({ terms }) => terms.credentials?.includes('approval') === true);
      report(
        error(
          [...at, 'rules', i, ...(named?.at ?? []), 'credentials'],
          'an approval says who may decide, and not who asks',
          'Write credentials: [api_key, approval].',
        ),
      );
    }
};

const bitOf = (kind: string): number => 1 << credentialKinds.findIndex((one) => one === kind);
const APPROVAL = bitOf('approval');
const NOTHING: ReadonlySet<number> = new Set([0]);

/** The sets of credentials, as bits, each of which is all that these terms ask for in one way of meeting them. */
function waysToMeet({ credentials = [], all_of: all = [], any_of: any, not }: Terms): ReadonlySet<number> {
  const own = new Set([credentials.reduce((bits, kind) => bits | bitOf(kind), 0)]);
  return [
    own,
    ...all.map(waysToMeet),
    ...(any === undefined ? [] : [union(any.map(waysToMeet))]),
    ...(not === undefined ? [] : [waysToMiss(not)]),
  ].reduce(both);
}

/** The same for not meeting them: one condition that does not hold is enough, and costs no credential unless it is a `not`. */
function waysToMiss({ all_of: all = [], any_of: any, not, ...plain }: Terms): ReadonlySet<number> {
  return union([
    ...(Object.values(plain).some((value) => value !== undefined) ? [NOTHING] : []),
    ...all.map(waysToMiss),
    ...(any === undefined ? [] : [any.map(waysToMiss).reduce(both, NOTHING)]),
    ...(not === undefined ? [] : [waysToMeet(not)]),
  ]);
}

const union = (sets: readonly ReadonlySet<number>[]): ReadonlySet<number> => new Set(sets.flatMap((set) => [...set]));
const both = (one: ReadonlySet<number>, other: ReadonlySet<number>): ReadonlySet<number> =>
  new Set([...one].flatMap((a) => [...other].map((b) => a | b)));

/** No app takes two entries that believe the same issuer: the first one would decide about tokens that are meant for the other. */
export const checkBearerIssuers: Check = ({ config, report }) => {
  const entries: readonly Entry[] = config.sign_in ?? [];
  for (const [i, entry] of entries.entries())
    for (const [k, { issuer }] of (entry.bearer?.issuers ?? []).entries()) {
      const before = entries
        .slice(0, i)
        .filter(({ bearer }) => bearer?.issuers.some((one) => one.issuer === issuer) === true);
      const shared = wellFormedApps(config).find(({ app }) => {
        const own = entriesOf(app, entries);
        return own.includes(entry) && before.some((other) => own.includes(other));
      });
      if (shared === undefined) continue;
      report(
        error(
          ['sign_in', i, 'bearer', 'issuers', k, 'issuer'],
          `the app "${shared.app.name}" takes its tokens by another entry as well, and that one decides about them`,
          'Keep the issuer in one of the entries, or let each app take one of them.',
        ),
      );
    }
};

/** Where certificates of clients are asked for, and where they are wanted. */
export const checkClientCertificates: Check = ({ config, report }) => {
  const { sign_in: methods, listen } = config;
  if (methods === undefined || listen === undefined) return;
  const entries: readonly Entry[] = methods;
  const asked = listen.some(({ client_ca: authority }) => authority !== undefined);
  for (const [i, entry] of entries.entries())
    if (entry.client_certificate !== undefined && !asked)
      report(
        error(
          ['sign_in', i, 'client_certificate'],
          'no listener asks clients for a certificate',
          'Add client_ca to a listener with TLS: the file of the authority that issues them.',
        ),
      );
  for (const [i, { client_ca: authority, tls }] of listen.entries())
    if (authority !== undefined && tls === undefined)
      report(error(['listen', i, 'client_ca'], 'this address has no TLS', 'Add tls, or remove client_ca.'));
};

/** The entries by which people and programs sign in to an app. */
function entriesOf({ sign_in: ids }: App, entries: readonly Entry[]): readonly Entry[] {
  if (ids === 'none') return [];
  return ids === undefined ? entries : entries.filter((entry) => ids.includes(entryId({ ...entry }) ?? ''));
}

/** The kinds of credentials that an entry gives; see `credentialKinds`. */
function kindsOf(entry: Entry): readonly string[] {
  const kind = byRequest.find((one) =>
    Object.entries(entry).some(([name, options]) => name === one && options !== undefined),
  );
  if (kind === undefined) return ['session'];
  return entry.trusted_header?.session === true ? [kind, 'session'] : [kind];
}
