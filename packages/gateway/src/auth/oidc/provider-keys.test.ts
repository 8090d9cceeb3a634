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
  const state = { keys: [one.jwk], down: false, asked: 0, hang: undefined as Promise<void> | undefined };
  const keys = new ProviderKeys(
    'https://provider.example/jwks',
    {
      fetch: async () => {
        state.asked++;
        await state.hang;
        if (state.down) throw new Error('down');
        return Response.json({ keys: state.keys });
      },
    },
    5,
  );
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
  assert.equal(await kind(one.token, 10_000), 'ok');
});

test('ProviderKeys leaves a provider alone that was down just now', async () => {
  const { state, kind } = provider();
  state.down = true;
  await assert.rejects(kind(one.token, 0), ProviderUnavailable);
  state.down = false;
  await assert.rejects(
    kind(one.token, 9_999),
    (error) => error instanceof ProviderUnavailable && error.retryAfterMs === 1,
  );
  assert.equal(state.asked, 1);
});

test('ProviderKeys does not ask with every token while its keys are old and the provider is down', async () => {
  const { state, kind } = provider();
  await kind(one.token, 0);
  state.down = true;
  for (let i = 1; i <= 20; i++) assert.equal(await kind(one.token, 3_600_000 + i), 'ok');
  assert.equal(state.asked, 2);
});

test('ProviderKeys counts the pause from when the provider has failed, not from when it was asked', async () => {
  const { state, kind } = provider();
  const { promise, reject } = Promise.withResolvers<void>();
  state.hang = promise;
  const all = [kind(one.token, 0), kind(one.token, 30_000)];
  reject(new Error('hung up'));
  for (const settled of await Promise.allSettled(all)) assert.equal(settled.status, 'rejected');
  await assert.rejects(kind(one.token, 39_999), ProviderUnavailable);
  assert.equal(state.asked, 1);
});

test('ProviderKeys serves the keys at hand while the provider hangs', async () => {
  const { state, kind } = provider();
  await kind(one.token, 0);
  const { promise, resolve } = Promise.withResolvers<void>();
  state.hang = promise;
  assert.equal(await kind(one.token, 3_600_001), 'ok');
  state.keys = [two.jwk];
  // A token with a key that is not at hand has nothing else to wait for.
  const newer = kind(two.token, 3_600_002);
  resolve();
  assert.equal(await newer, 'ok');
  assert.equal(state.asked, 2);
});

test('ProviderKeys forgets a key that the provider has withdrawn, after an hour', async () => {
  const { state, kind } = provider();
  await kind(one.token, 0);
  state.keys = [two.jwk];
  assert.equal(await kind(one.token, 3_600_000), 'ok');
  assert.equal(await kind(one.token, 3_600_001), 'refused');
});
