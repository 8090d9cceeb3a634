import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directoryContract } from './directory.contract.ts';
import { tableDirectory } from './table.ts';

const groups = { 'S-1-5-21-1-2-3-1104': 'team-ai', 'S-1-5-32-545': 'Users' };

directoryContract('table', async () => ({ directory: tableDirectory(groups), groups }));

test('tableDirectory() does not name what every object has', async () => {
  const names = await tableDirectory(groups).groupNames(['constructor', '__proto__', 'toString'], 0);
  assert.equal(names.size, 0);
});
