import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runIn } from './testing.ts';

const url = 'https://auth.corp.example';
const misunderstood: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [[], /--url, or set CARDEA_ISSUER/],
  [['--url', 'auth.corp.example'], /not an address/],
  [['--url', 'file:///etc/passwd'], /not an address/],
  [['--url', 'https://alice:pw@auth.corp.example', '--way', 'curl'], /a name or a password/],
  [['--url', url, '--way', 'magic'], /library, curl/],
  [['--url', url, '--json', '--header'], /one of --header, --json, --decode/],
];
for (const [args, says] of misunderstood)
  test(`cardea token ${args.join(' ')} is not understood, and says why`, async () => {
    const { status, stdout, stderr } = await runIn('/', ['token', ...args]);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /pw/);
  });

test('cardea token sends nothing to an issuer without HTTPS, unless it is told to', async () => {
  const { status, stderr } = await runIn('/', ['token', '--url', 'http://auth.corp.example', '--way', 'curl']);
  assert.equal(status, 1);
  assert.match(stderr, /not HTTPS/);
});
