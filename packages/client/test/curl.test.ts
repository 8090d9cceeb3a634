/** `curlNegotiate()` with programs in place of curl and klist, which write down how they were started. The real ones are in the lab. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createTokenClient } from '@cardea/client';
import { curlNegotiate, systemNegotiate } from '@cardea/client/node';

const folder = mkdtempSync(join(tmpdir(), 'cardea-curl-'));
after(() => rmSync(folder, { recursive: true }));

const token = { access_token: 'the-secret-token', token_type: 'Bearer', expires_in: 1_800 };
let count = 0;

/** A program that does what the shell script says. */
function program(script: string): string {
  const path = join(folder, `program-${++count}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const answers = (status: number, body: object): string =>
  program(`echo "$@" > "$0.args"; cat > "$0.input"; printf '%s\\n${status}' '${JSON.stringify(body)}'`);
const client = (curl: string, klist = program('exit 0')) =>
  createTokenClient({
    url: 'https://auth.corp.example',
    audience: 'llm',
    negotiate: curlNegotiate({ program: curl, klist }),
  });

test('curlNegotiate() gives what curl has got, and tells it on standard input what to ask for', async () => {
  const curl = answers(200, token);
  assert.equal(await client(curl).token(), token.access_token);
  assert.equal(readFileSync(`${curl}.input`, 'utf8'), '{"audience":"llm"}');
  assert.match(
    readFileSync(`${curl}.args`, 'utf8'),
    /--negotiate --user : .*--url https:\/\/auth\.corp\.example\/desktop\/token/,
  );
});

test('curlNegotiate() says that there is no ticket when klist finds none', async () => {
  const curl = answers(401, { error: 'invalid_client' });
  await assert.rejects(client(curl, program('exit 1')).token(), { code: 'no-ticket', message: /kinit/ });
});

for (const [what, klist] of [
  ['with a ticket', program('exit 0')],
  ['without a klist', join(folder, 'missing')],
] as const)
  test(`curlNegotiate() gives the issuer's refusal ${what}`, async () => {
    const curl = answers(401, { error: 'invalid_client', request_id: 'r1' });
    await assert.rejects(client(curl, klist).token(), { code: 'issuer-refused', requestId: 'r1' });
  });

const failures: readonly (readonly [script: string, code: string, message: RegExp])[] = [
  ['echo "curl: (6) Could not resolve host" >&2; exit 6', 'issuer-unreachable', /Could not resolve host/],
  ['exit 60', 'issuer-unreachable', /exit status 60/],
  ['echo "curl: option --negotiate: not supported" >&2; exit 4', 'no-way-to-sign-in', /koffi/],
  ['exit 0', 'bad-answer', /no status/],
];
for (const [script, code, message] of failures)
  test(`curlNegotiate() tells "${script}" as ${code}`, async () => {
    await assert.rejects(client(program(script)).token(), { code, message });
  });

test('curlNegotiate() ends a curl that hangs', async () => {
  const hanging = createTokenClient({
    url: 'https://auth.corp.example',
    negotiate: curlNegotiate({ program: program('exec sleep 600') }),
    timeoutMs: 100,
  });
  await assert.rejects(hanging.token(), { code: 'issuer-unreachable', message: /in time/ });
});

test('systemNegotiate() names koffi and curl where there is neither', async () => {
  const negotiate = systemNegotiate({ koffi: false, curl: { program: join(folder, 'missing') } });
  const none = createTokenClient({ url: 'https://auth.corp.example', negotiate });
  await assert.rejects(none.token(), { code: 'no-way-to-sign-in', message: /koffi.*curl/ });
  assert.throws(() => systemNegotiate({ koffi: false, way: 'library' }), { code: 'no-way-to-sign-in' });
  assert.throws(() => systemNegotiate({ koffi: false, service: 'x' }), { code: 'no-way-to-sign-in' });
});
