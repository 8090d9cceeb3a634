import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compilePolicy } from './compile.ts';
import { carelessRule, firstFitting } from './decide.ts';
import { carelessSegments, matchesGlob } from './glob.ts';
import { candidates, indexRules } from './rule-index.ts';

const paths = fc
  .array(fc.constantFrom('a', 'A', 'b', 'a*', '*', '**', 'x.'), { minLength: 1, maxLength: 3 })
  .map((parts) => `/${parts.join('/')}`);
const requests = fc.array(fc.constantFrom('a', 'A', 'b', 'ab', 'B.', 'a ', ''), { minLength: 1, maxLength: 4 });

test('firstFitting() and carelessRule() find what looking at every rule finds', () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(paths, { maxLength: 6 }), requests, (globs, segments) => {
      const policy = compilePolicy(globs.map((path) => ({ path, signed_in: true })));
      const { rules } = policy;
      const first = rules.findIndex(({ path }) => matchesGlob(path, segments));
      assert.equal(firstFitting(policy, 'GET', segments), first);
      if (first < 0) return;
      const careless = carelessSegments(segments);
      const other = rules.findIndex(
        ({ folded }, i) => i < first && folded.key !== rules[first]?.folded.key && matchesGlob(folded, careless),
      );
      assert.equal(carelessRule(policy, 'GET', segments, first), other < 0 ? undefined : other);
      if (other >= 0) found++;
    }),
    { numRuns: 5_000 },
  );
  assert.ok(found > 20, `only ${found} cases had an earlier rule for careless readers`);
});

test('indexRules() leaves rules of other parts of the application out', () => {
  const policy = compilePolicy(['/a/**', '/b/**', '/**/c', '/a/x'].map((path) => ({ path, public: true })));
  const index = indexRules(policy.rules.map(({ path }) => path));
  assert.deepEqual(candidates(index, ['a', 'x']), [0, 2, 3]);
  assert.deepEqual(candidates(index, ['z']), [2]);
});
