import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { ProviderKeys } from './provider-keys.ts';
import { isObject, signatureAlgorithms, verifyToken, type VerifiedToken } from './token.ts';

const keysOf = (...keys: readonly unknown[]): ProviderKeys =>
  new ProviderKeys('https://provider.example/jwks', { fetch: async () => Response.json({ keys }) });

const isSigned = (verdict: VerifiedToken): boolean =>
  verdict.kind === 'ok' || verdict.detail === 'its claims are not a JSON object';

test('verifyToken() takes a token of each pinned algorithm', async () => {
  for (const algorithm of signatureAlgorithms) {
    const { publicKey, privateKey } = await generateKeyPair(algorithm);
    const token = await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: algorithm }).sign(privateKey);
    const verdict = await verifyToken(token, keysOf(await exportJWK(publicKey)), 0);
    assert.equal(verdict.kind === 'ok' && verdict.claims['sub'], 'alice', algorithm);
  }
});

test('verifyToken() tries every key that fits when a token names none', async () => {
  const pairs = await Promise.all([1, 2, 3].map(() => generateKeyPair('ES256')));
  const last = pairs[2];
  assert.ok(last);
  const token = await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'ES256' }).sign(last.privateKey);
  const keys = keysOf(...(await Promise.all(pairs.map(({ publicKey }) => exportJWK(publicKey)))));
  assert.equal((await verifyToken(token, keys, 0)).kind, 'ok');
});

test('verifyToken() takes a secret in the key set for no key', async () => {
  const header = Buffer.from('{"alg":"RS256","kid":"k"}').toString('base64url');
  const verdict = await verifyToken(`${header}.e30.AAAA`, keysOf({ kty: 'oct', k: 'c2VjcmV0', kid: 'k' }), 0);
  assert.equal(verdict.kind === 'refused' && verdict.reason, 'token-key-unknown');
});

test('verifyToken() refuses an RSA key below 2048 bits', async () => {
  const short: JWK = { kty: 'RSA', n: Buffer.alloc(128, 0xc1).toString('base64url'), e: 'AQAB', kid: 'k' };
  const header = Buffer.from('{"alg":"RS256","kid":"k"}').toString('base64url');
  const verdict = await verifyToken(`${header}.e30.${Buffer.alloc(128).toString('base64url')}`, keysOf(short), 0);
  assert.equal(verdict.kind === 'refused' && verdict.reason, 'token-key-unknown');
});

test('verifyToken() refuses a token in which a single character of any part was changed', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = keysOf(await exportJWK(publicKey));
  const token = await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  for (let i = 0; i < token.length; i += 3) {
    if (token[i] === '.') continue;
    const altered = `${token.slice(0, i)}${token[i] === 'A' ? 'B' : 'A'}${token.slice(i + 1)}`;
    assert.equal((await verifyToken(altered, keys, 0)).kind, 'refused', altered);
  }
});

interface Group {
  readonly public?: unknown;
  readonly tests: readonly {
    readonly tcId: number;
    readonly comment: string;
    readonly jws: unknown;
    readonly result: string;
  }[];
}

const vectors = new URL('../../../../../../shared/vectors/wycheproof/json_web_signature_test.json', import.meta.url);

test("verifyToken() takes of Wycheproof's JWS vectors only valid ones of the pinned algorithms", {
  skip: existsSync(vectors) ? false : 'the shared vectors are not here',
}, async () => {
  const { testGroups }: { testGroups: readonly Group[] } = JSON.parse(readFileSync(vectors, 'utf8'));
  let taken = 0;
  let refused = 0;
  for (const group of testGroups) {
    const keys = keysOf(...(isObject(group.public) ? [group.public] : []));
    for (const { tcId, comment, jws, result } of group.tests) {
      const text = typeof jws === 'string' ? jws : JSON.stringify(jws);
      const passes = isSigned(await verifyToken(text, keys, 0));
      const algorithm = /^[\w-]+\./.test(text) ? headerAlgorithm(text) : undefined;
      const pinned = signatureAlgorithms.some((name) => name === algorithm);
      const expected = result === 'valid' && pinned && isObject(group.public);
      assert.equal(passes, expected, `${tcId} ${comment} ${String(algorithm)}`);
      if (passes) taken++;
      else refused++;
    }
  }
  assert.deepEqual({ taken, refused }, { taken: 16, refused: 385 });
});

function headerAlgorithm(text: string): unknown {
  try {
    const header: unknown = JSON.parse(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString());
    return isObject(header) ? header['alg'] : undefined;
  } catch {
    return undefined;
  }
}
