import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compactVerify, decodeProtectedHeader, exportPKCS8, generateKeyPair } from 'jose';
import type { ServerMetadata } from 'openid-client';
import { Secret } from '../../core/secret.ts';
import { clientAuthentication } from './client-authentication.ts';
import type { ClientAuthentication } from './options.ts';

const issuer = 'https://login.example';

async function applied(
  authentication: ClientAuthentication,
  metadata: Partial<ServerMetadata> = {},
): Promise<{ readonly body: URLSearchParams; readonly headers: Headers }> {
  const body = new URLSearchParams();
  const headers = new Headers();
  const apply = await clientAuthentication(authentication);
  // Its type says nothing of it: with a key, what it gives has to be waited for.
  const applying: unknown = apply(
    { issuer, token_endpoint: `${issuer}/token`, ...metadata },
    { client_id: 'cardea' },
    body,
    headers,
  );
  await applying;
  return { body, headers };
}
const secret = new Secret('hush');

test('clientAuthentication() without anything sends the client alone', async () => {
  const { body, headers } = await applied({ kind: 'none' });
  assert.deepEqual([[...body.keys()], headers.has('authorization')], [['client_id'], false]);
});

test('clientAuthentication() sends a secret in the header, unless the provider takes it in the body alone', async () => {
  const basic = await applied({ kind: 'secret', secret });
  assert.equal(basic.headers.get('authorization'), `Basic ${btoa('cardea:hush')}`);
  const post = await applied(
    { kind: 'secret', secret },
    { token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_post'] },
  );
  assert.deepEqual([post.body.get('client_secret'), post.headers.has('authorization')], ['hush', false]);
});

test('clientAuthentication() sends a secret as the configuration says', async () => {
  const post = await applied({ kind: 'client_secret_post', secret });
  assert.equal(post.body.get('client_secret'), 'hush');
});

for (const algorithm of ['PS256', 'ES256', 'EdDSA']) {
  test(`clientAuthentication() signs an assertion for the provider with a key for ${algorithm}`, async () => {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const key = await exportPKCS8(privateKey);
    const { body } = await applied({ kind: 'private_key_jwt', key, keyId: '2026-11', certificate: undefined });
    const assertion = body.get('client_assertion') ?? '';
    const { payload } = await compactVerify(assertion, publicKey);
    const { iss, sub, aud, exp } = JSON.parse(new TextDecoder().decode(payload));
    assert.deepEqual({ iss, sub, aud }, { iss: 'cardea', sub: 'cardea', aud: issuer });
    assert.ok(exp <= Date.now() / 1000 + 120);
    assert.equal(decodeProtectedHeader(assertion).kid, '2026-11');
    assert.equal(body.has('client_secret'), false);
  });
}

test('clientAuthentication() names the certificate by its hash', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-oidc-'));
  const [keyFile, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=cardea'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', keyFile, '-out', file], { stdio: 'ignore' });
  const [key, certificate] = [readFileSync(keyFile, 'utf8'), readFileSync(file, 'utf8')];
  rmSync(folder, { recursive: true });
  const { body } = await applied({ kind: 'private_key_jwt', key, keyId: undefined, certificate });
  const header = decodeProtectedHeader(body.get('client_assertion') ?? '');
  const der = Buffer.from(certificate.replace(/-----[^-]*-----|\s/g, ''), 'base64');
  assert.equal(header['x5t#S256'], createHash('sha256').update(der).digest('base64url'));
});

test('clientAuthentication() refuses a key of another kind, without a word about it', async () => {
  const options = { kind: 'private_key_jwt', keyId: undefined, certificate: undefined } as const;
  await assert.rejects(
    applied({ ...options, key: 'hush' }),
    (error) => error instanceof RangeError && !/hush/.test(error.message),
  );
});
