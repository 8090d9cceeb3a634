import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { calculateJwkThumbprint, importJWK, jwtVerify } from 'jose';
import { isSignedBy, newSigningKey, readSigningKey, signingAlgorithms, signingJwk, signWith } from './signing-key.ts';

const times = { createdAt: 1, usedFrom: 2 };

for (const algorithm of signingAlgorithms) {
  test(`newSigningKey() makes a key for ${algorithm} whose signatures another library verifies by its JWK alone`, async () => {
    const key = await newSigningKey({ algorithm, bits: 2048 }, times);
    const jwk = signingJwk(key);
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${part({ alg: algorithm, kid: key.kid })}.${part({ sub: 'x' })}`;
    const signature = await signWith(key, input);
    const token = `${input}.${signature.toString('base64url')}`;
    const { payload } = await jwtVerify(token, await importJWK(jwk), { algorithms: [algorithm] });
    assert.equal(payload.sub, 'x');
    assert.equal(isSignedBy(key, input, signature), true);
    assert.equal(isSignedBy(key, `${input}x`, signature), false);
  });

  test(`signingJwk() has the public half of a key for ${algorithm}, its thumbprint as kid, and nothing private`, async () => {
    const key = await newSigningKey({ algorithm, bits: 2048 }, times);
    const jwk = signingJwk(key);
    assert.equal(jwk.kid, await calculateJwkThumbprint(jwk));
    assert.deepEqual([jwk.use, jwk.alg, key.createdAt, key.usedFrom], ['sig', algorithm, 1, 2]);
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.equal(Object.hasOwn(jwk, name), false, name);
  });
}

test('newSigningKey() makes RSA keys of the size that is asked for', async () => {
  const { publicKey } = await newSigningKey({ algorithm: 'RS256', bits: 3072 }, times);
  assert.equal(publicKey.asymmetricKeyDetails?.modulusLength, 3072);
});

test('newSigningKey() leaves the event loop alone while an RSA key is made', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await newSigningKey({ algorithm: 'RS256', bits: 3072 }, times);
  clearInterval(timer);
  assert.ok(turns > 0);
});

test('readSigningKey() takes a private key in PEM, and a public one as one that cannot sign', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const whole = readSigningKey(privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const half = readSigningKey(createPublicKey(privateKey).export({ format: 'pem', type: 'spki' }));
  assert.deepEqual([whole.algorithm, whole.kid, half.privateKey], ['RS256', half.kid, undefined]);
  await assert.rejects(signWith({ ...half, ...times }, 'x'), TypeError);
});

const pem = (type: 'rsa' | 'ec', options: object): string => {
  const { privateKey } =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 1024, ...options })
      : generateKeyPairSync('ec', { namedCurve: 'P-384', ...options });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
};
const refused: readonly (readonly [what: string, pem: string, why: RegExp])[] = [
  ['an RSA key of 1024 bits', pem('rsa', {}), /1024 bits/],
  ['a key on another curve', pem('ec', {}), /type ec/],
  ['no PEM', 'hunter2', /neither a private nor a public key/],
];
for (const [what, text, why] of refused)
  test(`readSigningKey() refuses ${what}, and quotes nothing of it`, () => {
    assert.throws(
      () => readSigningKey(text),
      (error) => error instanceof RangeError && why.test(error.message) && !error.message.includes('hunter2'),
    );
  });
