import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiKey, ApiKeys, ApiKeyUse } from '../ports/api-keys.ts';
import { apiKey, apiKeyIdOf, KnownApiKeys } from './api-key.ts';
import { apiKeyHash, newApiKey } from './api-key-text.ts';
import type { Credentials, Outcome } from './authenticator.ts';
import { credentials } from './credentials-testing.ts';

const now = 1_789_000_000_000;
const hour = 3_600_000;
const made = newApiKey();

const stored = (particulars: Partial<ApiKey> = {}): ApiKey => ({
  id: made.id,
  hash: apiKeyHash(made.text),
  name: 'nightly',
  owner: 'ops',
  scope: { apps: undefined, paths: undefined, methods: undefined },
  groups: ['exporters'],
  rights: [],
  createdAt: now - hour,
  expiresAt: undefined,
  lastUsedAt: undefined,
  revokedAt: undefined,
  ...particulars,
});

/** A store that holds one key and tells how often it was asked. */
class OneKey implements ApiKeys {
  key: ApiKey | undefined;
  asked = 0;
  readonly written: ApiKeyUse[] = [];
  constructor(key: ApiKey | undefined) {
    this.key = key;
  }
  find(id: string): ApiKey | undefined {
    this.asked++;
    return this.key?.id === id ? this.key : undefined;
  }
  used(uses: readonly ApiKeyUse[]): void {
    this.written.push(...uses);
  }
  create = (): boolean => false;
  list = (): readonly ApiKey[] => [];
  revoke = (): boolean => false;
  close(): void {}
}

function gate(particulars: Partial<ApiKey> = {}) {
  const store = new OneKey(stored(particulars));
  const known = new KnownApiKeys(store);
  const method = apiKey({ keys: known, lifetimeMs: 8 * hour, isOwnPath: (path) => path.startsWith('/auth/') });
  const ask = (carried: Partial<Credentials>): Outcome => {
    const outcome = method.authenticate(credentials({ now, ...carried }));
    assert.ok(!(outcome instanceof Promise)); // this store answers at once, and so does the method
    return outcome;
  };
  return { store, known, method, ask };
}

const field = (text: string) => ({ fields: ['X-API-Key', text] });
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const reason = (outcome: Outcome): string => (outcome.kind === 'rejected' ? outcome.reason : outcome.kind);

for (const [where, carried] of [
  ['in X-API-Key', field(made.text)],
  ['in X-API-Key, whatever its case', { fields: ['x-api-key', made.text] }],
  ['as a bearer token', bearer(made.text)],
  ['as a bearer token, whatever the case of the scheme', { authorization: `bearer ${made.text}` }],
] as const)
  test(`apiKey() accepts a key ${where}`, () => {
    const outcome = gate().ask(carried);
    assert.equal(outcome.kind, 'accepted');
    assert.deepEqual(outcome.kind === 'accepted' && outcome.identity, {
      subject: `api_key:${made.id}`,
      account: 'key:nightly',
      upn: undefined,
      name: undefined,
      email: undefined,
      sids: [],
      groups: ['exporters'],
      method: 'api_key',
      authenticatedAt: now,
      expiresAt: now + 8 * hour,
    });
  });

for (const [what, carried] of [
  ['no credential', {}],
  ['another bearer token', bearer('eyJhbGciOiJFUzI1NiJ9.e30.x')],
  ['another scheme', { authorization: `Basic ${made.text}` }],
  ['a ticket', { authorization: 'Negotiate YII=' }],
] as const)
  test(`apiKey() leaves a request with ${what} to other methods, without asking the store`, () => {
    const { ask, store } = gate();
    assert.deepEqual(ask(carried), { kind: 'absent' });
    assert.equal(store.asked, 0);
  });

const other = newApiKey();
const forged = `cardea_${made.id}${other.text.slice(17)}`;

