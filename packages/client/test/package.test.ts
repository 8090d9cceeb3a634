import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildClient } from '../../../tools/build-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-package-'));
after(() => rmSync(folder, { recursive: true }));

test('the package as it is published works where it is installed, without the sources', () => {
  const place = join(folder, 'node_modules/@cardea/client');
  buildClient(place);
  const files = globSync('**/*', { cwd: place });
  assert.deepEqual(
    files.filter((file) => /\.test\.|(?<!\.d)\.ts$/.test(file)),
    [],
  );
  const program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    `import { createTokenClient } from '@cardea/client';
import { curlNegotiate, fileCache, systemNegotiate } from '@cardea/client/node';
const answer = { access_token: 'x', token_type: 'Bearer', expires_in: 60 };
const negotiate = { post: async () => ({ status: 200, body: JSON.stringify(answer) }) };
const client = createTokenClient({ url: 'https://auth.corp.example', negotiate, cache: fileCache({ folder: '${folder}/cache' }) });
console.log(await client.token(), typeof curlNegotiate, typeof systemNegotiate({ koffi: false }).post);
`,
  );
  assert.equal(execFileSync(process.execPath, [program], { encoding: 'utf8' }), 'x function function\n');
});
