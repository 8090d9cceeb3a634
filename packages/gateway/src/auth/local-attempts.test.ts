import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localAttempts } from './local-attempts.ts';

test('localAttempts() counts anew where a limit has become another one', () => {
  const attempts = localAttempts();
  const one = { kind: 'domain-lockout', key: 'S-1-5-21-1', limit: 1, windowMs: 60_000 } as const;
  assert.equal(attempts.begin([one], 0), 0);
  assert.equal(attempts.begin([{ ...one, limit: 3 }], 0), 0);
  assert.equal(attempts.begin([{ ...one, limit: 3 }], 0), 0);
});
