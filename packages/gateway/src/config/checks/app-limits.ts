import { groupRef } from '../../policy/subject.ts';
import type { LimitNumbers, TierRule } from '../../limits/tiers.ts';
import type { Path } from '../problem.ts';
import { type Check, error, warning, wellFormedApps } from './check.ts';

/** Limits that can hold for somebody, and do not contradict each other. */
export const checkAppLimits: Check = ({ config, report }) => {
  for (const { app, at } of wellFormedApps(config)) {
    const { limits } = app;
    if (limits === undefined) continue;
    const place = [...at, 'limits'];
    if (app.sign_in === 'none')
      report(error(place, 'these limits hold for nobody: the app has sign_in: none', 'Remove them, or sign_in: none.'));
    checkTiers(limits, [...place, 'tiers'], report);
    const seen = new Set<string>();
    for (const [i, rule] of limits.groups.entries()) {
      const { kind, key } = groupRef(rule.group);
      if (seen.has(`${kind} ${key}`))
        report(error([...place, 'groups', i, 'group'], `${rule.group} is already in the list`, 'Keep it once.'));
      seen.add(`${kind} ${key}`);
      checkNumbers(rule, limits.usual_answer, [...place, 'groups', i], report);
    }
    if (limits.read_body === false && limits.tiers.some(({ models }) => models !== undefined))
      report(
        error(
          [...place, 'read_body'],
          'the body says which model is asked for, and a tier has models',
          'Remove read_body, or the models of all tiers.',
        ),
      );
    if (limits.when_redis_is_down !== 'local' && config.redis === false)
      report(
        warning(
          [...place, 'when_redis_is_down'],
          'this decides nothing: no redis is configured',
          'Remove it, or add redis: { url: … }.',
        ),
      );
  }
};

type Report = Parameters<Check>[0]['report'];

function checkTiers(
  { tiers, usual_answer: usual }: { readonly tiers: readonly TierRule[]; readonly usual_answer: number },
  place: Path,
  report: Report,
): void {
  const names = new Set<string>();
  const taken = new Set<string>();
  let everybody: string | undefined;
  for (const [i, tier] of tiers.entries()) {
    const at = [...place, i];
    if (names.has(tier.name))
      report(error([...at, 'name'], `another tier is called ${tier.name}`, 'Give each tier a name of its own.'));
    names.add(tier.name);
    const groups = tier.groups?.map((name) => `${groupRef(name).kind} ${groupRef(name).key}`);
    if (everybody !== undefined)
      report(
        error(
          at,
          `nobody can get this tier: ${everybody} before it takes everybody`,
          `Move ${everybody} to the end, or give it groups.`,
        ),
      );
    else if (groups?.every((name) => taken.has(name)) === true)
      report(
        error(
          [...at, 'groups'],
          'nobody can get this tier: all its groups are taken by tiers before it',
          'Move it up, or remove it.',
        ),
      );
    for (const name of groups ?? []) taken.add(name);
    if (groups === undefined) everybody ??= tier.name;
    checkNumbers(tier, usual, at, report);
  }
}

function checkNumbers(limits: LimitNumbers, usual: number, at: Path, report: Report): void {
  const { requests_per_minute: rpm, concurrent, tokens_per_minute: tpm, tokens_per_day: tpd } = limits;
  if (rpm !== undefined && concurrent !== undefined && concurrent > rpm)
    report(
      warning(
        [...at, 'concurrent'],
        `more requests at the same time (${concurrent}) than may begin in a minute (${rpm}): this limit is hardly ever reached`,
        'Lower it, or raise requests_per_minute.',
      ),
    );
  if (tpm !== undefined && tpd !== undefined && tpm > tpd)
    report(
      warning(
        [...at, 'tokens_per_minute'],
        `more tokens in a minute (${tpm}) than in a day (${tpd}): this limit is never reached`,
        'Lower it, or raise tokens_per_day.',
      ),
    );
  for (const name of ['tokens_per_minute', 'tokens_per_day'] as const) {
    const limit = limits[name];
    if (limit !== undefined && limit < usual)
      report(
        warning(
          [...at, name],
          `a request that does not bound its answer sets ${usual} tokens aside (usual_answer), and this limit has ${limit}: each of those is refused`,
          'Raise it, or lower usual_answer.',
        ),
      );
  }
}