for (const [what, carried, why] of [
  ['both fields at once', { ...field(made.text), ...bearer(made.text) }, 'api-key-repeated'],
  ['X-API-Key twice', { fields: ['X-API-Key', made.text, 'X-API-Key', made.text] }, 'api-key-repeated'],
  ['an alias beside it', { fields: ['X-API-Key', made.text, 'X_API_Key', 'x'] }, 'api-key-repeated'],
  ['an alias alone', { fields: ['X_API_Key', made.text] }, 'api-key-repeated'],
  ['an empty X-API-Key', field(''), 'api-key-malformed'],
  ['something else in X-API-Key', field('secret123'), 'api-key-malformed'],
  ['a list in X-API-Key', field(`${made.text}, ${made.text}`), 'api-key-malformed'],
  ['a mistyped key', field(`${made.text.slice(0, -1)}${made.text.endsWith('0') ? '1' : '0'}`), 'api-key-mistyped'],
  ['a key of somebody else with the checksum of this one', field(forged), 'api-key-mistyped'],
  ['a key that nobody made', field(other.text), 'api-key-unknown'],
] as const)
  test(`apiKey() refuses ${what}`, () => assert.equal(reason(gate().ask(carried)), why));

test('apiKey() asks the store for nothing that its checksum tells already', () => {
  const { ask, store } = gate();
  ask(field(forged));
  assert.equal(store.asked, 0);
});

test('apiKey() refuses another secret under the id of a key', () => {
  const { ask } = gate({ hash: apiKeyHash(other.text) });
  assert.equal(reason(ask(field(made.text))), 'api-key-wrong');
});

test('apiKey() refuses a key whose stored hash is cut off', () => {
  const { ask } = gate({ hash: apiKeyHash(made.text).subarray(0, 16) });
  assert.equal(reason(ask(field(made.text))), 'api-key-wrong');
});

test('apiKey() refuses a revoked key, and one from its end on', () => {
  assert.equal(reason(gate({ revokedAt: now - 1 }).ask(field(made.text))), 'api-key-revoked');
  assert.equal(reason(gate({ expiresAt: now }).ask(field(made.text))), 'api-key-expired');
  assert.equal(gate({ expiresAt: now + 1 }).ask(field(made.text)).kind, 'accepted');
});

test('apiKey() says nothing about a key to whoever knows only its id', () => {
  const { ask } = gate({ hash: apiKeyHash(other.text), revokedAt: now - 1 });
  assert.equal(reason(ask(field(made.text))), 'api-key-wrong');
});

test('apiKey() lets an identity last as long as its key, when that has an end', () => {
  const outcome = gate({ expiresAt: now + hour }).ask(field(made.text));
  assert.equal(outcome.kind === 'accepted' && outcome.identity.expiresAt, now + hour);
});

const scope = { apps: ['desk'], paths: ['/api/**'], methods: ['GET'] };
for (const [what, carried, accepted] of [
  ['what it is for', { app: 'desk', method: 'GET', path: '/api/x' }, true],
  ['HEAD, for which GET speaks', { app: 'desk', method: 'HEAD', path: '/api/x' }, true],
  ['another app', { app: 'wiki', method: 'GET', path: '/api/x' }, false],
  ['another method', { app: 'desk', method: 'POST', path: '/api/x' }, false],
  ['another path', { app: 'desk', method: 'GET', path: '/admin' }, false],
  ['a respelled path', { app: 'desk', method: 'GET', path: '/API/x' }, false],
  [
    "one of the gateway's own paths, where the endpoint asks by itself",
    { app: 'wiki', method: 'POST', path: '/auth/stream-tokens' },
    true,
  ],
] as const)
  test(`apiKey() ${accepted ? 'accepts' : 'refuses'} a key with a scope for ${what}`, () => {
    const outcome = gate({ scope }).ask({ ...field(made.text), ...carried });
    assert.equal(reason(outcome), accepted ? 'accepted' : 'api-key-scope');
  });

for (const part of ['apps', 'paths', 'methods'] as const)
  test(`apiKey() takes an empty list of ${part} for none`, () => {
    const empty = { apps: undefined, paths: undefined, methods: undefined, [part]: [] };
    assert.equal(reason(gate({ scope: empty }).ask({ ...field(made.text), path: '/api/x' })), 'api-key-scope');
  });

test('apiKey() asks the store once in half a second, and hears of a revocation within a second', () => {
  const { ask, store } = gate();
  for (let i = 0; i < 500; i += 50) assert.equal(ask({ ...field(made.text), now: now + i }).kind, 'accepted');
  assert.equal(store.asked, 1);
  store.key = stored({ revokedAt: now + 1 });
  assert.equal(reason(ask({ ...field(made.text), now: now + 500 })), 'api-key-revoked');
  assert.equal(store.asked, 2);
});

