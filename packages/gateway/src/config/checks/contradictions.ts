import type { Terms } from '../../policy/rule.ts';
import { entriesOf, kindOf, provingKinds } from '../situation.ts';
import { entryId } from '../sign-in-entries.ts';
import { type Check, error, termsOf, warning, wellFormedApps } from './check.ts';

/** Conditions that nobody can meet because of others beside them, as far as that can be told from the text. */
export const checkContradictions: Check = ({ config, report }) => {
  for (const { app, at } of wellFormedApps(config))
    for (const { terms, place } of termsOf(app, at)) {
      const excluded = terms.not;
      if (excluded === undefined) continue;
      if (impliedBy(excluded, terms))
        report(
          error(
            [...place, 'not'],
            'nobody can pass here: not excludes all whom the conditions beside it let in',
            'Remove not, or let it exclude fewer.',
          ),
        );
    }
};

/** Methods that rules ask for are methods of the app. */
export const checkSignedInBy: Check = ({ config, report }) => {
  const { sign_in: entries } = config;
  if (entries === undefined) return;
  for (const { app, at } of wellFormedApps(config)) {
    const names = new Set(entriesOf(app, entries).flatMap((entry) => [entryId({ ...entry }) ?? '', kindOf(entry)]));
    for (const { terms, place } of termsOf(app, at))
      for (const [k, name] of (terms.signed_in_by ?? []).entries())
        if (!names.has(name))
          report(
            error(
              [...place, 'signed_in_by', k],
              `nobody signs in to this app by "${name}"`,
              names.size === 0
                ? 'Add an entry of this name to sign_in.'
                : `Add it to sign_in and to the app's own list if it has one, or use one of these: ${[...names].join(', ')}.`,
            ),
          );
  }
};

/** An age of the sign-in is asked for where some method tells when it was; with the others it is never recent enough. */
export const checkMaxAge: Check = ({ config, report }) => {
  const { sign_in: entries } = config;
  if (entries === undefined) return;
  for (const { app, at } of wellFormedApps(config))
    for (const { terms, place, negated } of termsOf(app, at)) {
      if (terms.max_age === undefined || negated) continue;
      const names = terms.signed_in_by;
      const possible = entriesOf(app, entries).filter(
        (entry) => names === undefined || names.includes(kindOf(entry)) || names.includes(entryId({ ...entry }) ?? ''),
      );
      if (possible.length === 0 || possible.some((entry) => provingKinds.has(kindOf(entry)))) continue;
      report(
        warning(
          [...place, 'max_age'],
          `nobody can meet this: ${[...new Set(possible.map(kindOf))].join(', ')} cannot tell when somebody last proved who they are`,
          `Remove it, or let people sign in here by one of these: ${[...provingKinds].join(', ')}.`,
        ),
      );
    }
};

/** Whether everybody for whom `terms` (leaving their own `not` aside) holds meets all of `inner`. Says no when unsure. */
function impliedBy(inner: Terms, terms: Terms): boolean {
  const { any_of: any, all_of: all, not, between, credentials, ...plain } = inner;
  // One of several, one of many, or the other way round: what is not compared is not implied.
  if ((any ?? all ?? not) !== undefined) return false;
  const within = (wanted: readonly string[] | undefined, given: readonly string[] | undefined): boolean =>
    wanted === undefined || (given !== undefined && given.every((one) => wanted.includes(one)));
  const contains = (wanted: readonly string[] | undefined, given: readonly string[] | undefined): boolean =>
    wanted === undefined || (given !== undefined && wanted.every((one) => given.includes(one)));
  return (
    within(plain.groups, terms.groups) &&
    within(plain.roles, terms.roles) &&
    within(plain.signed_in_by, terms.signed_in_by) &&
    within(plain.networks, terms.networks) &&
    within(between, terms.between) &&
    contains(credentials, terms.credentials) &&
    (plain.module === undefined || plain.module === terms.module) &&
    (plain.max_age === undefined || (terms.max_age !== undefined && terms.max_age <= plain.max_age))
  );
}
