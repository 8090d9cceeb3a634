import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelsOfQuery } from './other-models.ts';

for (const [query, models] of [
  ['', []],
  ['?', []],
  ['?limit=5&models_of=x', []],
  ['?model=large', ['large']],
  ['?a=1&MODEL=large%2dx', ['large-x']],
  ['?mod%65l=large', ['large']],
  ['?model[]=a&model=b', ['a', 'b']],
  ['?a=1;model=large', ['large']],
  ['?model', ['']],
  ['?model=a,b', ['a,b', 'a', 'b']],
  ['?deployment_id=large', ['large']],
] as const)
  test(`modelsOfQuery() finds in "${query}" ${models.length} models`, () =>
    assert.deepEqual(modelsOfQuery(query), models));