test('apiKey() believes a remembered key no longer than it says it may be reused', () => {
  const outcome = gate().ask(field(made.text));
  assert.equal(outcome.kind === 'accepted' && outcome.reuse?.until, now + 500);
});

test('apiKey() gives different credentials different keys to be remembered under, and none of them is the credential', () => {
  const outcome = gate().ask(field(made.text));
  const key = outcome.kind === 'accepted' ? outcome.reuse?.key : undefined;
  assert.equal(key, Buffer.from(apiKeyHash(made.text)).toString('base64'));
});

test('apiKey() throws when the store cannot be asked: nobody is let in', () => {
  const { method, store } = gate();
  store.find = () => {
    throw new Error('down');
  };
  assert.throws(() => method.authenticate(credentials({ now, ...field(made.text) })), /down/);
});

test('apiKey() works with a store that answers later', async () => {
  const store = new OneKey(stored());
  const later: ApiKeys = {
    create: store.create,
    list: store.list,
    revoke: store.revoke,
    find: async (id) => store.find(id),
    used: (uses) => store.used(uses),
    close() {},
  };
  const method = apiKey({ keys: new KnownApiKeys(later), lifetimeMs: hour, isOwnPath: () => false });
  const outcome = await method.authenticate(credentials({ now, ...field(made.text) }));
  assert.equal(outcome.kind, 'accepted');
});

test('apiKey() never puts the key into a refusal', () => {
  for (const [carried, particulars] of [
    [field(made.text), { revokedAt: 1 }],
    [field(made.text), { hash: apiKeyHash('x') }],
    [field(made.text), { scope: { apps: [], paths: undefined, methods: undefined } }],
    [field(other.text), {}],
    [{ ...field(made.text), ...bearer(made.text) }, {}],
  ] as const) {
    const text = JSON.stringify(gate(particulars).ask(carried));
    assert.doesNotMatch(text, new RegExp(`${made.text.slice(18)}|${other.text.slice(18)}`));
  }
});

test('KnownApiKeys writes uses together, and none twice', async () => {
  const { ask, known, store } = gate();
  for (let i = 0; i < 5; i++) ask({ ...field(made.text), now: now + i });
  assert.deepEqual(store.written, []);
  await known.flush();
  await known.flush();
  assert.deepEqual(store.written, [{ id: made.id, at: now + 4 }]);
});

test('KnownApiKeys notes no use of a key that was refused', async () => {
  const { ask, known, store } = gate({ expiresAt: now });
  ask(field(made.text));
  await known.flush();
  assert.deepEqual(store.written, []);
});

test('KnownApiKeys tells whether what was made with a key may still be used', async () => {
  assert.equal(await gate().known.isGood(made.id, now), true);
  assert.equal(await gate().known.isGood(other.id, now), false);
  assert.equal(await gate({ revokedAt: 1 }).known.isGood(made.id, now), false);
  assert.equal(await gate({ expiresAt: now }).known.isGood(made.id, now), false);
});

test('KnownApiKeys tells how far a key reaches: a single path, or all that lies below it', async () => {
  const { known } = gate({ scope: { apps: ['desk'], paths: ['/api/*', '/jobs/**'], methods: ['GET'] } });
  const program = { subject: `api_key:${made.id}`, method: 'api_key' };
  const what = { app: 'desk', method: 'GET' };
  assert.equal(await known.mayUse(program, { ...what, path: '/api/x' }, now), true);
  assert.equal(await known.mayUse(program, { ...what, path: '/api/x', below: true }, now), false);
  assert.equal(await known.mayUse(program, { ...what, path: '/jobs/7', below: true }, now), true);
  assert.equal(await known.mayUse(program, { ...what, path: '/jobs/7', method: 'POST' }, now), false);
  assert.equal(await known.mayUse({ ...program, subject: 'api_key:gone' }, { ...what, path: '/api/x' }, now), false);
  assert.equal(
    await known.mayUse({ subject: 'password:alice', method: 'password' }, { ...what, path: '/x' }, now),
    true,
  );
});

test('apiKeyIdOf() tells the key behind an identity, and nothing of a person who is named like one', () => {
  assert.equal(apiKeyIdOf({ subject: 'api_key:abc', method: 'api_key' }), 'abc');
  assert.equal(apiKeyIdOf({ subject: 'api_key:abc', method: 'oidc' }), undefined);
});
