import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { ProviderKeys } from './provider-keys.ts';
import { ProviderUnavailable } from './refusal.ts';
import { verifyToken } from './token.ts';

const pair = async (kid: string): Promise<{ readonly jwk: JWK; readonly token: string }> => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const token = await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
  return { jwk: { ...(await exportJWK(publicKey)), kid }, token };
};
const [one, two] = [await pair('one'), await pair('two')];

/** A provider whose keys and health can be changed. */
function provider() {
  const state = { keys: [one.jwk], down: false, asked: 0 };
  const keys = new ProviderKeys('https://provider.example/jwks', {
    fetch: async () => {
      state.asked++;
      if (state.down) throw new Error('down');
      return Response.json({ keys: state.keys });
    },
  });
  const kind = async (token: string, now: number): Promise<string> => (await verifyToken(token, keys, now)).kind;
  return { state, kind };
}

test('ProviderKeys asks once for many tokens at a time', async () => {
  const { state, kind } = provider();
  await Promise.all(Array.from({ length: 20 }, () => kind(one.token, 0)));
  assert.equal(state.asked, 1);
});

test('ProviderKeys asks again for a key that it does not know, at once, and then seldom', async () => {
  const { state, kind } = provider();
  await kind(one.token, 0);
  state.keys = [two.jwk];
  assert.equal(await kind(two.token, 1), 'ok');
  assert.equal(await kind(one.token, 2), 'refused');
  assert.equal(state.asked, 2);
  await kind(one.token, 10_001);
  assert.equal(state.asked, 3);
});

test('ProviderKeys keeps what it has when the provider is down', async () => {
  const { state, kind } = provider();
  await kind(one.token, 0);
  state.down = true;
  assert.equal(await kind(one.token, 3_600_001), 'ok');
  assert.equal(await kind(two.token, 3_600_002), 'refused');
});

test('ProviderKeys cannot tell anything while the provider was never up, and can afterwards', async () => {
  const { state, kind } = provider();
  state.down = true;
  await assert.rejects(kind(one.token, 0), ProviderUnavailable);
  state.down = false;
  assert.equal(await kind(one.token, 1), 'ok');
});

test('ProviderKeys forgets a key that the provider has withdrawn, after an hour', async () => {
  const { state, kind } = provider();
  await kind(one.token, 0);
  state.keys = [two.jwk];
  assert.equal(await kind(one.token, 3_600_000), 'ok');
  assert.equal(await kind(one.token, 3_600_001), 'refused');
});
