/**
 * Conditions that are made of others: `not`, `all_of`, `any_of`.
 *
 * @module
 */
import { type Check, type Finding, judgeAll, notSignedIn, type Predicate } from './condition.ts';

const excluded: Finding = { holds: false, reason: 'excluded' };
const notExcluded: Finding = { holds: true, reason: 'not-excluded' };
const groupsUnknown: Finding = { holds: false, reason: 'groups-unknown' };
const noAlternative: Finding = { holds: false, reason: 'no-alternative-holds' };

/**
 * All but those for whom the checks hold. Never about somebody who has not signed in; and not about somebody whose groups
 * could not all be found out, where it is about groups: a directory that is down would let in whom it should keep out.
 */
export function noneOf(checks: readonly Check[]): Check {
  const aboutGroups = checks.some(asksForGroups);
  const predicate: Predicate = (subject, circumstances) => {
    if (subject.identity === undefined) return notSignedIn;
    if (judgeAll(checks, subject, circumstances).holds) return excluded;
    return aboutGroups && !subject.groupsKnown ? groupsUnknown : notExcluded;
  };
  return { kind: 'not', predicate, parts: [checks] };
}

/** Each part holds. */
export function allOf(parts: readonly (readonly Check[])[]): Check {
  const checks = parts.flat();
  return { kind: 'all_of', predicate: (subject, circumstances) => judgeAll(checks, subject, circumstances), parts };
}

/**
 * One part holds; the first that does gives the reason. When none does, the reason is the one that they share, or else that
 * the person has only to sign in again, where that would do.
 */
export function anyOf(parts: readonly (readonly Check[])[]): Check {
  const predicate: Predicate = (subject, circumstances) => {
    let shared: Finding | undefined;
    let tooOld: Finding | undefined;
    for (const part of parts) {
      const finding = judgeAll(part, subject, circumstances);
      if (finding.holds || finding.reason === 'not-signed-in') return finding;
      if (finding.reason === 'sign-in-too-old') tooOld = finding;
      shared = shared === undefined || shared.reason === finding.reason ? finding : noAlternative;
    }
    return tooOld ?? shared ?? noAlternative;
  };
  return { kind: 'any_of', predicate, parts };
}

function asksForGroups({ kind, parts }: Check): boolean {
  return kind === 'groups' || kind === 'roles' || kind === 'module' || parts.flat().some(asksForGroups);
}
