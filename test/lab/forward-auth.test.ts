/**
 * The same requests through Cardea's own proxy and through real proxies that ask Cardea, with the configurations that users copy:
 * what is refused on one way passes on none, nothing that a client makes up arrives, and the page with all outcomes is right.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { caseGroups } from './forward-auth-cases.ts';
import { type OutcomeGroup, outcomePage } from './forward-auth-page.ts';
import { reasonToSkipProxies } from './forward-auth-proxies.ts';
import { startStand, type Stand, type Way, ways } from './forward-auth-stand.ts';

const page = join(import.meta.dirname, '../../docs/forward-auth-verdicts.md');
const passes = (outcome: string): boolean => /^(?:200|101)(?! *$)/.test(outcome);

suite('forward-auth', { skip: reasonToSkipProxies(), concurrency: 1 }, () => {
  const outcomes = new Map<string, Map<Way, string>>();
  const of = (name: string, way: Way): string => outcomes.get(name)?.get(way) ?? 'not asked';

  for (const way of ways)
    test(`${way}: what is refused by Cardea's own proxy does not pass, and nothing forged arrives`, async (t) => {
      const stand = await startStand(way);
      t.after(() => stand.close());
      for (const { cases } of caseGroups)
        for (const { name, run } of cases) {
          const outcome = await run(stand);
          const row = outcomes.get(name) ?? new Map<Way, string>();
          outcomes.set(name, row.set(way, outcome));
          assert.doesNotMatch(outcome, /[A-Z]{4} IT|ARRIVES|THE TOKEN|admin|\{http|<nil>/, `${way}, ${name}`);
          if (!passes(of(name, 'cardea')))
            assert.ok(!passes(outcome), `${way} lets pass what is refused: ${name}: ${outcome}`);
          if (name.endsWith(', bob'))
            assert.doesNotMatch(outcome, /app gets `[^`]*(?:reports|REPORTS)[/;.]/, `${way}: ${name}`);
        }
      await nothingWithoutCardea(stand);
    });

  test('docs/forward-auth-verdicts.md has these outcomes', () => {
    const groups: OutcomeGroup[] = caseGroups.map(({ title, cases }) => ({
      title,
      rows: cases.map(({ name }) => ({ name, outcomes: outcomes.get(name) ?? new Map<Way, string>() })),
    }));
    const text = outcomePage(groups);
    if (process.env['CARDEA_WRITE_VERDICTS'] === '1') writeFileSync(page, text);
    assert.equal(readFileSync(page, 'utf8'), text);
  });
});

/** Without Cardea nothing passes at all, not even what is public. */
async function nothingWithoutCardea(stand: Stand): Promise<void> {
  if (stand.way === 'cardea') return;
  await stand.gateway.gateway.close(0);
  for (const target of ['/health', '/']) {
    const answer = await stand.send({ target, headers: [`Cookie: ${stand.cookie('alice')}`] });
    assert.equal(answer.arrived, undefined, `${stand.way} ${target}`);
    assert.ok(answer.status >= 500, `${stand.way} answers ${answer.status}`);
  }
}
