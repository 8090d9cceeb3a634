import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashPassword } from '../auth/password-hash.ts';
import { type Ran, runIn } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-explain-'));
after(() => rmSync(folder, { recursive: true }));
const hash = await hashPassword('x', { memory: 8_192, passes: 1, parallelism: 1 });
writeFileSync(
  join(folder, 'users.yaml'),
  JSON.stringify({ users: [{ name: 'bob', password_hash: hash, groups: ['risk-team', 'S-1-5-21-1-2-3-512'] }] }),
  { mode: 0o600 },
);
writeFileSync(
  join(folder, 'cardea.yaml'),
  `sign_in: [{ password: { users: users.yaml } }]
roles: { risk: { groups: [risk-team], modules: [Risk] } }
apps:
  - name: desk
    host: desk
    upstream: http://127.0.0.1:3000
    rules:
      - { path: /admin/**, groups: [it-admins], max_age: 15m, between: mon-fri 07:00-19:00 Europe/Berlin }
      - { path: /risk/**, methods: [GET], any_of: [{ groups: [auditors], networks: 10.0.0.0/8 }, { not: { module: Risk } }] }
      - { path: /sid, groups: [S-1-5-21-1-2-3-512] }
      - { path: /**, signed_in: true }
    expect: [bob is allowed /admin]
`,
);
writeFileSync(
  join(folder, 'two.yaml'),
  `apps:
  - { name: a, host: a, upstream: http://127.0.0.1:1, sign_in: none }
  - { name: b, host: b, path: /b, upstream: http://127.0.0.1:1, rules: [{ path: /**, public: true }] }
`,
);

const run = (...argv: string[]): Promise<Ran> => runIn(folder, ['explain', ...argv], { version: '1', now: () => 0 });

test('explain prints a tree with words beside the marks, and which rule refused', async () => {
  const { status, stdout } = await run('--user', 'bob', '--path', '/risk/x', '--address', '10.1.2.3');
  assert.equal(
    stdout,
    `GET /risk/x of desk, bob (signed in by password at 1970-01-01T00:00:00.000Z; groups: risk-team, S-1-5-21-1-2-3-512; roles: risk; credentials: session)
from 10.1.2.3, at 1970-01-01T00:00:00.000Z

  rules[0]  /admin/**     - the path does not fit
> rules[1]  GET /risk/**  decides
      ✗ fails any_of: one of these (no-alternative-holds)
        either
          ✓ holds networks: 10.0.0.0/8 (in-network)
          ✗ fails groups: auditors (not-in-group)
        or
          ✗ fails not: not all of this (excluded)
              ✓ holds module: Risk (module-open)
  rules[2]  /sid          - the path does not fit
  rules[3]  /**           - fits, but is not asked

✗ REFUSED by rules[1]: no-alternative-holds
`,
  );
  assert.equal(status, 1);
});

const verdicts = [
  [['--user', 'bob', '--path', '/sid'], 0, '✓ ALLOWED by rules[2]: in-group'],
  [['--path', '/x'], 1, '✗ REFUSED by rules[3]: not-signed-in'],
  [['--user', 'eve', '--path', '/Admin'], 1, '✗ REFUSED by rules[0]: outside-hours'],
  [
    ['--group', 'IT-Admins, x', '--path', '/admin', '--at', '2026-11-23T08:30:00+01:00'],
    0,
    '✓ ALLOWED by rules[0]: in-group',
  ],
  [
    [
      '--group',
      'it-admins',
      '--path',
      '/admin',
      '--at',
      '2026-11-23T08:30:00Z',
      '--signed-in-at',
      '2026-11-23T08:00:00Z',
    ],
    1,
    'rules[0]: sign-in-too-old',
  ],
  [['--user', 'bob', '--path', '/risk', '--method', 'POST'], 0, '✓ ALLOWED by rules[3]: signed-in'],
  [['--user', 'bob', '--path', '/admin;x'], 1, '✗ REFUSED by no rule: path-ambiguous'],
  [['--user', 'bob', '--path', '/a%2fb'], 1, '✗ REFUSED before any rule: target-encoded-separator'],
  [['two.yaml', '--app', 'a', '--path', '/x'], 0, 'sign_in: none'],
  [['two.yaml', '--app', 'b', '--path', '/b/x'], 0, '✓ ALLOWED by rules[0]: public'],
] as const;

