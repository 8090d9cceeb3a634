/** `cardea token` with a program in place of curl. With real tickets it runs in the lab. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runIn } from '../src/cli/testing.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-token-'));
after(() => rmSync(root, { recursive: true }));

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const exp = Date.UTC(2030, 0, 1) / 1_000;
const jwt = `${part({ alg: 'RS256' })}.${part({ sub: 'CORP\\alice', exp })}.c2ln`;

/** Runs the command where `curl` says this. */
async function run(args: readonly string[], status = 200, body: object = {}) {
  const bin = mkdtempSync(join(root, 'bin-'));
  const answer = { access_token: jwt, token_type: 'Bearer', expires_in: 1_800, ...body };
  writeFileSync(
    join(bin, 'curl'),
    `#!/bin/sh\n/bin/cat > "$0.input"\nprintf '%s\\n${status}' '${JSON.stringify(answer)}'\n`,
  );
  chmodSync(join(bin, 'curl'), 0o755);
  const env = { PATH: bin, HOME: bin, CARDEA_ISSUER: 'https://auth.corp.example' };
  const ran = await runIn(bin, ['token', '--way', 'curl', ...args], { env });
  return { ...ran, asked: readFileSync(join(bin, 'curl.input'), 'utf8') };
}

test('cardea token prints the token and nothing else', async () => {
  const { status, stdout, stderr, asked } = await run([]);
  assert.deepEqual([status, stdout, stderr, asked], [0, `${jwt}\n`, '', '{}']);
});

test('cardea token asks for what it is told to', async () => {
  const { asked } = await run(['--client', 'desktop', '--audience', 'llm', '--groups', 'a,b']);
  assert.deepEqual(JSON.parse(asked), { client_id: 'desktop', audience: 'llm', groups: ['a', 'b'] });
});

test('cardea token --header prints a header field', async () =>
  assert.equal((await run(['--header'])).stdout, `Authorization: Bearer ${jwt}\n`));

test('cardea token --json says when the token ends', async () =>
  assert.deepEqual(JSON.parse((await run(['--json'])).stdout), {
    access_token: jwt,
    token_type: 'Bearer',
    expires_at: '2030-01-01T00:00:00.000Z',
  }));

test('cardea token --decode shows what is in the token, and that nobody has verified it, without the signature', async () => {
  const { stdout } = await run(['--decode']);
  assert.deepEqual(JSON.parse(stdout), {
    verified: false,
    header: { alg: 'RS256' },
    claims: { sub: 'CORP\\alice', exp },
  });
  assert.doesNotMatch(stdout, /c2ln/);
});

test('cardea token --decode and --json take a token that is no JWT', async () => {
  const odd = { access_token: 'opaque' };
  assert.deepEqual(JSON.parse((await run(['--decode'], 200, odd)).stdout), { verified: false, header: null });
  assert.equal(JSON.parse((await run(['--json'], 200, odd)).stdout).expires_at, null);
});

test('cardea token says why there is none, and prints nothing on standard output', async () => {
  const body = { error: 'access_denied', error_description: 'Not here', request_id: 'r1', access_token: undefined };
  const { status, stdout, stderr } = await run([], 403, body);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /access_denied: Not here; request r1/);
});
