/** `cardea explain` with groups from a real Active Directory. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, suite, test } from 'node:test';
import { servicePassword } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { runCli } from '../../packages/gateway/src/cli/run.ts';
import { Screen } from '../../packages/gateway/src/cli/testing.ts';

suite('cardea explain and a directory', { skip: reasonToSkip() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-explain-lab-'));
  before(async () => {
    await startLab();
    writeFileSync(
      join(folder, 'cardea.yaml'),
      `sign_in: [{ password: { ldap: true } }]
directory:
  ldap:
    url: ldaps://${address}
    ca: ${paths.ca}
    bind: { user: svc-cardea@corp.example, password: "\${env:LDAP_PASSWORD}" }
apps:
  - name: desk
    host: desk
    upstream: http://127.0.0.1:3000
    rules:
      - { path: /ai/**, groups: [team-ai] }
      - { path: /not-ai/**, not: { groups: [team-ai] } }
`,
    );
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const cases = [
    ['CORP\\alice', '/ai/x', 0, 'ALLOWED by rules[0]: in-group'],
    ['alice@corp.example', '/not-ai/x', 1, 'REFUSED by rules[1]: excluded'],
    ['CORP\\nobody-of-this-name', '/not-ai/x', 1, 'REFUSED by rules[1]: groups-unknown'],
  ] as const;
  for (const [user, path, status, text] of cases)
    test(`explain says "${text}" of ${user} and ${path}`, async () => {
      const [stdout, stderr] = [new Screen(), new Screen()];
      const env = { LDAP_PASSWORD: servicePassword };
      const terminal = { stdin: Readable.from([]), stdout, stderr, env, cwd: folder, version: '1', now: Date.now };
      const got = await runCli(['explain', '--user', user, '--path', path], { serve: async () => {}, terminal });
      assert.ok(stdout.text.includes(text), stdout.text + stderr.text);
      assert.equal(got, status);
    });
});