for (const [argv, status, text] of verdicts)
  test(`explain ${argv.join(' ')} ends with ${status}: ${text}`, async () => {
    const result = await run(...argv);
    assert.ok(result.stdout.includes(text), result.stdout + result.stderr);
    assert.equal(result.status, status);
  });

const misunderstood = [
  [[], 'say which path'],
  [['--path', 'x'], 'say which path'],
  [['--path', '/x', '--method', 'get'], 'Write GET'],
  [['--path', '/x', '--address', '10.1'], 'not an IP address'],
  [['--path', '/x', '--at', '2026-11-23'], 'date and time'],
  [['--path', '/x', '--app', 'nothing'], 'say one of: desk'],
  [['--path', '/x', '--method-of-sign-in', 'oidc'], 'takes no sign-in by that name'],
  [['two.yaml', '--path', '/x'], 'say which app: a, b'],
  [['two.yaml', '--app', 'b', '--path', '/bb'], 'only paths below /b'],
  [['absent.yaml', '--path', '/x'], 'there is no such file'],
] as const;

for (const [argv, text] of misunderstood)
  test(`explain ${argv.join(' ')} is not understood: ${text}`, async () => {
    const { status, stdout, stderr } = await run(...argv);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.ok(stderr.includes(text), stderr);
  });

test('explain --json says the same to programs', async () => {
  const { status, stdout } = await run('--user', 'bob', '--path', '/sid', '--json');
  const said = JSON.parse(stdout);
  assert.equal(status, 0);
  assert.deepEqual([said.allow, said.reason, said.rule], [true, 'in-group', 2]);
  assert.equal(said.rules.length, 4);
  assert.deepEqual(said.rules[2].conditions, [
    { kind: 'groups', finding: { holds: true, reason: 'in-group' }, parts: [] },
  ]);
});

writeFileSync(
  join(folder, 'llm.yaml'),
  `sign_in: [{ password: { users: users.yaml } }]
apps:
  - name: llm
    host: llm
    upstream: http://127.0.0.1:3000
    rules: [{ path: /health, public: true }, { path: /**, signed_in: true }]
    limits:
      tiers:
        - { name: pro, groups: [risk-team], requests_per_minute: 60, concurrent: 4, models: ["small-*"] }
        - { name: trainee, groups: [trainees], tokens_per_day: 1000 }
      groups: [{ group: dep1, tokens_per_minute: 5000 }]
`,
);

test('explain tells the tier of somebody, and the limits that they share', async () => {
  const asked = ['llm.yaml', '--user', 'bob', '--group', 'dep1', '--path', '/v1/x'];
  const { status, stdout } = await run(...asked);
  assert.equal(status, 0);
  assert.ok(
    stdout.endsWith(
      '  tier pro: 60 requests per minute, 4 requests at the same time; models small-*\n  group dep1, shared: 5000 tokens per minute\n',
    ),
    stdout,
  );
  const { limits } = JSON.parse((await run(...asked, '--json')).stdout);
  assert.deepEqual(limits.tier, { name: 'pro', requests_per_minute: 60, concurrent: 4, models: ['small-*'] });
});

test('explain refuses somebody who is in no tier, and tells no limits of what is public', async () => {
  const stranger = ['llm.yaml', '--group', 'dep1', '--path'];
  const refused = await run(...stranger, '/v1/x');
  assert.deepEqual([refused.status, /REFUSED by rules\[1\]: no-tier\n {2}in no tier/.test(refused.stdout)], [1, true]);
  const open = await run(...stranger, '/health');
  assert.deepEqual([open.status, open.stdout.includes('tier')], [0, false]);
});
